//! The card of the open repository: whether it is there, and how far it is scrolled.

use std::sync::Arc;

use super::Step;
use crate::desk::{Card, Fault};

/// The card of the open repository, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CardState {
    /// It is on its way.
    #[default]
    Loading,
    /// The repository has none.
    Missing,
    /// Here it is.
    Here(Arc<Card>),
    /// Why it could not be had.
    Failed(Fault),
}

/// A text as the screen shows it. How many rows a text takes is known once it has been drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The rows of the whole text.
    pub rows: usize,
    /// The rows that show at once.
    pub shown: usize,
}

impl Reach {
    /// How many rows are above the window when the last one shows.
    pub(super) fn furthest(self) -> usize {
        self.rows.saturating_sub(self.shown)
    }
}

/// The card that is shown in place of the variants.
#[derive(Clone, Debug, Default)]
pub struct CardView {
    /// The card, as far as it is known.
    pub state: CardState,
    /// How many rows of its text are above the window.
    pub scroll: usize,
    reach: Reach,
}

impl CardView {
    /// Takes the reply in.
    pub(super) fn receive(&mut self, reply: Result<Option<Arc<Card>>, Fault>) {
        self.state = match reply {
            Ok(Some(card)) => CardState::Here(card),
            Ok(None) => CardState::Missing,
            Err(fault) => CardState::Failed(fault),
        };
    }

    /// Takes in how much of the text was drawn.
    pub(super) fn drawn(&mut self, reach: Reach) {
        self.reach = reach;
        self.scroll = self.scroll.min(reach.furthest());
    }

    /// Scrolls, until the last row shows.
    pub(super) fn step(&mut self, step: Step) {
        self.scroll = step.from(self.scroll, self.reach.furthest() + 1, self.reach.shown.max(1));
    }
}
