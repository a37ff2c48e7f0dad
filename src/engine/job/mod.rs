//! The queue: states, scheduling, persistence, speed and ETA.
//!
//! One task owns all of it ([`Jobs::start`]); everybody else sends it commands and watches what it publishes, so there is
//! no lock and no order of events but the one in which the task sees them. How a plan is carried out is behind
//! [`Runner`]: this folder knows neither HTTP, the cache's layout nor any screen.

mod actor;
mod jobs;
mod limits;
mod meter;
mod queue;
mod record;
mod room;
mod runner;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;

pub use jobs::{Jobs, JobsSettings};
pub use runner::{ActiveFile, Followed, Held, Run, Runner};
