//! The command line: one file per verb, and one value behind tables, JSON and quiet output.
