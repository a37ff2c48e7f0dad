//! Headers of models that were read before: a small file for each in the state folder, by the digest of the file that it was read from.
//!
//! A digest means the same header for ever. Nothing depends on what is kept: what cannot be read is asked for again, and what cannot be
//! written is only told to the log.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::host::write_atomically;
use crate::desk::{Digest, ModelFacts};

/// How many are kept, the last ones written: some thousand models at a few kB each.
const KEPT: usize = 1000;
/// Raised whenever a header may tell more than it told before.
const VERSION: u32 = 1;
/// The longest record that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The headers kept in a folder, as one Hub told them: nobody has checked that they are of the digest that it names.
#[derive(Clone, Debug)]
pub(super) struct Headers {
    folder: PathBuf,
    endpoint: String,
}

#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    endpoint: String,
    facts: ModelFacts,
}

impl Headers {
    /// Those of a state folder that the Hub at this address told.
    pub(super) fn in_state(state_dir: &Path, endpoint: &str) -> Self {
        Self { folder: state_dir.join("headers"), endpoint: endpoint.to_owned() }
    }

    /// What the header of a file of this digest told. Waits for the disk.
    pub(super) fn find(&self, digest: &Digest) -> Option<ModelFacts> {
        let path = self.path(digest);
        let text = fs::metadata(&path).ok().filter(|kept| kept.len() <= LONGEST).and_then(|_| fs::read(&path).ok())?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        (record.version == VERSION && record.endpoint == self.endpoint).then_some(record.facts)
    }

    /// Keeps what a header told. Waits for the disk.
    pub(super) fn keep(&self, digest: &Digest, facts: ModelFacts) {
        let text = serde_json::to_vec(&Record { version: VERSION, endpoint: self.endpoint.clone(), facts }).unwrap_or_default();
        if let Err(fault) = write_atomically(&self.path(digest), &text, 0o600) {
            tracing::warn!(%fault, "a model's header could not be kept");
        }
        self.forget_the_oldest();
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.json", digest.hex()))
    }

    fn forget_the_oldest(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut kept: Vec<_> = entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
        kept.sort();
        for (_, path) in kept.iter().rev().skip(KEPT) {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(seed: usize) -> Digest {
        format!("{seed:064x}").parse().unwrap()
    }

    #[test]
    fn a_header_is_found_again_unless_it_is_damaged_or_of_another_version() {
        let state = tempfile::tempdir().unwrap();
        let headers = Headers::in_state(state.path(), "https://hub.example");
        let facts = ModelFacts { parameters: Some(8), ..ModelFacts::default() };
        assert_eq!(headers.find(&digest(1)), None);
        headers.keep(&digest(1), facts.clone());
        assert_eq!(headers.find(&digest(1)), Some(facts.clone()));
        assert_eq!(Headers::in_state(state.path(), "https://mirror.example").find(&digest(1)), None, "another Hub may tell otherwise");
        let path = headers.path(&digest(1));
        let text = fs::read_to_string(&path).unwrap();
        for damaged in [text.replace("\"version\":1", "\"version\":0"), text[..9].to_owned(), " ".repeat(2 << 20)] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(headers.find(&digest(1)), None);
        }
    }

    #[test]
    fn the_oldest_go_first() {
        let state = tempfile::tempdir().unwrap();
        let headers = Headers::in_state(state.path(), "https://hub.example");
        headers.keep(&digest(0), ModelFacts::default());
        let old = fs::File::open(headers.path(&digest(0))).unwrap();
        old.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        for seed in 1..KEPT {
            fs::write(headers.path(&digest(seed)), "").unwrap();
        }
        headers.keep(&digest(KEPT), ModelFacts::default());
        assert!(headers.find(&digest(0)).is_none() && headers.find(&digest(KEPT)).is_some());
    }
}
