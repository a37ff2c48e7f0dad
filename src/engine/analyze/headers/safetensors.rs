//! Safetensors files: the length of a JSON header, the header, then the data.
//!
//! The format is described in <https://github.com/huggingface/safetensors#format>.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::broken;
use super::front::Front;
use crate::desk::{Fault, ModelFacts};

/// Bytes before the header: its length.
const LENGTH: usize = 8;

pub(super) async fn read<F, Fut>(size: u64, budget: u64, fetch: F) -> Result<ModelFacts, Fault>
where
    F: Fn(Range<u64>) -> Fut,
    Fut: Future<Output = Result<Vec<u8>, Fault>>,
{
    let mut front = Front::open(size, budget, fetch).await?;
    let end = header_end(front.bytes(), size)?;
    if end > budget {
        return Ok(ModelFacts { tensor_bytes: Some(size - end), ..ModelFacts::default() });
    }
    front.grow(end).await?;
    tell(front.bytes(), size)
}

/// What a file of `size` bytes tells, of which the header is here.
pub(super) fn tell(front: &[u8], size: u64) -> Result<ModelFacts, Fault> {
    let end = header_end(front, size)?;
    let range = LENGTH..usize::try_from(end).unwrap_or(usize::MAX);
    let header = front.get(range).ok_or_else(|| broken("it ends early"))?;
    let Tensors { parameters, bytes } =
        serde_json::from_slice(header).map_err(|error| broken("it is not what it should be").because(error))?;
    if bytes > size - end {
        return Err(broken("it speaks of more than the file holds"));
    }
    Ok(ModelFacts { parameters: Some(parameters), tensor_bytes: Some(bytes), ..ModelFacts::default() })
}

/// Where the header ends and the data begins; at most at the file's end.
fn header_end(front: &[u8], size: u64) -> Result<u64, Fault> {
    let length = front.first_chunk().map(|length| u64::from_le_bytes(*length)).ok_or_else(|| broken("it ends early"))?;
    let end = length.checked_add(LENGTH as u64).filter(|end| *end <= size);
    end.ok_or_else(|| broken("it speaks of more than the file holds"))
}

/// The tensors of a header together. Nothing else of them is kept while it is read.
struct Tensors {
    parameters: u64,
    bytes: u64,
}

impl<'de> Deserialize<'de> for Tensors {
    fn deserialize<D: Deserializer<'de>>(header: D) -> Result<Self, D::Error> {
        header.deserialize_map(SumUp)
    }
}

struct SumUp;

impl<'de> Visitor<'de> for SumUp {
    type Value = Tensors;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tensors, A::Error> {
        let mut sum = Tensors { parameters: 0, bytes: 0 };
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name == "__metadata__" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let added = sum.with(&map.next_value()?);
            sum = added.ok_or_else(|| serde::de::Error::custom("a tensor's size makes no sense"))?;
        }
        Ok(sum)
    }
}

impl Tensors {
    /// The sum with one more; `None` where its offsets are not those that its type and shape call for.
    fn with(&self, tensor: &Tensor<'_>) -> Option<Self> {
        let (start, end) = tensor.data_offsets;
        let bytes = end.checked_sub(start)?;
        let expected = bits(&tensor.dtype).map(|bits| tensor.shape.0.checked_mul(bits));
        if expected.is_some_and(|expected| expected.map(|bits| bits.div_ceil(8)) != Some(bytes)) {
            return None;
        }
        Some(Self { parameters: self.parameters.checked_add(tensor.shape.0)?, bytes: self.bytes.checked_add(bytes)? })
    }
}

#[derive(serde::Deserialize)]
struct Tensor<'a> {
    #[serde(borrow)]
    dtype: Cow<'a, str>,
    shape: Elements,
    data_offsets: (u64, u64),
}

/// The product of a shape.
struct Elements(u64);

impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: Deserializer<'de>>(shape: D) -> Result<Self, D::Error> {
        shape.deserialize_seq(Multiply)
    }
}

struct Multiply;

impl<'de> Visitor<'de> for Multiply {
    type Value = Elements;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a shape")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut shape: A) -> Result<Elements, A::Error> {
        let mut product = 1_u64;
        while let Some(dimension) = shape.next_element::<u64>()? {
            let next = product.checked_mul(dimension);
            product = next.ok_or_else(|| serde::de::Error::custom("a tensor has more elements than can be counted"))?;
        }
        Ok(Elements(product))
    }
}

/// Bits of one element. `None` for a type unknown here; its offsets then tell its size.
///
/// Source: `Dtype` in <https://github.com/huggingface/safetensors/blob/main/safetensors/src/tensor.rs>.
fn bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F64" | "I64" | "U64" | "C64" => 64,
        "F32" | "I32" | "U32" => 32,
        "F16" | "BF16" | "I16" | "U16" => 16,
        "F8_E4M3" | "F8_E5M2" | "F8_E8M0" | "I8" | "U8" | "BOOL" => 8,
        "F6_E2M3" | "F6_E3M2" => 6,
        "F4" => 4,
        _ => return None,
    })
}
