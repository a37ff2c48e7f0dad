//! The work behind the seam: a [`crate::desk::Desk`] over the network and the disk of this machine.
//!
//! Each folder owns one subject and knows only what its own documentation says; this module puts them together.

pub mod analyze;
pub mod cache;
pub mod config;
pub mod host;
pub mod hub;
pub mod job;
pub mod select;
pub mod transfer;
