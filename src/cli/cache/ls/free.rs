//! What of a cache could be freed at once, and where else there are models.

use crate::cli::text::counted;
use crate::desk::{self, CacheListing, LeftoverKind};

/// What nothing leads to, what is in the trash and what others keep, each with its command.
pub(super) fn hints(cache: &CacheListing) -> Vec<String> {
    let parts = parts(cache);
    let total: u64 = parts.iter().map(|part| part.bytes).sum();
    let words: Vec<String> = parts.into_iter().filter(|part| part.count > 0).map(|part| part.words()).collect();
    let mut hints = Vec::new();
    if !words.is_empty() {
        hints.push(format!("{} come free with hfdesk-tui cache prune: {}", desk::bytes(total), words.join(", ")));
    }
    let trash: u64 = cache.trash.iter().map(|entry| entry.frees).sum();
    if !cache.trash.is_empty() {
        hints.push(format!("{} in the trash come free with hfdesk-tui cache empty", desk::bytes(trash)));
    }
    let others: u64 = cache.others.iter().map(|store| store.size).sum();
    if others > 0 {
        hints.push(format!("other programs keep {} more on this machine, listed by hfdesk-tui cache ls --others", desk::bytes(others)));
    }
    hints
}

/// Some of what can be freed.
struct Part {
    count: usize,
    bytes: u64,
    one: &'static str,
    many: &'static str,
}

impl Part {
    fn new(one: &'static str, many: &'static str, sizes: impl Iterator<Item = u64>) -> Self {
        let (count, bytes) = sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size));
        Self { count, bytes, one, many }
    }

    fn words(&self) -> String {
        format!("{} ({})", counted(self.count, self.one, self.many), desk::bytes(self.bytes))
    }
}

fn parts(cache: &CacheListing) -> [Part; 4] {
    let repos = || cache.repos.iter().filter(|repo| !cache.pins.contains(&repo.key));
    let leftovers = |kinds: &'static [LeftoverKind]| {
        repos().flat_map(|repo| &repo.leftovers).filter(|left| kinds.contains(&left.kind)).map(|left| left.on_disk)
    };
    [
        Part {
            count: repos().map(|repo| repo.detached_revisions().count()).sum(),
            bytes: repos().map(|repo| repo.detached).sum(),
            one: "detached revision",
            many: "detached revisions",
        },
        Part::new("unfinished download", "unfinished downloads", leftovers(&[LeftoverKind::Partial, LeftoverKind::Incomplete])),
        Part::new("blob left over", "blobs left over", leftovers(&[LeftoverKind::Blob])),
        Part::new("unused shared payload", "unused shared payloads", cache.orphans.iter().map(|orphan| orphan.size)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fake;

    #[test]
    fn what_is_pinned_is_not_counted_and_nothing_says_nothing() {
        let mut cache = fake::cache();
        assert_eq!(hints(&cache).len(), 3);
        cache.pins.extend(cache.repos.iter().map(|repo| repo.key.clone()).collect::<Vec<_>>());
        cache.orphans.clear();
        cache.trash.clear();
        cache.others.clear();
        assert!(hints(&cache).is_empty());
    }
}
