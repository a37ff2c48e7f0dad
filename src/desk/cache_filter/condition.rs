//! One condition: what a word of an expression says, and whether a row of a listing meets it.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use super::units;
use crate::desk::{CachedRepo, CachedRevision, Fault, FaultKind, OtherModel, RepoKind};

/// What an operator is made of.
pub(super) const OPERATORS: [char; 4] = ['<', '>', '=', '!'];

/// What conditions are asked about: a repository, or one of its revisions.
pub(super) struct Row<'a> {
    pub repo: &'a CachedRepo,
    pub revision: Option<&'a CachedRevision>,
    pub pinned: bool,
    pub now: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Its name has this in it, in small letters.
    Named(String),
    /// No branch or tag points at it, or at one of its revisions.
    Detached,
    /// It is, or is not, protected from deletion.
    Pinned(bool),
    Count(Counted, Operator, u64),
    Age(Timed, Operator, SignedDuration),
    /// Whether a word fits is, or is not, as wanted.
    Word(Word, bool),
}

/// What can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Size,
    Files,
    Revisions,
    Unused,
}

/// What has a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timed {
    Accessed,
    Modified,
}

/// What is equal to a word or not; words are in small letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Kind(RepoKind),
    Ref(String),
    Owner(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    More,
    Less,
    AtLeast,
    AtMost,
}

impl Condition {
    pub fn holds(&self, row: &Row<'_>) -> bool {
        match self {
            Self::Named(part) => row.repo.key.to_string().to_lowercase().contains(part),
            Self::Detached => row.revisions().any(CachedRevision::is_detached),
            Self::Pinned(wanted) => row.pinned == *wanted,
            Self::Count(what, operator, value) => operator.holds(&what.of(row), value),
            Self::Age(what, operator, value) => what.of(row).is_some_and(|time| operator.holds(&row.now.duration_since(time), value)),
            Self::Word(word, wanted) => word.fits(row) == *wanted,
        }
    }

    /// Whether a model of another program meets it; the condition's name where that cannot be known.
    pub fn holds_for_other(&self, model: &OtherModel, now: Timestamp) -> Result<bool, &'static str> {
        match self {
            Self::Named(part) => Ok(model.name.to_lowercase().contains(part)),
            Self::Count(Counted::Size, operator, value) => Ok(operator.holds(&model.size, value)),
            Self::Count(Counted::Files, operator, value) => Ok(operator.holds(&(model.files as u64), value)),
            Self::Age(Timed::Accessed, operator, value) => {
                Ok(model.last_accessed.is_some_and(|time| operator.holds(&now.duration_since(time), value)))
            }
            Self::Age(Timed::Modified, ..) => Err("modified"),
            Self::Count(Counted::Revisions, ..) => Err("revisions"),
            Self::Count(Counted::Unused, ..) => Err("unused"),
            Self::Detached => Err("is:detached"),
            Self::Pinned(_) => Err("pinned"),
            Self::Word(word, _) => Err(word.key()),
        }
    }
}

impl<'a> Row<'a> {
    /// The revision, or all of the repository's.
    fn revisions(&self) -> impl Iterator<Item = &'a CachedRevision> {
        self.revision.map_or(&self.repo.revisions[..], std::slice::from_ref).iter()
    }
}

impl Counted {
    fn of(self, row: &Row<'_>) -> u64 {
        match self {
            Self::Size => row.revision.map_or(row.repo.size, |revision| revision.size),
            Self::Files => row.revision.map_or(row.repo.files, |revision| revision.files) as u64,
            Self::Revisions => row.repo.revisions.len() as u64,
            Self::Unused => row.repo.unused(),
        }
    }
}

impl Timed {
    fn of(self, row: &Row<'_>) -> Option<Timestamp> {
        match self {
            Self::Accessed => row.repo.last_accessed,
            Self::Modified => row.revision.map_or(row.repo.last_modified, |revision| revision.last_modified),
        }
    }
}

impl Word {
    fn key(&self) -> &'static str {
        match self {
            Self::Kind(_) => "type",
            Self::Ref(_) => "refs",
            Self::Owner(_) => "owner",
        }
    }

    fn fits(&self, row: &Row<'_>) -> bool {
        match self {
            Self::Kind(kind) => row.repo.key.kind == *kind,
            Self::Ref(name) => row.revisions().flat_map(|revision| &revision.refs).any(|own| own.to_lowercase() == *name),
            Self::Owner(owner) => row.repo.key.id.owner().is_some_and(|own| own.eq_ignore_ascii_case(owner)),
        }
    }
}

impl Operator {
    /// Every operator as it is written; a longer one stands before its own beginning.
    const ALL: [(&str, Self); 6] =
        [(">=", Self::AtLeast), ("<=", Self::AtMost), ("!=", Self::NotEqual), (">", Self::More), ("<", Self::Less), ("=", Self::Equal)];

    fn holds<T: Ord>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::More => left > right,
            Self::Less => left < right,
            Self::AtLeast => left >= right,
            Self::AtMost => left <= right,
        }
    }
}

impl FromStr for Condition {
    type Err = Fault;

    fn from_str(word: &str) -> Result<Self, Fault> {
        let Some(at) = word.find(OPERATORS) else { return bare(word) };
        let (key, rest) = word.split_at(at);
        let written = Operator::ALL.iter().find_map(|(name, operator)| Some((*operator, rest.strip_prefix(name)?)));
        let known = written.filter(|(_, value)| !value.starts_with('='));
        let (operator, value) = known.ok_or_else(|| wrong(word, "has no operator that is known", "write one of = != > < >= <="))?;
        if value.is_empty() {
            return Err(wrong(word, "has no value", "write it behind the operator, for example size>1GB"));
        }
        Compared { word, operator, value }.by(&key.to_ascii_lowercase())
    }
}

/// A word without an operator: a part of a name, `is:detached` or `is:pinned`.
fn bare(word: &str) -> Result<Condition, Fault> {
    let word = word.to_lowercase();
    match word.split_once(':') {
        None => Ok(Condition::Named(word)),
        Some(("is", "detached")) => Ok(Condition::Detached),
        Some(("is", "pinned")) => Ok(Condition::Pinned(true)),
        Some(_) => Err(wrong(&word, "is no condition", "write is:detached, is:pinned, KEY=VALUE, or a part of a name")),
    }
}

/// A comparison as it is written.
struct Compared<'a> {
    word: &'a str,
    operator: Operator,
    value: &'a str,
}

impl Compared<'_> {
    fn by(&self, key: &str) -> Result<Condition, Fault> {
        match key {
            "size" => self.size(Counted::Size),
            "unused" => self.size(Counted::Unused),
            "files" => self.count(Counted::Files),
            "revisions" => self.count(Counted::Revisions),
            "accessed" => self.age(Timed::Accessed),
            "modified" => self.age(Timed::Modified),
            "pinned" => self.pinned(),
            "type" => self.kind(),
            "refs" => self.equal(Word::Ref(self.value.to_lowercase())),
            "owner" => self.equal(Word::Owner(self.value.to_lowercase())),
            _ => {
                let keys =
                    "write one of size, accessed, modified, type, refs, owner, files, revisions, unused and pinned before the operator";
                Err(wrong(self.word, "has no key that is known", keys))
            }
        }
    }

    fn size(&self, what: Counted) -> Result<Condition, Fault> {
        let hint = "write a number and a unit, for example 500MB, 1.5GB or 2GiB";
        let value = units::size(self.value).ok_or_else(|| wrong(self.word, "names no size", hint))?;
        Ok(Condition::Count(what, self.operator, value))
    }

    fn count(&self, what: Counted) -> Result<Condition, Fault> {
        let value = self.value.parse().map_err(|_| wrong(self.word, "names no count", "write a whole number, for example files>100"))?;
        Ok(Condition::Count(what, self.operator, value))
    }

    fn age(&self, what: Timed) -> Result<Condition, Fault> {
        let hint = "write how long ago it was, for example 12h, 30d, 2w, 6mo or 1y";
        let value = units::time(self.value).ok_or_else(|| wrong(self.word, "names no length of time", hint))?;
        Ok(Condition::Age(what, self.operator, value))
    }

    fn pinned(&self) -> Result<Condition, Fault> {
        let value = match &*self.value.to_ascii_lowercase() {
            "true" | "yes" => true,
            "false" | "no" => false,
            _ => return Err(wrong(self.word, "is neither true nor false", "write pinned=true or pinned=false")),
        };
        self.is_or_is_not().map(|wanted| Condition::Pinned(value == wanted))
    }

    fn kind(&self) -> Result<Condition, Fault> {
        let kind = RepoKind::from_name(&self.value.to_lowercase());
        let hint = "write model, dataset, space or kernel";
        self.equal(Word::Kind(kind.ok_or_else(|| wrong(self.word, "names no type of repository", hint))?))
    }

    fn equal(&self, word: Word) -> Result<Condition, Fault> {
        self.is_or_is_not().map(|wanted| Condition::Word(word, wanted))
    }

    /// Whether it is to be so, or not to be so.
    fn is_or_is_not(&self) -> Result<bool, Fault> {
        match self.operator {
            Operator::Equal => Ok(true),
            Operator::NotEqual => Ok(false),
            _ => Err(wrong(self.word, "compares what has no order", "write = or !=")),
        }
    }
}

fn wrong(word: &str, why: &str, allowed: &str) -> Fault {
    Fault::new(FaultKind::Usage, format!("“{word}” {why}")).hint(allowed)
}
