//! Payloads of the shared store that nothing uses any more.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Cache;
use super::store::Store;
use crate::desk::OrphanPayload;

impl Cache {
    /// Payloads that can go: their manifest can be read and names no blob that still links to them, as the official client's `prune`
    /// has it. One that a blob links to all the same is none. The largest first.
    pub fn orphans(&self) -> Vec<OrphanPayload> {
        let Some(store) = Store::open(&self.root) else { return Vec::new() };
        let is_unused = |payload: &PathBuf| store.referrers(payload).is_some_and(|users| users.is_empty());
        let mut unused: Vec<(PathBuf, u64)> = store.payloads().filter(|(payload, _)| is_unused(payload)).collect();
        if !unused.is_empty() {
            let linked = self.linked_payloads(&store, &BTreeSet::new());
            unused.retain(|(payload, _)| !linked.contains(payload));
        }
        let hash = |payload: &PathBuf| payload.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut orphans: Vec<OrphanPayload> =
            unused.iter().map(|(payload, size)| OrphanPayload { hash: hash(payload), size: *size }).collect();
        orphans.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.hash.cmp(&b.hash)));
        orphans
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testkit::{self, HASH, add, share};
    use super::*;

    #[test]
    fn a_payload_without_a_user_is_one_that_can_go() {
        let (_dir, cache) = testkit::cache();
        assert_eq!(cache.orphans(), []);
        for repo in ["org/a", "org/b"] {
            add(&cache, repo, &[("x", b"x")]);
            share(&cache, repo, "12bb839b", HASH, b"payload");
        }
        fs::remove_dir_all(cache.root().join("models--org--a")).unwrap();
        assert_eq!(cache.orphans(), []);
        // A folder that was renamed by hand still uses it, though no manifest says so.
        fs::rename(cache.root().join("models--org--b"), cache.root().join("models--org--c")).unwrap();
        assert_eq!(cache.orphans(), []);
        fs::remove_dir_all(cache.root().join("models--org--c")).unwrap();
        assert_eq!(cache.orphans(), [OrphanPayload { hash: HASH.into(), size: 7 }]);
        fs::remove_file(cache.root().join(format!("blobs/c6/{HASH}.refs"))).unwrap();
        assert_eq!(cache.orphans(), []);
    }
}
