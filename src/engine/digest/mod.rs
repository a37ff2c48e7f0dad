//! The digests by which the Hub knows a file's content: SHA-256 of large files, git's SHA-1 of small ones.
//!
//! Knows bytes and nothing else: no file, no network.

mod sha256;
mod two;

use sha1::{Digest as _, Sha1};

pub use sha256::Sha256;

use crate::desk::Digest;

/// A digest in the making.
#[derive(Clone)]
pub enum Hasher {
    /// Of a file's bytes.
    Sha256(Sha256),
    /// Of the header that git puts before a blob, and a file's bytes.
    GitSha1(Sha1),
}

impl Hasher {
    /// Begins a digest of the same kind as `wanted` for a file of `size` bytes.
    pub fn like(wanted: &Digest, size: u64) -> Self {
        match wanted {
            Digest::Sha256(_) => Self::Sha256(Sha256::default()),
            Digest::GitSha1(_) => Self::GitSha1(git_blob(size)),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::GitSha1(hasher) => hasher.update(bytes),
        }
    }

    /// Takes the next bytes of two files; with SHA-256 that takes hardly longer than one file's.
    pub fn update_both(&mut self, bytes: &[u8], other: &mut Self, others: &[u8]) {
        if let (Self::Sha256(this), Self::Sha256(that)) = (&mut *self, &mut *other) {
            this.update_both(bytes, that, others);
        } else {
            self.update(bytes);
            other.update(others);
        }
    }

    /// The digest of all bytes.
    pub fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest::Sha256(hex::encode(hasher.finish())),
            Self::GitSha1(hasher) => Digest::GitSha1(hex::encode(hasher.finalize())),
        }
    }
}

/// The SHA-1 by which git names a blob with this content, in hexadecimal.
pub fn git_sha1(content: &[u8]) -> String {
    hex::encode(git_blob(content.len() as u64).chain_update(content).finalize())
}

/// Begins the SHA-1 of a blob of `size` bytes with what git puts before its content.
fn git_blob(size: u64) -> Sha1 {
    Sha1::new_with_prefix(format!("blob {size}\0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_agree_with_git_and_sha256sum() {
        let empty_blob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"; // git hash-object /dev/null
        let hello_blob = "ce013625030ba8dba906f756967f9e9ca394464a"; // echo hello | git hash-object --stdin
        let hello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"; // echo hello | sha256sum
        let cases =
            [(&b""[..], empty_blob), (b"hello\n", hello_blob), (b"hello\n", hello)].map(|(content, hex)| (content, hex.parse().unwrap()));
        assert_eq!((git_sha1(b""), git_sha1(b"hello\n")), (empty_blob.to_owned(), hello_blob.to_owned()));
        for (content, digest) in &cases {
            let mut hasher = Hasher::like(digest, content.len() as u64);
            hasher.update(content);
            assert_eq!(hasher.finish(), *digest);
            for (other_content, other_digest) in &cases {
                let begin = |content: &[u8], digest| Hasher::like(digest, content.len() as u64);
                let (mut one, mut other) = (begin(content, digest), begin(other_content, other_digest));
                one.update_both(content, &mut other, other_content);
                assert_eq!((one.finish(), other.finish()), (digest.clone(), other_digest.clone()));
            }
        }
    }
}
