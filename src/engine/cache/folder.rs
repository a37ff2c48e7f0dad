//! Placing files in a plain folder, with the records that the official client keeps for `--local-dir`.
//!
//! `<folder>/.cache/huggingface/download/<path>.metadata` says which commit and digest a file has, and since when that is known.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::adopt::Adoption;
use super::elsewhere::Offer;
use super::entries::{
    FileMode, Made, copy_to_partial, inner_dir, probe, remove_if_there, settle, size_of_regular, sync_parents, tag_cache, write_if_absent,
};
use super::known::Watch;
use super::layout::{JOURNAL, PARTIAL};
use super::lock::{BLOB_LOCK, try_lock};
use super::place::{PartialPaths, Place, Ready};
use super::snapshot::Snapshot;
use super::tree::write_listing;
use crate::desk::{Fault, FaultKind, PlannedFile};
use crate::engine::digest::git_sha1;
use crate::engine::host::{FileLock, write_atomically};

/// The records' folder, relative to the one that files are placed in.
const RECORDS: &str = ".cache/huggingface";
/// How much younger than its record a file may seem; not every filesystem keeps the time more exactly.
const SLACK: Duration = Duration::from_secs(1);

/// A plain folder that a commit's files are placed in.
pub(super) struct Folder {
    dir: PathBuf,
    /// The same files in the Hugging Face cache, from which they can be copied.
    snapshot: Snapshot,
    mode: FileMode,
    made: Made,
}

impl Folder {
    pub(super) fn new(folder: &Path, snapshot: Snapshot) -> Self {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        Self { dir: folder, snapshot, mode: FileMode::default(), made: Made::default() }
    }

    fn records(&self) -> PathBuf {
        self.dir.join(RECORDS)
    }

    fn downloads(&self) -> PathBuf {
        self.records().join("download")
    }

    /// The path of a file's record or lock, its folder made.
    fn record(&self, path: &str, suffix: &str) -> Result<PathBuf, Fault> {
        let inner = format!("{RECORDS}/download/{path}.{suffix}");
        self.made.parent(&self.dir, &inner)?;
        Ok(self.dir.join(inner))
    }

    /// Whether a file is in its place and, by its record, unchanged since it had this digest.
    fn has(&self, file: &PlannedFile) -> bool {
        let record = fs::read_to_string(self.downloads().join(format!("{}.metadata", file.path))).unwrap_or_default();
        let mut lines = record.lines().map(str::trim);
        let (_commit, etag, time) = (lines.next(), lines.next(), lines.next().and_then(|time| time.parse().ok()));
        let known =
            time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).and_then(|time| SystemTime::UNIX_EPOCH.checked_add(time));
        let path = self.file_path(file);
        let changed = fs::metadata(&path).and_then(|found| found.modified()).ok().and_then(|time| time.checked_sub(SLACK));
        etag == Some(file.digest.hex()) && size_of_regular(&path) == Some(file.size) && changed.is_some() && changed <= known
    }

    /// Where the content can be copied from: a file of the same digest in this folder, or the cache.
    fn source(&self, file: &PlannedFile) -> Option<PathBuf> {
        let here = self.snapshot.twins(file).find(|twin| self.has(twin)).map(|twin| self.file_path(twin));
        here.or_else(|| self.snapshot.content(file))
    }

    /// Records what a file in its place is, as of its last change.
    fn write_record(&self, file: &PlannedFile) -> Result<(), Fault> {
        let path = self.file_path(file);
        let changed = fs::metadata(&path)
            .and_then(|found| found.modified())
            .map_err(|error| Fault::disk(format!("look up {}", path.display()), error))?;
        let time = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let record = format!("{}\n{}\n{}.{:09}\n", self.snapshot.plan.commit, file.digest, time.as_secs(), time.subsec_nanos());
        write_atomically(&self.record(&file.path, "metadata")?, record.as_bytes(), 0o644)
    }

    /// Puts a file whose content is on this machine where it belongs.
    fn link_one(&self, file: &PlannedFile) -> Result<(), Fault> {
        if self.has(file) {
            return self.write_record(file);
        }
        let gone = || {
            Fault::new(FaultKind::NotFound, format!("the content of {} is not on this machine any more", file.path))
                .hint("download it again")
        };
        copy_to_partial(&self.source(file).ok_or_else(gone)?, &self.partial(file))?;
        self.place(&[file.into()])
    }
}

impl Place for Folder {
    fn prepare(&self) -> Result<(), Fault> {
        inner_dir(&self.dir, &Path::new(RECORDS).join("download"))?;
        write_if_absent(&self.records().join(".gitignore"), "*")?;
        tag_cache(&self.records())?;
        probe(&self.dir)?;
        probe(&self.downloads())?;
        write_listing(&self.records(), &self.snapshot.plan)
    }

    fn is_bare(&self) -> bool {
        !self.dir.exists() && self.snapshot.is_bare()
    }

    fn held(&self, file: &PlannedFile) -> bool {
        self.source(file).is_some()
    }

    /// All partials lie side by side, under a name as short for a long path as for a short one.
    fn partial(&self, file: &PlannedFile) -> PartialPaths {
        let name = git_sha1(file.path.as_bytes());
        let beside = |suffix: &str| self.downloads().join(format!("{name}.{}.{suffix}", file.digest));
        PartialPaths { data: beside(PARTIAL), journal: beside(JOURNAL) }
    }

    fn lock(&self, file: &PlannedFile) -> Result<Option<FileLock>, Fault> {
        try_lock(&self.record(&file.path, "lock")?, BLOB_LOCK)
    }

    fn place(&self, files: &[Ready<'_>]) -> Result<(), Fault> {
        for Ready { file, written } in files {
            self.made.parent(&self.dir, &file.path)?;
            settle(self.mode.get(&self.records())?, &self.partial(file), *written, &self.file_path(file), file.size)?;
        }
        sync_parents(&files.iter().map(|ready| self.file_path(ready.file)).collect::<Vec<_>>())?;
        files.iter().try_for_each(|ready| self.write_record(ready.file))
    }

    fn link(&self, files: &[&PlannedFile]) -> Result<(), Fault> {
        files.iter().try_for_each(|file| self.link_one(file))
    }

    /// Always a copy: files in a plain folder are there to be edited.
    fn adopt(&self, file: &PlannedFile, offer: &Offer, watch: Watch) -> Result<bool, Fault> {
        let adoption = Adoption { known: self.snapshot.known(), file, offer, watch };
        if adoption.copy(&self.partial(file))? { self.place(&[file.into()]).map(|()| true) } else { Ok(false) }
    }

    fn discard(&self, file: &PlannedFile) -> Result<(), Fault> {
        let partial = self.partial(file);
        remove_if_there(&partial.data)?;
        remove_if_there(&partial.journal)
    }

    fn file_path(&self, file: &PlannedFile) -> PathBuf {
        self.dir.join(&file.path)
    }

    fn dir(&self) -> PathBuf {
        self.dir.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::super::Cache;
    use super::super::testkit::{self, COMMIT, add, fill, plan, write_partial};
    use super::*;
    use crate::desk::Plan;

    const FILES: &[(&str, &[u8])] = &[("config.json", b"{}"), ("sub/w.bin", b"weights"), ("twin.bin", b"weights")];

    fn local() -> (TempDir, Cache, Plan) {
        let (dir, cache) = testkit::cache();
        let plan = Plan { local_dir: Some(dir.path().join("out")), ..plan("org/m", FILES) };
        (dir, cache, plan)
    }

    #[test]
    fn files_are_real_and_recorded() {
        let (_dir, cache, plan) = local();
        let place = fill(&cache, &plan, FILES);
        let out = place.dir();
        assert_eq!(fs::read(out.join("sub/w.bin")).unwrap(), b"weights");
        assert_eq!(fs::read_to_string(out.join(".cache/huggingface/.gitignore")).unwrap(), "*");
        assert!(out.join(".cache/huggingface/CACHEDIR.TAG").exists());
        assert!(out.join(format!(".cache/huggingface/trees/{COMMIT}.json")).exists());
        let record = fs::read_to_string(out.join(".cache/huggingface/download/sub/w.bin.metadata")).unwrap();
        let lines: Vec<&str> = record.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[1]), (3, COMMIT, plan.files[1].digest.hex()));
        assert!(lines[2].parse::<f64>().unwrap() > 1e9);
        assert!(!cache.root().exists(), "the cache is left alone");
        assert!(!place.partial(&plan.files[1]).data.exists() && !place.partial(&plan.files[1]).journal.exists());
    }

    #[test]
    fn a_file_is_held_until_it_or_its_record_changes() {
        let (_dir, cache, mut plan) = local();
        plan.files.pop(); // whose content is the same
        let place = fill(&cache, &plan, &FILES[..2]);
        let file = &plan.files[1];
        assert!(place.held(file));
        let path = place.file_path(file);
        let later = SystemTime::now() + Duration::from_secs(60);
        fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        assert!(!place.held(file), "written after it was recorded");
        write_partial(&*place, file, b"weights");
        place.place(&[file.into()]).unwrap();
        assert!(place.held(file));
        fs::write(place.dir().join(".cache/huggingface/download/sub/w.bin.metadata"), "x\ny\nNaN\n").unwrap();
        assert!(!place.held(file));
    }

    #[test]
    fn a_record_moves_on_to_the_newest_commit() {
        let (_dir, cache, mut plan) = local();
        fill(&cache, &plan, FILES);
        plan.commit = "f".repeat(40);
        let place = cache.place(&plan).unwrap();
        assert!(place.held(&plan.files[0]));
        place.link(&[&plan.files[0]]).unwrap();
        let record = fs::read_to_string(place.dir().join(".cache/huggingface/download/config.json.metadata")).unwrap();
        assert!(record.starts_with(&plan.commit));
    }

    #[test]
    fn content_is_copied_from_a_twin_or_the_cache() {
        let (_dir, cache, plan) = local();
        let place = cache.place(&plan).unwrap();
        place.prepare().unwrap();
        assert!(!place.held(&plan.files[2]));
        write_partial(&*place, &plan.files[1], b"weights");
        place.place(&[(&plan.files[1]).into()]).unwrap();
        assert!(place.held(&plan.files[2]));
        place.link(&[&plan.files[2]]).unwrap();
        assert_eq!(fs::read(place.file_path(&plan.files[2])).unwrap(), b"weights");
        assert!(!place.held(&plan.files[0]));
        add(&cache, "org/m", FILES);
        assert!(place.held(&plan.files[0]));
        place.link(&[&plan.files[0]]).unwrap();
        assert_eq!(fs::read(place.file_path(&plan.files[0])).unwrap(), b"{}");
    }

    #[test]
    fn a_link_is_replaced_and_a_linked_folder_refused() {
        let (dir, cache, plan) = local();
        let place = cache.place(&plan).unwrap();
        place.prepare().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("mine"), "mine").unwrap();
        symlink(outside.join("mine"), place.file_path(&plan.files[0])).unwrap();
        symlink(&outside, place.dir().join("sub")).unwrap();
        for (file, (_, content)) in plan.files.iter().zip(FILES).take(2) {
            write_partial(&*place, file, content);
        }
        place.place(&[(&plan.files[0]).into()]).unwrap();
        assert_eq!(fs::read(outside.join("mine")).unwrap(), b"mine");
        assert!(place.place(&[(&plan.files[1]).into()]).unwrap_err().message.contains("leads out of"));
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }

    #[test]
    fn the_lock_is_the_official_clients() {
        let (_dir, cache, plan) = local();
        let place = cache.place(&plan).unwrap();
        let _held = place.lock(&plan.files[1]).unwrap().unwrap();
        assert!(place.lock(&plan.files[1]).unwrap().is_none());
        assert!(place.dir().join(".cache/huggingface/download/sub/w.bin.lock").exists());
    }
}
