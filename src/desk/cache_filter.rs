//! Choosing among what is cached: expressions such as `size>1GB accessed>30d type=dataset`.
//!
//! `size`, `accessed`, `modified`, `type` and `refs` mean what they mean to `hf cache ls --filter`; see
//! <https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/cli/cache.py>. There, a condition stands alone;
//! here, several with blanks between them all have to hold.

mod condition;
mod units;

use std::str::FromStr;

use jiff::Timestamp;

use super::cache::{CachedRepo, CachedRevision};
use super::fault::{Fault, FaultKind};
use super::other_store::OtherModel;
use condition::{Condition, Row};

/// Conditions that all have to hold. An empty one lets everything through.
///
/// | condition | holds for what |
/// |---|---|
/// | `size>1GB` | has more bytes; `K`, `M`, `G`, `T`, `P` are powers of 1000, `KiB` and so on of 1024 |
/// | `accessed>30d`, `modified<2w` | was last read, or changed, longer ago, or more lately: `s`, `m`, `h`, `d`, `w`, `mo`, `y` |
/// | `type=dataset`, `type!=model` | is of that kind |
/// | `refs=main`, `refs!=main` | has that branch or tag, or has it not |
/// | `owner=Qwen`, `owner!=Qwen` | belongs to that owner |
/// | `files>100`, `revisions>1`, `unused>1GB` | has so many files, so many commits, so many bytes that no snapshot uses |
/// | `is:detached` | has a commit that no branch or tag points at |
/// | `is:pinned`, `pinned=true`, `pinned=false` | is protected from deletion, or is not |
/// | any other word | has it in its name |
///
/// Numbers compare with `=`, `!=`, `>`, `<`, `>=` and `<=`, and blanks may stand around those. An unknown time meets no condition. Case
/// makes no difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheFilter {
    conditions: Vec<Condition>,
}

impl FromStr for CacheFilter {
    type Err = Fault;

    /// Reads an expression. A word that cannot be meant is a `Usage` fault that says what is allowed.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let conditions = words(text).iter().map(|word| word.parse()).collect::<Result<_, _>>()?;
        Ok(Self { conditions })
    }
}

impl CacheFilter {
    /// Whether a repository, which is pinned or not, meets every condition.
    pub fn takes(&self, repo: &CachedRepo, pinned: bool, now: Timestamp) -> bool {
        self.holds(&Row { repo, revision: None, pinned, now })
    }

    /// Whether one revision of a repository meets every condition: its own size, files, change and refs count, and its repository's else.
    pub fn takes_revision(&self, repo: &CachedRepo, revision: &CachedRevision, pinned: bool, now: Timestamp) -> bool {
        self.holds(&Row { repo, revision: Some(revision), pinned, now })
    }

    /// Whether a model of another program meets every condition. A `Usage` fault for a condition that asks what nobody knows of such.
    pub fn takes_other(&self, model: &OtherModel, now: Timestamp) -> Result<bool, Fault> {
        let unknown = |key| {
            Fault::new(FaultKind::Usage, format!("“{key}” is known of the cache's own repositories only"))
                .hint("of what other programs keep, ask for size, files, accessed or a part of the name")
        };
        let held = self.conditions.iter().map(|condition| condition.holds_for_other(model, now).map_err(unknown));
        held.collect::<Result<Vec<bool>, Fault>>().map(|held| held.into_iter().all(|holds| holds))
    }

    fn holds(&self, row: &Row<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(row))
    }
}

/// The words of an expression. Blanks around an operator do not part it from its sides, nor a number from its unit.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in text.split_whitespace() {
        match words.last_mut() {
            Some(word) if goes_on(word, part) => word.push_str(part),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

fn goes_on(word: &str, part: &str) -> bool {
    let value = word.rsplit_once(condition::OPERATORS).map(|(_, value)| value);
    part.starts_with(condition::OPERATORS)
        || value.is_some_and(|value| value.is_empty() || (units::is_number(value) && units::is_unit(part)))
}

#[cfg(test)]
mod tests;
