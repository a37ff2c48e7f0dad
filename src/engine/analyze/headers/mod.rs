//! What a model's own header tells, read from the front of a file without the rest.
//!
//! GGUF and safetensors, and the `config.json` beside the latter. Pure, but for a closure that brings a range of bytes. Headers come
//! from strangers: whatever they say is bounded by the bytes that were read, and what makes no sense is a fault or not told.
//!
//! To look for input that breaks this, for ten minutes:
//! `HFDESK_FUZZ_SECONDS=600 cargo test --release --lib headers -- --ignored fuzz`

mod config;
mod cursor;
mod front;
mod ggml;
mod gguf;
mod layers;
mod metadata;
mod safetensors;

#[cfg(test)]
mod builder;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::ops::Range;

pub use config::with_config;

use crate::desk::{Fault, FaultKind, ModelFacts};

/// Bytes worth spending on one header: enough for every key of the model itself, and for all of a header with a small vocabulary.
pub const BUDGET: u64 = 2 << 20;

/// What the header of a GGUF file of `size` bytes tells, for at most `budget` bytes in three requests.
///
/// The model's keys stand before its vocabulary, and the tensors after it. Where the tensors lie beyond the budget, `parameters` is
/// `None`, `tensor_bytes` is the file's size without what was read of the header, and a chat template may go unseen.
pub async fn read_gguf<F, Fut>(size: u64, budget: u64, fetch: F) -> Result<ModelFacts, Fault>
where
    F: Fn(Range<u64>) -> Fut,
    Fut: Future<Output = Result<Vec<u8>, Fault>>,
{
    gguf::read(size, budget, fetch).await
}

/// What the header of a safetensors file of `size` bytes tells, for at most `budget` bytes in two requests.
///
/// That is `parameters` and `tensor_bytes`; [`with_config`] adds the rest. A header beyond the budget tells `tensor_bytes` alone.
pub async fn read_safetensors<F, Fut>(size: u64, budget: u64, fetch: F) -> Result<ModelFacts, Fault>
where
    F: Fn(Range<u64>) -> Fut,
    Fut: Future<Output = Result<Vec<u8>, Fault>>,
{
    safetensors::read(size, budget, fetch).await
}

/// What the shards of one model tell together: the first one's facts, with the tensors of all.
pub fn together(shards: impl IntoIterator<Item = ModelFacts>) -> Option<ModelFacts> {
    shards.into_iter().reduce(|all, shard| ModelFacts {
        parameters: sum(all.parameters, shard.parameters),
        tensor_bytes: sum(all.tensor_bytes, shard.tensor_bytes),
        ..all
    })
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one?.checked_add(other?)
}

/// The fault of a header that cannot be right.
fn broken(what: &str) -> Fault {
    Fault::new(FaultKind::BadReply, format!("the model's header cannot be read: {what}"))
        .hint("the file may be damaged or of another format; look at its page on the Hub")
}
