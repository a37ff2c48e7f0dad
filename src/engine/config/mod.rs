//! Settings: defaults < file < environment < flags, and where each value came from. Knows no face.
