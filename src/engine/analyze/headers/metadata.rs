//! The keys and values of a GGUF file: those that tell of the model are kept, all others are passed over.
//!
//! The format is described in <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

use std::collections::HashMap;

use super::broken;
use super::cursor::{Cursor, Stop};
use crate::desk::printable;

/// The most keys kept; models have some fifty.
const MOST_KEYS: usize = 1024;
/// The most members of a list kept. Lists of one number for each layer are what is wanted.
const MOST_MEMBERS: u64 = 1024;
/// The longest name of an architecture, in characters.
const LONGEST_NAME: usize = 64;
/// How deep lists may lie in lists. None do in practice.
const DEEPEST: u32 = 4;

/// The fewest bytes of a key with its value: a length, a type and one byte.
const SMALLEST_ENTRY: u64 = 13;

const TEXT: u32 = 8;
const LIST: u32 = 9;

/// A value that is kept.
#[derive(Debug)]
enum Kept {
    Number(u64),
    Numbers(Vec<u64>),
}

/// What a GGUF file says of its model, apart from its tensors.
#[derive(Debug, Default)]
pub(super) struct Metadata<'a> {
    /// The architecture's name.
    pub architecture: Option<String>,
    /// Whether there is a template for chats.
    pub chat_template: bool,
    /// How many tokens are listed.
    pub tokens: Option<u64>,
    kept: HashMap<&'a [u8], Kept>,
}

impl<'a> Metadata<'a> {
    /// Reads so many keys and values. What was read before a stop is kept.
    pub fn read(&mut self, cursor: &mut Cursor<'a>, count: u64) -> Result<(), Stop> {
        cursor.must_hold(count, SMALLEST_ENTRY)?;
        for _ in 0..count {
            self.entry(cursor)?;
        }
        Ok(())
    }

    fn entry(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Stop> {
        let key = cursor.text()?;
        let kind = cursor.u32()?;
        match (key, kind) {
            (b"general.architecture", TEXT) => self.name(cursor.text()?),
            (b"tokenizer.chat_template", _) => {
                self.chat_template = true;
                pass(cursor, kind, 0)?;
            }
            (b"tokenizer.ggml.tokens", LIST) => {
                let (kind, count) = list(cursor)?;
                self.tokens = Some(count);
                pass_all(cursor, kind, count, 0)?;
            }
            _ if key.starts_with(b"tokenizer.") || key.starts_with(b"general.") => pass(cursor, kind, 0)?,
            _ => {
                if let Some(value) = value(cursor, kind)? {
                    self.keep(key, value);
                }
            }
        }
        Ok(())
    }

    fn name(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name.get(..LONGEST_NAME).unwrap_or(name));
        self.architecture = Some(printable(&name)).filter(|name| !name.is_empty());
    }

    /// Of several values for one key, the first counts.
    fn keep(&mut self, key: &'a [u8], value: Kept) {
        if self.kept.len() < MOST_KEYS {
            self.kept.entry(key).or_insert(value);
        }
    }

    /// A number under one of the architecture's keys.
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.find(key)? {
            Kept::Number(number) => Some(*number),
            Kept::Numbers(_) => None,
        }
    }

    /// A list of numbers, one for each layer, under one of the architecture's keys.
    pub fn numbers(&self, key: &str) -> Option<&[u64]> {
        match self.find(key)? {
            Kept::Numbers(numbers) => Some(numbers),
            Kept::Number(_) => None,
        }
    }

    /// The number for a layer, under a key that has one for all or one for each.
    pub fn of_layer(&self, key: &str, layer: usize) -> Option<u64> {
        self.number(key).or_else(|| self.numbers(key)?.get(layer).copied())
    }

    fn find(&self, key: &str) -> Option<&Kept> {
        self.kept.get(format!("{}.{key}", self.architecture.as_deref()?).as_bytes())
    }
}

/// A value worth keeping; any other is passed over.
fn value(cursor: &mut Cursor<'_>, kind: u32) -> Result<Option<Kept>, Stop> {
    if kind != LIST {
        return match integer(kind) {
            Some((bytes, signed)) => Ok(cursor.integer(bytes, signed)?.map(Kept::Number)),
            None => pass(cursor, kind, 0).map(|()| None),
        };
    }
    let (kind, count) = list(cursor)?;
    let Some((bytes, signed)) = integer(kind).filter(|_| count <= MOST_MEMBERS) else {
        return pass_all(cursor, kind, count, 0).map(|()| None);
    };
    let numbers = (0..count).map(|_| Ok(cursor.integer(bytes, signed)?.unwrap_or(0)));
    numbers.collect::<Result<_, Stop>>().map(|numbers| Some(Kept::Numbers(numbers)))
}

/// The type and number of a list's members.
fn list(cursor: &mut Cursor<'_>) -> Result<(u32, u64), Stop> {
    Ok((cursor.u32()?, cursor.u64()?))
}

/// Goes past a value.
fn pass(cursor: &mut Cursor<'_>, kind: u32, depth: u32) -> Result<(), Stop> {
    match (fixed(kind), kind) {
        (Some(bytes), _) => cursor.skip(bytes),
        (None, TEXT) => {
            let length = cursor.u64()?;
            cursor.skip(length)
        }
        (None, LIST) if depth < DEEPEST => {
            let (kind, count) = list(cursor)?;
            pass_all(cursor, kind, count, depth + 1)
        }
        (None, LIST) => Err(broken("lists lie too deep in lists").into()),
        _ => Err(broken("a value has an unknown type").into()),
    }
}

/// Goes past the members of a list.
fn pass_all(cursor: &mut Cursor<'_>, kind: u32, count: u64, depth: u32) -> Result<(), Stop> {
    let smallest = fixed(kind).unwrap_or(8);
    cursor.must_hold(count, smallest)?;
    if fixed(kind).is_some() {
        return cursor.skip(count * smallest);
    }
    let start = cursor.at();
    for passed in 0..count {
        pass(cursor, kind, depth).map_err(|stop| farther(stop, start, passed, count))?;
    }
    Ok(())
}

/// The stop with where a list is likely to end, as the members passed so far tell.
fn farther(stop: Stop, start: u64, passed: u64, count: u64) -> Stop {
    match stop {
        Stop::Short(reach) => {
            let each = (reach.saturating_sub(start) / (passed + 1)).max(8);
            Stop::Short(reach.max(start.saturating_add(each.saturating_mul(count))))
        }
        wrong @ Stop::Wrong(_) => wrong,
    }
}

/// Bytes of an integer or truth value, and whether it can be below 0.
fn integer(kind: u32) -> Option<(u64, bool)> {
    Some(match kind {
        0 | 7 => (1, false),
        1 => (1, true),
        2 => (2, false),
        3 => (2, true),
        4 => (4, false),
        5 => (4, true),
        10 => (8, false),
        11 => (8, true),
        _ => return None,
    })
}

/// Bytes of a value of fixed size.
fn fixed(kind: u32) -> Option<u64> {
    match kind {
        6 => Some(4),
        12 => Some(8),
        _ => integer(kind).map(|(bytes, _)| bytes),
    }
}
