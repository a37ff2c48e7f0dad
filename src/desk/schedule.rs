//! Speed limits that change with the time of day.

use jiff::civil::Time;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultKind};
use super::size::parse_speed;

/// The limit that all transfers share, as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeedLimit {
    /// The most bytes a second; `None` is no limit.
    pub bytes_per_second: Option<u64>,
    /// When the schedule sets another; `None` where it never does.
    pub until: Option<Timestamp>,
}

/// Which speed limit holds at which time of day. The first window that holds a time decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    windows: Vec<Window>,
    otherwise: Option<u64>,
}

/// From one time of day until before another, the next day where that is not later.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window {
    from: Time,
    to: Time,
    limit: Option<u64>,
}

impl Window {
    fn holds(&self, time: Time) -> bool {
        if self.from < self.to { (self.from..self.to).contains(&time) } else { time >= self.from || time < self.to }
    }
}

impl Schedule {
    /// The same limit all day.
    pub fn always(limit: Option<u64>) -> Self {
        Self { windows: Vec::new(), otherwise: limit }
    }

    /// Reads a schedule such as `22:00-07:00 full, 12:00-13:00 8 MB/s, else 2 MB/s`. Without an `else`, `otherwise` holds outside the windows.
    pub fn parse(text: &str, otherwise: Option<u64>) -> Result<Self, Fault> {
        let mut schedule = Self::always(otherwise);
        for part in text.split(',').map(str::trim) {
            match part.strip_prefix("else ") {
                Some(speed) => schedule.otherwise = parse_speed(speed).map_err(|fault| wrong(part, &fault.message))?,
                None => schedule.windows.push(window(part)?),
            }
        }
        Ok(schedule)
    }

    /// The limit at a moment, and until when it holds, in that moment's time zone.
    pub fn at(&self, now: &Zoned) -> SpeedLimit {
        let bytes_per_second = self.limit(now.time());
        let differs = |at: &Timestamp| self.limit(at.to_zoned(now.time_zone().clone()).time()) != bytes_per_second;
        let until = self.turns(now).into_iter().filter(|at| *at > now.timestamp()).filter(differs).min();
        SpeedLimit { bytes_per_second, until }
    }

    fn limit(&self, time: Time) -> Option<u64> {
        self.windows.iter().find(|window| window.holds(time)).map_or(self.otherwise, |window| window.limit)
    }

    /// Every moment from today to the day after tomorrow at which another limit may begin to hold.
    ///
    /// When clocks are put forward or back, a time of day comes never or twice, and the clock jumps into a window or out of one.
    fn turns(&self, now: &Zoned) -> Vec<Timestamp> {
        let zone = now.time_zone();
        let days = (0..3).filter_map(|ahead| now.date().checked_add(ahead.days()).ok());
        let times = || self.windows.iter().flat_map(|window| [window.from, window.to]);
        let local = days.flat_map(|day| times().map(move |time| day.to_datetime(time)));
        let both = local.flat_map(|local| {
            let ambiguous = zone.to_ambiguous_zoned(local);
            [ambiguous.clone().earlier(), ambiguous.later()]
        });
        let jump = zone.following(now.timestamp()).next().map(|jump| jump.timestamp());
        both.filter_map(|at| at.ok().map(|at| at.timestamp())).chain(jump.filter(|_| !self.windows.is_empty())).collect()
    }
}

/// One window: `HH:MM-HH:MM SPEED`.
fn window(part: &str) -> Result<Window, Fault> {
    let (hours, speed) = part.split_once(char::is_whitespace).ok_or_else(|| wrong(part, "it has no speed"))?;
    let (from, to) = hours.split_once('-').ok_or_else(|| wrong(part, &format!("“{hours}” is not a span of time")))?;
    let time = |text: &str| time(text).ok_or_else(|| wrong(part, &format!("“{text}” is not a time of day")));
    let (from, to) = (time(from)?, time(to)?);
    if from == to {
        return Err(wrong(part, "it begins when it ends"));
    }
    Ok(Window { from, to, limit: parse_speed(speed).map_err(|fault| wrong(part, &fault.message))? })
}

/// A time of day from `0:00` to `24:00`, which is midnight.
fn time(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':').filter(|(_, minutes)| minutes.len() == 2)?;
    let number = |text: &str| text.parse::<i8>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    match (number(hours)?, number(minutes)?) {
        (24, 0) => Some(Time::midnight()),
        (hours, minutes) => Time::new(hours, minutes, 0, 0).ok(),
    }
}

fn wrong(part: &str, why: &str) -> Fault {
    Fault::new(FaultKind::Usage, format!("“{part}” is no part of a schedule: {why}"))
        .hint("write windows and what holds otherwise, for example 22:00-07:00 full, else 2 MB/s")
}

#[cfg(test)]
mod tests {
    use jiff::tz::{Offset, TimeZone};

    use super::*;

    const MB: u64 = 1 << 20;

    fn at(zone: &TimeZone, local: &str) -> Zoned {
        zone.to_zoned(local.parse().unwrap()).unwrap()
    }

    fn held(schedule: &Schedule, zone: &TimeZone, local: &str) -> (Option<u64>, Option<String>) {
        let limit = schedule.at(&at(zone, local));
        let until = limit.until.map(|until| until.to_zoned(zone.clone()).strftime("%d. %H:%M %:z").to_string());
        (limit.bytes_per_second, until)
    }

    #[test]
    fn a_window_across_midnight_holds_on_both_sides() {
        let (zone, schedule) = (TimeZone::fixed(Offset::constant(1)), Schedule::parse("22:00-07:00 full, else 2 MB/s", None).unwrap());
        let until = |text: &str| Some(text.to_owned());
        assert_eq!(held(&schedule, &zone, "2026-01-05T12:00"), (Some(2 * MB), until("05. 22:00 +01:00")));
        assert_eq!(held(&schedule, &zone, "2026-01-05T22:00"), (None, until("06. 07:00 +01:00")));
        assert_eq!(held(&schedule, &zone, "2026-01-06T06:59:59"), (None, until("06. 07:00 +01:00")));
        assert_eq!(held(&schedule, &zone, "2026-01-06T07:00"), (Some(2 * MB), until("06. 22:00 +01:00")));
    }

    #[test]
    fn the_first_of_several_windows_decides_and_what_changes_nothing_is_no_change() {
        let (zone, schedule) = (TimeZone::UTC, Schedule::parse("12:00-13:00 8M,9:00-18:00 1M, 18:00-19:30 1M", Some(4 * MB)).unwrap());
        assert_eq!(held(&schedule, &zone, "2026-01-05T12:30"), (Some(8 * MB), Some("05. 13:00 +00:00".to_owned())));
        assert_eq!(held(&schedule, &zone, "2026-01-05T13:00"), (Some(MB), Some("05. 19:30 +00:00".to_owned())));
        assert_eq!(held(&schedule, &zone, "2026-01-05T19:30"), (Some(4 * MB), Some("06. 09:00 +00:00".to_owned())));
        assert_eq!(held(&Schedule::always(Some(MB)), &zone, "2026-01-05T00:00"), (Some(MB), None));
        let evening = Schedule::parse("18:00-24:00 1M", None).unwrap();
        assert_eq!(held(&evening, &zone, "2026-01-05T23:59").1, Some("06. 00:00 +00:00".to_owned()));
    }

    #[test]
    fn a_clock_that_is_put_forward_or_back_misses_no_change() {
        // Clocks go from 2:00 to 3:00 on 29 March 2026, and from 3:00 back to 2:00 on 25 October.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let schedule = Schedule::parse("2:15-3:30 1M", None).unwrap();
        assert_eq!(held(&schedule, &zone, "2026-03-29T01:59"), (None, Some("29. 03:00 +02:00".to_owned())));
        assert_eq!(held(&schedule, &zone, "2026-03-29T03:00"), (Some(MB), Some("29. 03:30 +02:00".to_owned())));
        let twice = Schedule::parse("1:00-2:30 1M", None).unwrap();
        assert_eq!(held(&twice, &zone, "2026-10-25T02:29"), (Some(MB), Some("25. 02:30 +02:00".to_owned())));
        assert_eq!(held(&twice, &zone, "2026-10-25T02:45"), (None, Some("25. 02:00 +01:00".to_owned())));
        let again = zone.to_ambiguous_zoned("2026-10-25T02:10".parse().unwrap()).later().unwrap();
        assert_eq!(twice.at(&again).until.unwrap().to_string(), "2026-10-25T01:30:00Z");
    }

    #[test]
    fn a_mistake_names_its_part() {
        let told = |text: &str| Schedule::parse(text, None).unwrap_err().message;
        assert_eq!(told("22:00-25:00 full, else 2M"), "“22:00-25:00 full” is no part of a schedule: “25:00” is not a time of day");
        assert_eq!(told("1:00-2:00 full, else fast"), "“else fast” is no part of a schedule: “fast” is not a speed");
        for (text, why) in [
            ("", "it has no speed"),
            ("1:00-2:00", "it has no speed"),
            ("noon full", "“noon” is not a span of time"),
            ("1:5-2:00 1M", "“1:5” is not a time of day"),
            ("+1:00-2:00 1M", "“+1:00” is not a time of day"),
            ("8:00-8:00 1M", "it begins when it ends"),
            ("8:00-9:00 1X", "“1X” is not a speed"),
        ] {
            assert!(told(text).ends_with(&format!("is no part of a schedule: {why}")), "{text}: {}", told(text));
        }
    }
}
