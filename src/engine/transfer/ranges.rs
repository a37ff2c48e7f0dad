//! A set of byte positions.

use serde::{Deserialize, Serialize};

/// A set of byte positions as half-open ranges `[start, end)`: sorted, not empty, neither overlapping nor touching.
///
/// As JSON it is a list of pairs, `[[0,4096],[8192,9000]]`. What was read from outside must pass [`Ranges::is_sound`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Every position below `size`.
    #[cfg(test)]
    pub fn whole(size: u64) -> Self {
        let mut ranges = Self::default();
        ranges.add(0, size);
        ranges
    }

    /// Whether the ranges are what the type promises and lie below `size`.
    pub fn is_sound(&self, size: u64) -> bool {
        let within = self.0.iter().all(|(start, end)| start < end && *end <= size);
        within && self.0.windows(2).all(|pair| pair[0].1 < pair[1].0)
    }

    /// Adds `[start, end)`; positions already there stay.
    pub fn add(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let first = self.0.partition_point(|range| range.1 < start);
        let last = self.0.partition_point(|range| range.0 <= end);
        let joined = self.0[first..last].iter().fold((start, end), |all, range| (all.0.min(range.0), all.1.max(range.1)));
        self.0.splice(first..last, [joined]);
    }

    /// Removes and returns the lowest range, or its first `limit` positions where it is longer.
    pub fn take_first(&mut self, limit: u64) -> Option<(u64, u64)> {
        let first = self.0.first_mut()?;
        let taken = (first.0, first.1.min(first.0.saturating_add(limit)));
        first.0 = taken.1;
        if first.0 == first.1 {
            self.0.remove(0);
        }
        Some(taken)
    }

    /// The positions below `size` that are not in the set.
    pub fn missing(&self, size: u64) -> Self {
        let mut gaps = Self::default();
        let mut at = 0;
        for &(start, end) in &self.0 {
            gaps.add(at, start.min(size));
            at = end;
        }
        gaps.add(at, size);
        gaps
    }

    /// The set without the positions from `end` on.
    pub fn below(&self, end: u64) -> Self {
        Self(self.0.iter().filter(|range| range.0 < end).map(|range| (range.0, range.1.min(end))).collect())
    }

    /// How many positions from 0 on are in the set without a gap.
    pub fn prefix(&self) -> u64 {
        self.0.first().filter(|range| range.0 == 0).map_or(0, |range| range.1)
    }

    /// How many positions are in the set.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|range| range.1 - range.0).sum()
    }

    /// Whether no position is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The empty set.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(pairs: &[(u64, u64)]) -> Ranges {
        Ranges(pairs.to_vec())
    }

    #[test]
    fn ranges_join_where_they_touch_or_overlap() {
        let mut ranges = of(&[(0, 10), (20, 30), (40, 50)]);
        ranges.add(10, 12);
        assert_eq!(ranges, of(&[(0, 12), (20, 30), (40, 50)]));
        ranges.add(25, 45);
        assert_eq!(ranges, of(&[(0, 12), (20, 50)]));
        ranges.add(5, 5);
        assert_eq!((ranges.prefix(), ranges.total()), (12, 42));
        assert_eq!(ranges.missing(60), of(&[(12, 20), (50, 60)]));
        assert_eq!(ranges.below(21), of(&[(0, 12), (20, 21)]));
    }

    #[test]
    fn the_first_positions_are_taken_in_order() {
        let mut ranges = of(&[(0, 10), (20, 30)]);
        assert_eq!(ranges.take_first(4), Some((0, 4)));
        assert_eq!(ranges.take_first(100), Some((4, 10)));
        assert_eq!(ranges.take_first(10), Some((20, 30)));
        assert_eq!(ranges.take_first(1), None);
    }

    #[test]
    fn unsound_lists_are_recognized() {
        assert!(of(&[(0, 5), (6, 10)]).is_sound(10));
        for list in [&[(0, 11)][..], &[(3, 3)], &[(5, 2)], &[(0, 5), (4, 8)], &[(0, 5), (5, 8)], &[(6, 8), (0, 2)]] {
            assert!(!of(list).is_sound(10), "{list:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_set_holds_exactly_what_was_added(added in prop::collection::vec((0_u64..200, 0_u64..40), 0..30)) {
            let mut ranges = Ranges::default();
            let mut model = vec![false; 240];
            for (start, length) in added {
                ranges.add(start, start + length);
                for position in start..start + length {
                    model[usize::try_from(position).unwrap()] = true;
                }
            }
            prop_assert!(ranges.is_sound(240));
            prop_assert_eq!(ranges.total(), model.iter().filter(|held| **held).count() as u64);
            let mut all = ranges.missing(240);
            prop_assert_eq!(all.total() + ranges.total(), 240);
            for (start, end) in ranges.0.clone() {
                prop_assert!(model[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()].iter().all(|held| *held));
                all.add(start, end);
            }
            prop_assert_eq!(all, Ranges::whole(240));
        }
    }
}
