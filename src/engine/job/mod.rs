//! The queue: states, scheduling, persistence, speed and ETA.
