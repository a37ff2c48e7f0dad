//! A Hub served from a folder of this machine, for the demo, the tests and a LAN. Knows nothing of the engine.
//!
//! It speaks the reading half of the Hub API over `ROOT/{models,datasets,spaces}/<owner>/<name>/…`: lists, descriptions, trees, and
//! files. Small files come from the Hub's own listener; large ones (LFS) come from a second listener, the CDN, through signed URLs
//! that expire, as on huggingface.co.

mod access;
mod ask;
mod body;
mod cdn;
mod faults;
mod files;
mod hub;
mod listen;
mod pace;
mod quota;
mod range;
mod reply;
mod route;
mod routes;
pub mod samples;
mod send;
mod server;
mod sign;
mod stats;
mod xet;

pub use access::{AcceptedToken, Grant};
pub use faults::{Effect, FaultPlan, FaultRule, Side};
pub use quota::Quota;
pub use server::{HubConfig, HubServer};
pub use stats::Stats;
pub use xet::XetStore;
