//! A content store beside the Hub: large files that it has can be had over Xet, too.

use std::collections::HashMap;
use std::fmt;

use super::files::StoredFile;

/// A content store (CAS) that runs elsewhere, and what it has of the Hub's files.
#[derive(Clone)]
pub struct XetStore {
    /// Its base URL, without a trailing slash.
    pub url: String,
    /// The token that it wants; handed to whoever may download.
    pub token: String,
    /// Xet hashes by the files' SHA-256, each 64 hexadecimal digits.
    pub hashes: HashMap<String, String>,
}

impl XetStore {
    /// The Xet hash of a large file that the store has.
    pub fn hash(&self, file: &StoredFile) -> Option<&str> {
        self.hashes.get(&file.lfs.as_ref()?.sha256).map(String::as_str)
    }
}

impl fmt::Debug for XetStore {
    /// Leaves out the token.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "XetStore({}, {} files)", self.url, self.hashes.len())
    }
}
