//! The speed limit that all transfers share: the schedule's, or what a person said until the schedule's next change.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::desk::{Schedule, SpeedLimit};

/// The limit in force, and where the next one comes from.
pub(super) struct Limits {
    schedule: Schedule,
    zone: TimeZone,
    now: SpeedLimit,
}

impl Limits {
    /// What the schedule says at a moment, in the time zone that it is meant for.
    pub fn new(schedule: Schedule, zone: TimeZone, now: Timestamp) -> Self {
        let mut limits = Self { schedule, zone, now: SpeedLimit::default() };
        limits.now = limits.scheduled(now);
        limits
    }

    /// The limit in force as of the last turn.
    pub fn now(&self) -> SpeedLimit {
        self.now
    }

    /// Sets another limit, until the schedule's next change.
    pub fn set(&mut self, bytes_per_second: Option<u64>, now: Timestamp) {
        self.now = SpeedLimit { bytes_per_second, ..self.scheduled(now) };
    }

    /// Lets the schedule set the limit when its time has come; answers whether it has.
    pub fn turn(&mut self, now: Timestamp) -> bool {
        let due = self.now.until.is_some_and(|until| until <= now);
        if due {
            self.now = self.scheduled(now);
        }
        due
    }

    /// How long the limit stays as it is; `None` is for ever.
    pub fn stays(&self, now: Timestamp) -> Option<SignedDuration> {
        self.now.until.map(|until| until.duration_since(now))
    }

    fn scheduled(&self, now: Timestamp) -> SpeedLimit {
        self.schedule.at(&now.to_zoned(self.zone.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-01-05T{time}:00Z").parse().unwrap()
    }

    #[test]
    fn what_a_person_says_holds_until_the_schedules_next_change() {
        let schedule = Schedule::parse("22:00-07:00 full, else 2 MB/s", None).unwrap();
        let mut limits = Limits::new(schedule, TimeZone::UTC, at("12:00"));
        assert_eq!(limits.now(), SpeedLimit { bytes_per_second: Some(2 << 20), until: Some(at("22:00")) });
        limits.set(Some(5), at("13:00"));
        assert!(!limits.turn(at("21:59")));
        assert_eq!(limits.now(), SpeedLimit { bytes_per_second: Some(5), until: Some(at("22:00")) });
        assert_eq!(limits.stays(at("21:59")), Some(SignedDuration::from_mins(1)));
        assert!(limits.turn(at("22:00")));
        assert_eq!(limits.now().bytes_per_second, None);
    }

    #[test]
    fn without_a_schedule_it_holds_for_good() {
        let mut limits = Limits::new(Schedule::always(Some(7)), TimeZone::UTC, at("12:00"));
        limits.set(None, at("13:00"));
        assert!(!limits.turn(at("23:59")) && limits.now() == SpeedLimit::default() && limits.stays(at("23:59")).is_none());
    }
}
