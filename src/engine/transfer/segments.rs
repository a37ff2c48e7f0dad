//! Which connection fetches which bytes. Pure: no clock, no I/O.
//!
//! Connections claim segments from the front of what is free, so that the digest, which can only follow the file from its
//! beginning, stays close behind. When nothing is free, half of the largest remainder is taken from whoever holds it.

use std::time::{Duration, Instant};

use super::ranges::Ranges;

/// Remainders are split only where both halves have at least this many bytes: less is not worth a request.
const SMALLEST_SPLIT: u64 = 1 << 20;

/// Nor are remainders split that will have come in so short a time: what the server has sent ahead of a split is sent in vain.
const A_MOMENT: Duration = Duration::from_millis(150);

/// No request is for more bytes than this, but for those for a whole file.
pub const LONGEST_STRIDE: u64 = 64 << 20;

/// How many bytes to claim after a request for `stride` bytes took so long, of which so long passed before the first byte.
///
/// Short requests keep the digest close behind; but waiting for answers should not take more than three percent of the time.
pub fn next_stride(stride: u64, waited: Duration, took: Duration) -> u64 {
    if waited * 32 > took { stride.max(LONGEST_STRIDE.min(stride * 2)) } else { stride }
}

/// The bytes one connection was told to fetch: `[start, end)`. The end may move nearer while it is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Names it in later calls.
    pub id: u64,
    /// The first byte.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
}

/// What a connection may keep of the bytes it received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many of them belong to the segment.
    pub length: usize,
    /// Whether the segment wants no more.
    pub spent: bool,
}

/// A segment in somebody's hands: `[at, end)` is still to be received.
#[derive(Debug)]
struct Held {
    id: u64,
    start: u64,
    at: u64,
    end: u64,
    since: Instant,
    /// Whether its remainder may not be given to another connection.
    whole: bool,
}

impl Held {
    /// Whether another connection should have half of the remainder.
    fn is_worth_splitting(&self, now: Instant) -> bool {
        let rest = self.end - self.at;
        !self.whole && rest >= 2 * SMALLEST_SPLIT && self.time_left(now).is_none_or(|left| left >= A_MOMENT.as_secs_f64())
    }

    /// Seconds until the remainder has come, at the speed that the segment has had; `None` before its first byte.
    fn time_left(&self, now: Instant) -> Option<f64> {
        let received = self.at - self.start;
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        (received > 0).then(|| elapsed / received as f64 * (self.end - self.at) as f64)
    }
}

/// How one file's bytes are shared among its connections.
///
/// Every byte is free, in exactly one held segment, received and on its way to the disk, or written.
#[derive(Debug)]
pub struct Segments {
    size: u64,
    free: Ranges,
    held: Vec<Held>,
    written: Ranges,
    next_id: u64,
}

impl Segments {
    /// A file of `size` bytes of which some are on the disk already.
    pub fn new(size: u64, written: Ranges) -> Self {
        Self { size, free: written.missing(size), held: Vec::new(), written, next_id: 0 }
    }

    /// The next bytes to fetch, at most `stride`, or `None` where the rest is in good hands.
    pub fn claim(&mut self, stride: u64, now: Instant) -> Option<Segment> {
        self.claim_free(stride, now).or_else(|| {
            let (start, end) = self.split(now)?;
            Some(self.hold(start, end, now))
        })
    }

    /// The next bytes that nobody fetches, at most `stride`.
    pub fn claim_free(&mut self, stride: u64, now: Instant) -> Option<Segment> {
        let (start, end) = self.free.take_first(stride.max(1))?;
        Some(self.hold(start, end, now))
    }

    fn hold(&mut self, start: u64, end: u64, now: Instant) -> Segment {
        let id = self.next_id;
        self.next_id += 1;
        self.held.push(Held { id, start, at: start, end, since: now, whole: false });
        Segment { id, start, end }
    }

    /// Takes half of the largest remainder that is worth it.
    fn split(&mut self, now: Instant) -> Option<(u64, u64)> {
        let largest = self.held.iter_mut().filter(|held| held.is_worth_splitting(now)).max_by_key(|held| held.end - held.at)?;
        let middle = largest.at + (largest.end - largest.at) / 2;
        Some((middle, std::mem::replace(&mut largest.end, middle)))
    }

    /// Tells that `received` bytes came for a segment, in order.
    pub fn take(&mut self, id: u64, received: usize) -> Taken {
        let Some(held) = self.held.iter_mut().find(|held| held.id == id) else { return Taken { length: 0, spent: true } };
        let length = usize::try_from(held.end - held.at).map_or(received, |rest| rest.min(received));
        held.at += length as u64;
        Taken { length, spent: held.at == held.end }
    }

    /// Makes a segment the whole file from byte 0, for a server that sends nothing less. Nothing stays free, nothing can be split off.
    pub fn make_whole(&mut self, id: u64) {
        self.free.clear();
        if let Some(held) = self.held.iter_mut().find(|held| held.id == id) {
            *held = Held { start: 0, at: 0, end: self.size, whole: true, ..*held };
        }
    }

    /// Gives a segment back; what was not received is free again.
    pub fn release(&mut self, id: u64) {
        let Some(index) = self.held.iter().position(|held| held.id == id) else { return };
        let held = self.held.swap_remove(index);
        self.free.add(held.at, held.end);
    }

    /// Tells that `[start, end)` is on the disk.
    pub fn mark_written(&mut self, start: u64, end: u64) {
        self.written.add(start, end);
    }

    /// What is on the disk.
    pub fn written(&self) -> &Ranges {
        &self.written
    }

    /// Whether there is something to do for another connection.
    pub fn has_work(&self, now: Instant) -> bool {
        !self.free.is_empty() || self.held.iter().any(|held| held.is_worth_splitting(now))
    }

    /// Whether nobody fetches anything.
    pub fn is_idle(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether every byte is on the disk.
    pub fn is_complete(&self) -> bool {
        self.written.prefix() == self.size
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn segments_are_claimed_from_the_front_around_what_is_written() {
        let mut written = Ranges::default();
        written.add(10, 20);
        let mut segments = Segments::new(50, written);
        assert_eq!(segments.claim(25, Instant::now()), Some(Segment { id: 0, start: 0, end: 10 }));
        assert_eq!(segments.claim(25, Instant::now()), Some(Segment { id: 1, start: 20, end: 45 }));
        assert_eq!(segments.claim(25, Instant::now()), Some(Segment { id: 2, start: 45, end: 50 }));
        assert_eq!(segments.claim(25, Instant::now()), None);
    }

    #[test]
    fn an_idle_connection_takes_half_of_the_largest_remainder() {
        let mut segments = Segments::new(16 * MIB, Ranges::default());
        let first = segments.claim(12 * MIB, Instant::now()).unwrap();
        segments.claim(12 * MIB, Instant::now()).unwrap();
        segments.take(first.id, 2 << 20);
        assert_eq!(segments.claim(MIB, Instant::now() + Duration::from_secs(1)).map(|s| (s.start, s.end)), Some((7 * MIB, 12 * MIB)));
        assert_eq!(segments.take(first.id, 6 << 20), Taken { length: 5 << 20, spent: true });
    }

    #[test]
    fn what_will_have_come_in_a_moment_is_left_to_its_connection() {
        let begun = Instant::now();
        let later = |millis| begun + Duration::from_millis(millis);
        let mut segments = Segments::new(16 * MIB, Ranges::default());
        let only = segments.claim(u64::MAX, begun).unwrap();
        segments.take(only.id, 8 << 20);
        assert_eq!(segments.claim(u64::MAX, later(100)), None, "8 MiB took 100 ms, so will the other 8");
        assert!(segments.claim(u64::MAX, later(300)).is_some());
    }

    #[test]
    fn small_remainders_are_left_to_their_connection() {
        let mut segments = Segments::new(2 * MIB - 1, Ranges::default());
        segments.claim(u64::MAX, Instant::now()).unwrap();
        assert_eq!(segments.claim(u64::MAX, Instant::now()), None);
    }

    #[test]
    fn what_was_not_received_is_free_again() {
        let mut segments = Segments::new(100, Ranges::default());
        let segment = segments.claim(100, Instant::now()).unwrap();
        segments.take(segment.id, 30);
        segments.release(segment.id);
        assert_eq!(segments.claim(100, Instant::now()).map(|s| (s.start, s.end)), Some((30, 100)));
    }

    #[test]
    fn a_whole_stream_is_not_shared() {
        let mut written = Ranges::default();
        written.add(0, 10 * MIB);
        let mut segments = Segments::new(40 * MIB, written);
        let segment = segments.claim(4 * MIB, Instant::now()).unwrap();
        segments.make_whole(segment.id);
        assert_eq!(segments.claim(MIB, Instant::now()), None);
        assert_eq!(segments.take(segment.id, 40 << 20), Taken { length: 40 << 20, spent: true });
    }

    #[test]
    fn requests_grow_where_answers_take_long() {
        let ms = Duration::from_millis;
        assert_eq!(next_stride(8 * MIB, ms(1), ms(60)), 8 * MIB);
        assert_eq!(next_stride(8 * MIB, ms(50), ms(450)), 16 * MIB);
        assert_eq!(next_stride(LONGEST_STRIDE, ms(50), ms(60)), LONGEST_STRIDE);
        assert_eq!(next_stride(4 * LONGEST_STRIDE, ms(50), ms(60)), 4 * LONGEST_STRIDE);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Random connections claim, receive in pieces, break and come back; every byte is received exactly once.
        #[test]
        fn every_byte_is_covered_exactly_once(
            size in 0..20 * MIB,
            stride in MIB / 8..8 * MIB,
            steps in prop::collection::vec((0_usize..4, 0_usize..6 << 20, any::<bool>()), 0..60),
        ) {
            let mut segments = Segments::new(size, Ranges::default());
            let mut received = 0;
            let mut hands: [Option<(u64, u64)>; 4] = [None; 4]; // per connection: segment, position
            let endless = (0..4).map(|hand| (hand, 5 << 20, false)).cycle().take(400);
            for (hand, bytes, breaks) in steps.into_iter().chain(endless) {
                let Some((id, at)) = hands[hand].or_else(|| segments.claim(stride, Instant::now()).map(|s| (s.id, s.start))) else { continue };
                let taken = segments.take(id, bytes);
                let end = at + taken.length as u64;
                prop_assert_eq!(segments.written().missing(size).total(), size - received, "nothing is written twice");
                segments.mark_written(at, end);
                received += taken.length as u64;
                prop_assert_eq!(segments.written().total(), received, "nothing is received twice");
                hands[hand] = if taken.spent || breaks { segments.release(id); None } else { Some((id, end)) };
            }
            prop_assert!(segments.is_complete());
            prop_assert_eq!(received, size);
        }
    }
}
