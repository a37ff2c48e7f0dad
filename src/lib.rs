//! Browse, download, mirror and clean up Hugging Face models: one engine behind a terminal app, a command line and a local API.
//!
//! The [`desk::Desk`] trait is the seam: faces ask it, the engine answers it, and neither knows the other.

pub mod api;
pub mod cli;
pub mod desk;
pub mod engine;
pub mod hubserver;
pub mod launch;
pub mod tui;
