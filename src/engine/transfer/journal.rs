//! What is known about a partial's content: a small JSON file beside it.
//!
//! Bytes written survive the end of the process at once, but a power failure only after they were synced. So the journal keeps
//! two sets: `written`, which counts while the machine has not been restarted since (the kernel's boot id tells), and `synced`,
//! which always counts. It can then be written at any moment without waiting for the disk. Size and digest name the content
//! exactly, so nothing else is needed to know whether the bytes still belong to the file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ranges::Ranges;
use crate::desk::{Digest, Fault};
use crate::engine::host;

const VERSION: u32 = 1;
/// No journal of ours comes near this size; a larger one is not read.
const MAX_BYTES: u64 = 1 << 20;

/// What a journal says. Times, addresses and tokens are none of its business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    version: u32,
    size: u64,
    digest: Digest,
    boot: Option<String>,
    written: Ranges,
    synced: Ranges,
}

impl Journal {
    /// A journal for a file of this size and digest, of the present boot.
    pub fn new(size: u64, digest: Digest, written: Ranges, synced: Ranges) -> Self {
        Self { version: VERSION, size, digest, boot: boot_id(), written, synced }
    }

    /// Reads a journal; `None` where it is missing, unreadable, contradicts itself or is about other content.
    pub fn load(path: &Path, size: u64, digest: &Digest) -> Option<Self> {
        let mut text = Vec::new();
        File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut text).ok()?;
        let journal: Self = serde_json::from_slice(&text).ok()?;
        let same = journal.version == VERSION && journal.size == size && journal.digest == *digest;
        (same && journal.written.is_sound(size) && journal.synced.is_sound(size)).then_some(journal)
    }

    /// Replaces the journal at `path`.
    pub fn save(&self, path: &Path) -> Result<(), Fault> {
        let text = serde_json::to_vec(self).map_err(|error| Fault::internal("a journal cannot be written as JSON").because(error))?;
        host::write_atomically(path, &text, 0o644)
    }

    /// The ranges that can be relied on, given how long the data file is.
    pub fn vouched(&self, data_length: u64) -> Ranges {
        let same_boot = self.boot.is_some() && self.boot == boot_id();
        let ranges = if same_boot { &self.written } else { &self.synced };
        ranges.below(data_length)
    }
}

/// Names the time since the machine was started; `None` where the system does not say.
fn boot_id() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 1000;

    fn digest() -> Digest {
        "ab".repeat(32).parse().unwrap()
    }

    fn half() -> Ranges {
        Ranges::whole(SIZE / 2)
    }

    #[test]
    fn a_journal_is_read_as_it_was_saved() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.hfdesk.json");
        let journal = Journal::new(SIZE, digest(), half(), Ranges::whole(100));
        journal.save(&path).unwrap();
        assert_eq!(Journal::load(&path, SIZE, &digest()), Some(journal.clone()));
        assert_eq!(Journal::load(&path, SIZE + 1, &digest()), None);
        assert_eq!(Journal::load(&path, SIZE, &"cd".repeat(32).parse().unwrap()), None);
    }

    #[test]
    fn after_a_restart_of_the_machine_only_what_was_synced_counts() {
        let journal = Journal::new(SIZE, digest(), half(), Ranges::whole(100));
        assert_eq!(journal.vouched(SIZE).total(), if boot_id().is_some() { 500 } else { 100 });
        let older = Journal { boot: Some("another".into()), ..journal };
        assert_eq!(older.vouched(SIZE).total(), 100);
        assert_eq!(Journal { boot: None, ..older }.vouched(60).total(), 60);
    }

    #[test]
    fn a_damaged_or_hostile_journal_is_ignored_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.hfdesk.json");
        let hex = digest().hex().to_owned();
        let with = |written: &str| format!(r#"{{"version":1,"size":1000,"digest":"{hex}","boot":null,"written":{written},"synced":[]}}"#);
        std::fs::write(&path, with("[[0,10]]")).unwrap();
        assert!(Journal::load(&path, SIZE, &digest()).is_some());
        let hostile = ["[[0,1001]]", "[[5,3]]", "[[0,10],[5,20]]", "[[20,30],[0,5]]", "[[-1,5]]", "[[0,18446744073709551616]]", "7"];
        let damaged = [String::new(), "{".into(), "\u{0}".repeat(50), with("[[0,10]]").replace("\"version\":1", "\"version\":2")];
        for text in hostile.map(with).into_iter().chain(damaged) {
            std::fs::write(&path, &text).unwrap();
            assert_eq!(Journal::load(&path, SIZE, &digest()), None, "{text}");
        }
    }
}
