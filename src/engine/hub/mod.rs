//! A Hub as a client meets it. Does not know the layout of the disk.
