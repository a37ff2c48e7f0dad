//! The terminal app: one of the faces of a [`crate::desk::Desk`].

pub mod app;
pub mod term;
pub mod ui;
