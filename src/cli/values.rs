//! What flags take: text checked and turned into the domain's words while the command line is read.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tracing::level_filters::LevelFilter;

use crate::desk::{CacheFilter, Fault, FaultKind, RepoKind, RepoSpec, Revision, bytes, parse_bytes, parse_cards, parse_speed};

/// A `REPO` argument.
pub fn repo(text: &str) -> Result<RepoSpec, String> {
    text.parse().map_err(told)
}

/// A `--revision`.
pub fn revision(text: &str) -> Result<Revision, String> {
    text.parse().map_err(told)
}

/// A `--filter` of the cache.
pub fn cache_filter(text: &str) -> Result<CacheFilter, String> {
    text.parse().map_err(told)
}

/// A time for which something was not used.
pub fn unused_for(text: &str) -> Result<CacheFilter, String> {
    let is_time = text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    let filter = format!("accessed>{text}").parse().ok().filter(|_| is_time);
    filter.ok_or_else(|| "write a length of time, for example 12h, 30d, 6mo or 1y".to_owned())
}

/// A speed in bytes a second, more than 0.
pub fn rate(text: &str) -> Result<u64, String> {
    match parse_bytes(text).map_err(told)? {
        0 => Err("a speed must be more than 0".to_owned()),
        rate => Ok(rate),
    }
}

/// A value with the text that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<T> {
    /// As a person wrote it.
    pub text: String,
    /// What that means.
    pub value: T,
}

fn given<T>(text: &str, value: T) -> Given<T> {
    Given { text: text.to_owned(), value }
}

/// The least memory that a machine is taken to have: less is a unit that was forgotten.
const LEAST_MEMORY: u64 = 1 << 20;

/// A `--gpu`: the memory of each card in bytes, or `none`.
pub fn cards(text: &str) -> Result<Given<Vec<u64>>, String> {
    let cards = if text == "none" { Vec::new() } else { parse_cards(text).map_err(told)? };
    cards.iter().try_for_each(|card| enough(*card))?;
    Ok(given(text, cards))
}

/// A size of memory in bytes.
pub fn memory(text: &str) -> Result<Given<u64>, String> {
    let size = parse_bytes(text).map_err(told)?;
    enough(size).map(|()| given(text, size))
}

fn enough(size: u64) -> Result<(), String> {
    if size < LEAST_MEMORY { Err(format!("{} is no machine's memory; write the unit, for example 24G", bytes(size))) } else { Ok(()) }
}

/// A number of tokens, more than 0: `8192`, or `8k` for so many times 1024.
pub fn tokens(text: &str) -> Result<Given<u64>, String> {
    let (digits, times) = text.strip_suffix(['k', 'K']).map_or((text, 1), |digits| (digits, 1024));
    let tokens = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(times)).filter(|tokens| *tokens > 0);
    tokens.map(|tokens| given(text, tokens)).ok_or_else(|| "write a number of tokens, for example 8192 or 32k".to_owned())
}

/// A speed limit in bytes a second, or none.
#[derive(Clone, Copy, Debug)]
pub struct Rate(pub Option<u64>);

/// A speed limit: a speed, or `none`.
pub fn limit(text: &str) -> Result<Rate, String> {
    parse_speed(text).map(Rate).map_err(told)
}

/// A `--type`: `model`, `dataset` or `space`; the plurals are understood.
pub fn kind() -> impl TypedValueParser<Value = RepoKind> {
    one_of(&RepoKind::SEARCHED)
}

/// A `--type` of what is in the cache: `kernel` besides.
pub fn cached_kind() -> impl TypedValueParser<Value = RepoKind> {
    one_of(&RepoKind::ALL)
}

fn one_of(kinds: &[RepoKind]) -> impl TypedValueParser<Value = RepoKind> + use<> {
    let names = kinds.iter().map(|kind| PossibleValue::new(kind.name()).alias(kind.plural()));
    let unknown = || Fault::new(FaultKind::Usage, "not a type of repository");
    PossibleValuesParser::new(names).try_map(move |name| RepoKind::from_name(&name).ok_or_else(unknown))
}

/// A `--log` level.
pub fn level() -> impl TypedValueParser<Value = LevelFilter> {
    PossibleValuesParser::new(["off", "error", "warn", "info", "debug", "trace"]).try_map(|name| name.parse::<LevelFilter>())
}

/// A fault in the one line that a usage error has room for.
#[allow(clippy::needless_pass_by_value)] // it stands in `map_err`
fn told(fault: Fault) -> String {
    match fault.hint {
        Some(hint) => format!("{}; {hint}", fault.message),
        None => fault.message,
    }
}
