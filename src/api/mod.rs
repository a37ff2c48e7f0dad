//! A desk over HTTP on a Unix socket, so that a second process on this machine sees and steers the queue of the first.
//!
//! Owns the routes and the wire; must not know how work is done: [`serve`] takes any [`Desk`](crate::desk::Desk), and [`attach`] gives one back.
//!
//! The wire is this version's own, for two processes of the same program: `POST /desk/NAME` with the arguments as a JSON array
//! answers with the JSON of the reply, or with status 422 and a fault; `GET /desk/board`, `GET /desk/notices`,
//! `POST /desk/analyze`, `POST /desk/relocate`, `POST /desk/updates` and `POST /desk/verify` stream one JSON document a line.

mod boards;
mod client;
mod server;

pub use client::attach;
pub use server::{Server, serve};

/// The longest message either side reads, in bytes: the board of a queue whose plans have hundreds of thousands of files.
const LONGEST_MESSAGE: usize = 256 << 20;
