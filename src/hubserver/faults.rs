//! Trouble on purpose, so that a client's tests can meet it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The answer is this status with these headers and a short JSON body.
    Status(u16, Vec<(String, String)>),
    /// No answer comes, and the connection stays open.
    Silence,
    /// The connection closes after this many bytes of a file's body.
    CutAfter(u64),
    /// Nothing more comes after this many bytes of a file's body, and the connection stays open.
    StallAfter(u64),
    /// A file's body comes one byte at a time, with this long before each.
    Trickle(Duration),
    /// A file's body comes without a length, and ends as if it were whole after this many bytes or where it ends anyway.
    EndAfter(u64),
    /// A file's body is announced with this length, whatever its own is.
    Announce(u64),
    /// The byte at this offset in the file is sent inverted. Spent only by an answer that holds the byte.
    Flip(u64),
    /// A range is ignored: the whole file comes with status 200.
    IgnoreRange,
    /// The file claims to have this many bytes.
    Resize(u64),
    /// Other content of the same size comes, under another entity tag: every byte is inverted.
    Replace,
}

/// Which listener misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The API and `resolve`.
    Hub,
    /// Where large files come from.
    Cdn,
}

/// One kind of trouble: for the next `times` requests to this side whose path contains this text.
///
/// Paths are as they stand in the request; a file's path ends both its `resolve` and its CDN path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// The listener.
    pub side: Side,
    /// Part of the request's path; the empty text is part of every path.
    pub path_contains: String,
    /// Requests it still applies to.
    pub times: u32,
    /// What happens to them.
    pub effect: Effect,
}

/// The troubles that lie ahead. Clones share them, so a test keeps one and gives one to the server.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan(Arc<Mutex<Vec<FaultRule>>>);

impl FaultPlan {
    /// Adds trouble; of several rules that apply to a request, the first one added wins. A rule for no requests is none.
    pub fn inject(&self, rule: FaultRule) {
        if rule.times > 0 {
            self.rules().push(rule);
        }
    }

    /// Ends all trouble.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// The effect on a request, of those that can have one now; spends it.
    pub(super) fn take(&self, side: Side, path: &str, applies: impl Fn(&Effect) -> bool) -> Option<Effect> {
        let mut rules = self.rules();
        let hit = |rule: &FaultRule| rule.side == side && path.contains(&rule.path_contains) && applies(&rule.effect);
        let at = rules.iter().position(hit)?;
        let rule = &mut rules[at];
        let effect = rule.effect.clone();
        rule.times -= 1;
        if rule.times == 0 {
            rules.remove(at);
        }
        Some(effect)
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<FaultRule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_spent_on_what_it_applies_to() {
        let plan = FaultPlan::default();
        plan.inject(FaultRule { side: Side::Cdn, path_contains: ".gguf".to_owned(), times: 2, effect: Effect::CutAfter(5) });
        assert_eq!(plan.take(Side::Hub, "/x.gguf", |_| true), None);
        assert_eq!(plan.take(Side::Cdn, "/x.json", |_| true), None);
        assert_eq!(plan.take(Side::Cdn, "/x.gguf", |effect| *effect == Effect::IgnoreRange), None);
        for _ in 0..2 {
            assert_eq!(plan.take(Side::Cdn, "/x.gguf", |_| true), Some(Effect::CutAfter(5)));
        }
        assert_eq!(plan.take(Side::Cdn, "/x.gguf", |_| true), None);
    }
}
