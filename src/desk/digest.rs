//! What a file's bytes must hash to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultKind};

/// The digest by which a Hub names a file's content, in lower-case hexadecimal. It is also the name of the file's blob in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Digest {
    /// SHA-256 of the content: LFS and Xet files. 64 digits.
    Sha256(String),
    /// SHA-1 of `blob <length>\0` and the content, as git names a blob: all other files. 40 digits.
    GitSha1(String),
}

impl Digest {
    /// The digits alone: the Hub's `ETag` and the cache's blob name.
    pub fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::GitSha1(hex) => hex,
        }
    }

    /// Whether this is the digest of an LFS file.
    pub fn is_sha256(&self) -> bool {
        matches!(self, Self::Sha256(_))
    }
}

impl FromStr for Digest {
    type Err = Fault;

    /// Reads 64 or 40 hexadecimal digits, which tell the two kinds apart.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let hex = text.to_ascii_lowercase();
        let all_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        match hex.len() {
            64 if all_hex => Ok(Self::Sha256(hex)),
            40 if all_hex => Ok(Self::GitSha1(hex)),
            _ => Err(Fault::new(FaultKind::BadReply, format!("“{text}” is not a digest of 40 or 64 hexadecimal digits"))),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        match digest {
            Digest::Sha256(hex) | Digest::GitSha1(hex) => hex,
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.hex())
    }
}
