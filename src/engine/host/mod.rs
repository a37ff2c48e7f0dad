//! The machine we run on: free space, memory and cards, file locks, durable writes, who has files open, and a clock that tests can set.
//!
//! Knows nothing of Hugging Face.

mod blocking;
mod clock;
mod disk;
mod files;
mod limits;
mod lock;
mod machine;
mod open_files;

pub use blocking::blocking;
pub use clock::{Clock, SystemClock, processor_time};
pub use disk::{Space, space};
pub use files::{create_dir, nearest_existing, open_in_folder, remove_temporaries, sync_dir, write_atomically};
pub use limits::allow_many_open_files;
pub use lock::FileLock;
pub use machine::{Sources, machine, machine_from};
pub use open_files::{OpenedBy, open_files};
