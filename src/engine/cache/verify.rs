//! Whether a file's bytes are what they should be.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::desk::{Digest, Fault};

/// Whether a file's content has this digest. Reads all of it.
pub fn verify_blob(path: &Path, digest: &Digest) -> Result<bool, Fault> {
    content_hash(path, digest).map(|hash| hash == digest.hex()).map_err(|error| Fault::disk(format!("read {}", path.display()), error))
}

fn content_hash(path: &Path, digest: &Digest) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    match digest {
        Digest::Sha256(_) => hash_rest(&mut file, Sha256::new()),
        Digest::GitSha1(_) => {
            let header = git_header(file.metadata()?.len());
            hash_rest(&mut file, Sha1::new_with_prefix(header))
        }
    }
}

fn hash_rest<H: sha2::Digest>(file: &mut File, mut hash: H) -> std::io::Result<String> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            count => hash.update(&buffer[..count]),
        }
    }
}

/// The SHA-1 by which git names a blob with this content, in hexadecimal.
pub(super) fn git_sha1(content: &[u8]) -> String {
    let hash = Sha1::new_with_prefix(git_header(content.len() as u64));
    hex::encode(hash.chain_update(content).finalize())
}

/// What git hashes before a blob's content.
pub(super) fn git_header(length: u64) -> String {
    format!("blob {length}\0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_checked_by_both_kinds_of_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hello");
        std::fs::write(&path, "hello\n").unwrap();
        // The values of `git hash-object` and `sha256sum`.
        let git = "ce013625030ba8dba906f756967f9e9ca394464a".parse().unwrap();
        let sha = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03".parse().unwrap();
        assert_eq!(git_sha1(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert!(verify_blob(&path, &git).unwrap() && verify_blob(&path, &sha).unwrap());
        std::fs::write(&path, "hellO\n").unwrap();
        assert!(!verify_blob(&path, &git).unwrap() && !verify_blob(&path, &sha).unwrap());
        assert!(verify_blob(&dir.path().join("missing"), &git).is_err());
    }
}
