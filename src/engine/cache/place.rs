//! Where the files of one plan go.

use std::fs::Metadata;
use std::path::PathBuf;
use std::sync::Arc;

use super::Cache;
use super::elsewhere::Offer;
use super::folder::Folder;
use super::known::Watch;
use super::layout::is_hex;
use super::snapshot::Snapshot;
use crate::desk::{Fault, FaultKind, Plan, PlannedFile, safe_path};
use crate::engine::host::FileLock;

/// The two files of an unfinished download. Both lie beside the content's final place, on the same filesystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialPaths {
    /// The content so far, at its final offsets.
    pub data: PathBuf,
    /// Which parts of it are whole.
    pub journal: PathBuf,
}

/// A file whose partial is ready to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Ready<'a> {
    /// The file.
    pub file: &'a PlannedFile,
    /// What its partial looks like, as whoever has just written it knows; such a one has no journal.
    pub written: Option<&'a Metadata>,
}

impl<'a> From<&'a PlannedFile> for Ready<'a> {
    fn from(file: &'a PlannedFile) -> Self {
        Self { file, written: None }
    }
}

/// Where the files of one plan go: a snapshot of the Hugging Face cache, or a plain folder ([`Plan::local_dir`]).
///
/// The order of use: [`prepare`](Place::prepare) once; then for each file [`held`](Place::held) and, if it is,
/// [`link`](Place::link); else [`lock`](Place::lock), a download to [`partial`](Place::partial), a check of its digest,
/// and [`place`](Place::place). Files of a plan with the same digest share their content: download it once, link the others.
/// All methods block, and may be called from several threads for different files.
pub trait Place: Send + Sync {
    /// Makes the folders and writes what the official client writes before it downloads: the cache tag, the commit's listing
    /// (only for a plan that leaves nothing out) and the revision's ref, which never names a commit without a snapshot folder.
    /// Fails where files cannot be written.
    ///
    /// The listing comes first so that a download which never ends is not taken for a whole snapshot.
    fn prepare(&self) -> Result<(), Fault>;

    /// Whether nothing at all can be in its place yet, so that there is no need to look for each file.
    fn is_bare(&self) -> bool;

    /// Whether a file's content is on this machine already, so that [`link`](Place::link) can do without a download. Reads no content.
    fn held(&self, file: &PlannedFile) -> bool;

    /// Where the unfinished download of a file lies, or will. Their folder exists after [`prepare`](Place::prepare).
    fn partial(&self, file: &PlannedFile) -> PartialPaths;

    /// Takes the lock under which a file is downloaded and placed, or answers `None` while somebody holds it.
    ///
    /// The official client takes the same one and waits for it, so it should not be kept while a download is paused.
    fn lock(&self, file: &PlannedFile) -> Result<Option<FileLock>, Fault>;

    /// Moves these files' partials, whose digests were checked and whose bytes are synced, to where they belong, and removes their
    /// journals. No two of the files have the same content. Many at a time share the filesystem's commits.
    fn place(&self, files: &[Ready<'_>]) -> Result<(), Fault>;

    /// Puts files whose content is [`held`](Place::held) where they belong. Doing it again changes nothing.
    fn link(&self, files: &[&PlannedFile]) -> Result<(), Fault>;

    /// Takes a file's content over from elsewhere on this machine and puts it where it belongs, under the file's [`lock`](Place::lock).
    ///
    /// `false` where the offered file is not what is wanted or cannot be had; a warning in the log says why. It is read first, or while
    /// it is copied, unless its digest is known; the watch is told how far that is and can end it with `Interrupted`.
    fn adopt(&self, file: &PlannedFile, offer: &Offer, watch: Watch) -> Result<bool, Fault>;

    /// Removes the partial and the journal of a download that is given up.
    fn discard(&self, file: &PlannedFile) -> Result<(), Fault>;

    /// Where a person finds the file once it is placed.
    fn file_path(&self, file: &PlannedFile) -> PathBuf;

    /// Where a person finds all of them: the snapshot's folder or the plain one.
    fn dir(&self) -> PathBuf;
}

impl Cache {
    /// Where the files of a plan go. A plan that names a malformed commit or an unsafe path is refused.
    pub fn place(&self, plan: &Plan) -> Result<Arc<dyn Place>, Fault> {
        check(plan)?;
        let snapshot = Snapshot::new(self.clone(), plan.clone());
        Ok(match &plan.local_dir {
            Some(local_dir) => Arc::new(Folder::new(local_dir, snapshot)),
            None => Arc::new(snapshot),
        })
    }
}

fn check(plan: &Plan) -> Result<(), Fault> {
    let refused = |what: String| Fault::new(FaultKind::BadReply, what).hint("ask the repository's owner to rename it");
    if !is_hex(&plan.commit, 40) {
        return Err(Fault::new(FaultKind::BadReply, format!("“{}” is not a commit of 40 hexadecimal digits", plan.commit)));
    }
    match plan.files.iter().find(|file| !safe_path(&file.path) || claims_bookkeeping(&file.path)) {
        Some(file) => Err(refused(format!("{} names a file “{}”, which is not safe to write", plan.repo.id, file.path))),
        None => Ok(()),
    }
}

/// Whether a path lies in the folder that the official client keeps its own records in, on filesystems that ignore case too.
fn claims_bookkeeping(path: &str) -> bool {
    let mut parts = path.split('/').map(str::to_ascii_lowercase);
    parts.next().as_deref() == Some(".cache") && matches!(parts.next().as_deref(), None | Some("huggingface"))
}

#[cfg(test)]
mod tests {
    use super::super::testkit;
    use super::*;

    #[test]
    fn a_plan_with_an_unsafe_name_has_no_place() {
        let (_dir, cache) = testkit::cache();
        for path in ["../x", "/etc/passwd", "a//b", ".cache", ".cache/huggingface/download/x", ".CACHE/HuggingFace/y"] {
            let fault = cache.place(&testkit::plan("org/m", &[(path, b"x")])).err().unwrap();
            assert_eq!(fault.kind, FaultKind::BadReply, "{path}");
        }
        let mut plan = testkit::plan("org/m", &[(".cache/other", b"x")]);
        assert!(cache.place(&plan).is_ok());
        plan.commit = "../../x".into();
        assert!(cache.place(&plan).is_err());
    }
}
