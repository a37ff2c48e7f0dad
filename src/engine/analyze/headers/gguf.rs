//! GGUF files, versions 2 and 3, in both byte orders.
//!
//! The format is described in <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

use std::future::Future;
use std::ops::Range;

use super::cursor::{Cursor, Stop};
use super::front::Front;
use super::metadata::Metadata;
use super::{broken, ggml, layers};
use crate::desk::{Experts, Fault, ModelFacts};

/// The fewest bytes of a tensor's description: a name's length, the number of dimensions, a type and an offset.
const SMALLEST_TENSOR: u64 = 24;
/// The most dimensions of a tensor; GGML has 4.
const MOST_DIMENSIONS: u32 = 8;

/// What the front of a file tells.
#[derive(Debug)]
pub(super) struct Told {
    /// The facts, as far as the front reaches.
    pub facts: ModelFacts,
    /// How much of the file's front is likely to be needed for the rest; `None` when nothing is missing.
    pub reach: Option<u64>,
}

pub(super) async fn read<F, Fut>(size: u64, budget: u64, fetch: F) -> Result<ModelFacts, Fault>
where
    F: Fn(Range<u64>) -> Fut,
    Fut: Future<Output = Result<Vec<u8>, Fault>>,
{
    let mut front = Front::open(size, budget, fetch).await?;
    for step in [budget / 2, budget] {
        let told = tell(front.bytes(), size)?;
        match told.reach {
            Some(reach) if reach <= budget => front.grow(if reach <= step { step } else { 0 }).await?,
            _ => return Ok(told.facts),
        }
    }
    tell(front.bytes(), size).map(|told| told.facts)
}

/// What the front of a file of `size` bytes tells.
pub(super) fn tell(front: &[u8], size: u64) -> Result<Told, Fault> {
    let mut cursor = Cursor::new(front, size);
    let mut metadata = Metadata::default();
    let tensors = sections(&mut cursor, &mut metadata);
    let (tensors, reach) = match tensors {
        Ok(tensors) => (tensors, None),
        Err(Stop::Short(reach)) => (Tensors::default(), Some(reach)),
        Err(Stop::Wrong(fault)) => return Err(fault),
    };
    let beyond = size.saturating_sub(cursor.at().min(front.len() as u64));
    let facts = ModelFacts {
        parameters: tensors.parameters,
        tensor_bytes: Some(tensors.bytes.filter(|bytes| *bytes <= beyond).unwrap_or(beyond)),
        ..facts(metadata)
    };
    Ok(Told { facts, reach })
}

/// The tensors of a file together.
#[derive(Debug, Default)]
struct Tensors {
    parameters: Option<u64>,
    bytes: Option<u64>,
}

fn sections<'a>(cursor: &mut Cursor<'a>, metadata: &mut Metadata<'a>) -> Result<Tensors, Stop> {
    let (tensors, entries) = counts(cursor)?;
    metadata.read(cursor, entries)?;
    self::tensors(cursor, tensors)
}

/// How many tensors and how many keys the file has.
fn counts(cursor: &mut Cursor<'_>) -> Result<(u64, u64), Stop> {
    if cursor.take(4)? != b"GGUF" {
        return Err(broken("it does not begin as a GGUF file does").into());
    }
    let version = cursor.u32()?;
    cursor.big_endian = version.trailing_zeros() >= 16;
    match if cursor.big_endian { version.swap_bytes() } else { version } {
        2 | 3 => Ok((cursor.u64()?, cursor.u64()?)),
        other => Err(broken(&format!("it is GGUF of version {other}, and 2 and 3 are known")).into()),
    }
}

fn tensors(cursor: &mut Cursor<'_>, count: u64) -> Result<Tensors, Stop> {
    cursor.must_hold(count, SMALLEST_TENSOR)?;
    let (mut parameters, mut bytes) = (0_u64, Some(0_u64));
    for passed in 0..count {
        let ahead = cursor.at().saturating_add((count - passed) * SMALLEST_TENSOR);
        let (elements, kind) = tensor(cursor).map_err(|stop| at_least(stop, ahead))?;
        parameters = parameters.checked_add(elements).ok_or_else(too_many)?;
        bytes = bytes.and_then(|bytes| bytes.checked_add(ggml::bytes(kind, elements)?));
    }
    Ok(Tensors { parameters: Some(parameters), bytes })
}

/// A tensor's elements and type.
fn tensor(cursor: &mut Cursor<'_>) -> Result<(u64, u32), Stop> {
    let name = cursor.u64()?;
    cursor.skip(name)?;
    let dimensions = cursor.u32()?;
    if dimensions > MOST_DIMENSIONS {
        return Err(broken("a tensor has too many dimensions").into());
    }
    let mut elements = 1_u64;
    for _ in 0..dimensions {
        elements = elements.checked_mul(cursor.u64()?).ok_or_else(too_many)?;
    }
    let kind = cursor.u32()?;
    cursor.u64()?;
    Ok((elements, kind))
}

fn too_many() -> Fault {
    broken("its tensors have more elements than can be counted")
}

fn at_least(stop: Stop, ahead: u64) -> Stop {
    match stop {
        Stop::Short(reach) => Stop::Short(reach.max(ahead)),
        wrong @ Stop::Wrong(_) => wrong,
    }
}

/// What the keys tell.
fn facts(metadata: Metadata<'_>) -> ModelFacts {
    let small = |key| metadata.number(key).and_then(|number| u32::try_from(number).ok());
    let vocabulary = metadata.tokens.or_else(|| metadata.number("vocab_size"));
    ModelFacts {
        context_length: metadata.number("context_length"),
        embedding_length: small("embedding_length"),
        vocabulary: vocabulary.and_then(|count| u32::try_from(count).ok()),
        heads: heads(&metadata),
        experts: small("expert_count").zip(small("expert_used_count")).and_then(|(all, used)| experts(all, used)),
        layers: layers::of_gguf(&metadata),
        chat_template: metadata.chat_template,
        architecture: metadata.architecture,
        ..ModelFacts::default()
    }
}

/// The experts of a mixture; a model that is none may say that it has 0.
pub(super) fn experts(all: u32, used: u32) -> Option<Experts> {
    (all > 0 && used > 0).then_some(Experts { all, used })
}

fn heads(metadata: &Metadata<'_>) -> Option<u32> {
    let widest = || metadata.numbers("attention.head_count")?.iter().copied().max();
    metadata.number("attention.head_count").or_else(widest).and_then(|heads| u32::try_from(heads).ok())
}
