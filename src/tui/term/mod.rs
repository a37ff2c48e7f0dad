//! The terminal: entering and leaving it, its input, its capabilities. Does not know what is drawn.
