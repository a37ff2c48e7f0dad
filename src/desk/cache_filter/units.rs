//! Numbers with units, as the official client's filters read them: `1GB` is 1,000,000,000 bytes and `1mo` is 30 days. See
//! <https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/utils/_parsing.py>. Besides, `1GiB` is 2³⁰ bytes, and a
//! number may have a fraction.

use jiff::SignedDuration;

const SIZES: [(&str, f64); 17] = [
    ("b", 1.0),
    ("k", 1e3),
    ("kb", 1e3),
    ("m", 1e6),
    ("mb", 1e6),
    ("g", 1e9),
    ("gb", 1e9),
    ("t", 1e12),
    ("tb", 1e12),
    ("p", 1e15),
    ("pb", 1e15),
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("tib", 1_099_511_627_776.0),
    ("pib", 1_125_899_906_842_624.0),
    ("", 1.0),
];

const DAY: f64 = 86_400.0;

const TIMES: [(&str, f64); 8] =
    [("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", DAY), ("w", 7.0 * DAY), ("mo", 30.0 * DAY), ("y", 365.0 * DAY), ("", 1.0)];

/// A number of bytes.
pub fn size(text: &str) -> Option<u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative; what is too large for any disk is the largest
    measured(text, &SIZES).map(|bytes| bytes as u64)
}

/// A length of time.
pub fn time(text: &str) -> Option<SignedDuration> {
    measured(text, &TIMES).map(|seconds| SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX))
}

/// Whether the text is a number without a unit.
pub fn is_number(text: &str) -> bool {
    number(text).is_some()
}

/// Whether the text is a unit of bytes or of time.
pub fn is_unit(text: &str) -> bool {
    SIZES.iter().chain(&TIMES).any(|(unit, _)| unit.eq_ignore_ascii_case(text))
}

fn measured(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let (_, times) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    number(digits).map(|number| number * times)
}

fn number(text: &str) -> Option<f64> {
    text.starts_with(|c: char| c.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
