//! Moving one file's bytes into a partial that survives any crash, resumes, and is verified before success is reported.
//!
//! A [`Mover`] carries out [`Transfer`]s. Bytes come over ranged HTTP/1.1 requests on several connections or over Xet ([`Source`]
//! says where from), are written once at their final offsets ([`Partial`]), recorded in a journal beside them, and hashed while
//! they are still in memory. Knows neither the queue, the cache's layout, the Hub's API nor what a model is: whoever calls
//! gives the path, the size and the digest, and renames the finished file.

mod batch;
mod blocks;
mod book;
mod checkpoint;
mod connection;
mod counter;
mod crew;
mod file;
mod foreman;
mod hash;
mod journal;
mod lanes;
mod lifeline;
mod mover;
mod pace;
mod pairs;
mod partial;
mod patience;
mod ranges;
mod reply;
mod roll;
mod run;
mod segments;
mod settings;
mod small;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod transports;
mod writer;
mod xet;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use blocks::{BlockSummer, BlockSums};
pub use counter::Counter;
pub use lanes::Seat;
pub use mover::{Mover, Transfer};
pub use pace::Pace;
pub use partial::Partial;
pub use settings::Settings;
pub use small::{Received, is_small};
pub use source::{Address, Source};
pub use xet::XetAddress;

/// Locks a mutex whose value stays sound whatever happened to another holder: no code here can stop halfway through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
