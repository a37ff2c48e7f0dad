//! Who brings which content now, so that no two downloads of one engine fetch the same bytes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

use crate::desk::Digest;

/// Where whoever had the turn before has placed the content, if it came to that.
type Placed = tokio::sync::Mutex<Option<PathBuf>>;

/// The turns for all contents. Clones share them.
#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<HashMap<Digest, Weak<Placed>>>>);

/// The right to bring a content. It passes to the next in line when it is dropped, whether the content was placed or not.
pub struct Turn(OwnedMutexGuard<Option<PathBuf>>);

impl Turns {
    /// The line for a content. It is there while somebody stands in it.
    pub fn line(&self, digest: &Digest) -> Line {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| line.strong_count() > 0);
        let line = lines.get(digest).and_then(Weak::upgrade).unwrap_or_default();
        lines.insert(digest.clone(), Arc::downgrade(&line));
        Line(line)
    }
}

/// The line of those who want one content.
pub struct Line(Arc<Placed>);

impl Line {
    /// The turn, if nobody has it.
    pub fn try_turn(&self) -> Option<Turn> {
        Arc::clone(&self.0).try_lock_owned().ok().map(Turn)
    }

    /// The turn, after everybody who came before.
    pub async fn turn(&self) -> Turn {
        Turn(Arc::clone(&self.0).lock_owned().await)
    }
}

impl Turn {
    /// Where the content was placed by those before.
    pub fn placed(&self) -> Option<PathBuf> {
        self.0.clone()
    }

    /// Tells those who wait where the content is now.
    pub fn pass_on(&mut self, placed: PathBuf) {
        *self.0 = Some(placed);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn digest(digit: &str) -> Digest {
        digit.repeat(40).parse().unwrap()
    }

    #[tokio::test]
    async fn a_turn_passes_on_with_what_was_placed() {
        let turns = Turns::default();
        let mut first = turns.line(&digest("a")).try_turn().unwrap();
        let line = turns.clone().line(&digest("a"));
        assert!(line.try_turn().is_none());
        assert!(turns.line(&digest("b")).try_turn().is_some(), "another content has its own line");
        let next = line.turn();
        let mut next = Box::pin(next);
        assert!(next.as_mut().now_or_never().is_none());
        first.pass_on("/placed".into());
        drop(first);
        assert_eq!(next.await.placed(), Some("/placed".into()));
    }

    #[tokio::test]
    async fn a_line_ends_with_the_last_who_stands_in_it() {
        let turns = Turns::default();
        let line = turns.line(&digest("a"));
        line.try_turn().unwrap().pass_on("/placed".into());
        drop(line);
        assert_eq!(turns.line(&digest("a")).try_turn().unwrap().placed(), None);
        drop(turns.line(&digest("b")));
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
