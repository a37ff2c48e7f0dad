//! Byte counts as people read and write them.

use super::fault::{Fault, FaultKind};

/// A byte count with a binary unit and at most one decimal: `0 B`, `512 KiB`, `4.1 GiB`.
pub fn bytes(count: u64) -> String {
    humansize::format_size(count, humansize::BINARY.decimal_places(1))
}

/// A rate in bytes a second: `84 MiB/s`.
pub fn speed(bytes_per_second: u64) -> String {
    format!("{}/s", bytes(bytes_per_second))
}

/// The byte count a person wrote: a number with an optional unit (`K`, `M`, `G`, `T`, each with `B` or `iB`).
///
/// As on a download's command line elsewhere (`curl --limit-rate`, `aria2c`), a unit without `i` is binary too: `2M` and
/// `2MiB` are 2,097,152 bytes. A trailing `/s` is allowed.
pub fn parse_bytes(text: &str) -> Result<u64, Fault> {
    let wrong = || {
        Fault::new(FaultKind::Usage, format!("“{text}” is not a size")).hint("write a number and a unit, for example 512K, 20MiB or 1.5G")
    };
    let body = text.trim().trim_end_matches("/s").trim();
    let split = body.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(body.len());
    let (number, unit) = body.split_at(split);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = unit.trim().to_ascii_lowercase();
    let power = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(wrong()),
    };
    let value = number * 1024_f64.powi(power);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // just checked to be in range
    if value.is_finite() && (0.0..9e18).contains(&value) { Ok(value as u64) } else { Err(wrong()) }
}

/// The speed limit a person wrote, in bytes a second: a size, with or without `/s`, or `full` or `none` for no limit.
pub fn parse_speed(text: &str) -> Result<Option<u64>, Fault> {
    if matches!(text.trim().to_ascii_lowercase().as_str(), "full" | "none") {
        return Ok(None);
    }
    match parse_bytes(text) {
        Ok(rate) if rate > 0 => Ok(Some(rate)),
        _ => Err(Fault::new(FaultKind::Usage, format!("“{}” is not a speed", text.trim()))
            .hint("write a number and a unit, for example 512K, 20MiB or 1.5G, or none for no limit")),
    }
}

/// How many cards a simulated machine may have.
const MOST_CARDS: usize = 64;

/// The memory in bytes of each graphics card that a person wrote: `24G`, `2x24G`, or several of these with commas.
pub fn parse_cards(text: &str) -> Result<Vec<u64>, Fault> {
    let wrong = || {
        Fault::new(FaultKind::Usage, format!("“{}” names no graphics cards", text.trim()))
            .hint("write the memory of one card, for example 24G, or how many there are before it: 2x24G")
    };
    let mut cards = Vec::new();
    for part in text.split(',') {
        let (count, size) = part.split_once(['x', 'X']).unwrap_or(("1", part));
        let count = count.trim().parse::<usize>().ok().filter(|count| (1..=MOST_CARDS).contains(count)).ok_or_else(wrong)?;
        let size = parse_bytes(size).ok().filter(|size| *size > 0).ok_or_else(wrong)?;
        cards.extend(std::iter::repeat_n(size, count));
    }
    if cards.len() <= MOST_CARDS { Ok(cards) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_expect() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(512 * 1024), "512 KiB");
        assert_eq!(bytes(4_400_000_000), "4.1 GiB");
        assert_eq!(speed(3 << 20), "3 MiB/s");
    }

    #[test]
    fn a_speed_may_be_none_but_not_zero() {
        assert_eq!(["2 MB/s", "full", " None "].map(|text| parse_speed(text).unwrap()), [Some(2 << 20), None, None]);
        assert!(parse_speed("0").is_err() && parse_speed("quick").is_err());
    }

    #[test]
    fn sizes_are_parsed_with_binary_units() {
        assert_eq!(parse_bytes("20MiB").unwrap(), 20 << 20);
        assert_eq!(parse_bytes("1.5G").unwrap(), 3 << 29);
        assert_eq!(parse_bytes(" 2 MB/s ").unwrap(), 2 << 20);
        assert_eq!(parse_bytes("700").unwrap(), 700);
        for text in ["", "x", "5X", "-1", "1e99G", "NaN", "1.2.3M"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cards_are_sizes_with_counts() {
        assert_eq!(parse_cards("24G").unwrap(), [24 << 30]);
        assert_eq!(parse_cards(" 2x24G, 12GiB").unwrap(), [24 << 30, 24 << 30, 12 << 30]);
        for text in ["", "x", "0x24G", "2x", "2x0", "24G,", "-1x24G", "65x1G", "64x1G,1G", "99999999999999999999x1G", "2x2x24G"] {
            assert!(parse_cards(text).is_err(), "{text}");
        }
    }
}
