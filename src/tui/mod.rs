//! The terminal app: one of the faces of a [`crate::desk::Desk`].

pub mod app;
mod runtime;
pub mod term;
pub mod ui;

pub use runtime::{TuiOptions, run, serve};
