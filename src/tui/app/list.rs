//! Where the cursor of a list goes.

/// How a cursor moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// Half a page up.
    HalfUp,
    /// Half a page down.
    HalfDown,
}

impl Step {
    /// Where a cursor at row `at` of `len` rows lands, when `page` rows show. An empty list keeps it at 0.
    pub fn from(self, at: usize, len: usize, page: usize) -> usize {
        let half = page.div_ceil(2);
        let wanted = match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => at + 1,
            Self::Top => 0,
            Self::Bottom => usize::MAX,
            Self::PageUp => at.saturating_sub(page),
            Self::PageDown => at + page,
            Self::HalfUp => at.saturating_sub(half),
            Self::HalfDown => at + half,
        };
        wanted.min(len.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_stays_on_the_list() {
        assert_eq!(Step::Up.from(0, 5, 3), 0);
        assert_eq!(Step::Down.from(4, 5, 3), 4);
        assert_eq!(Step::Down.from(0, 0, 3), 0);
        assert_eq!(Step::PageDown.from(1, 50, 10), 11);
        assert_eq!(Step::HalfUp.from(11, 50, 9), 6);
        assert_eq!(Step::Bottom.from(0, 50, 9), 49);
    }
}
