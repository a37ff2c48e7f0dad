//! The jobs that use what is under the cursor.

use std::collections::HashSet;

use super::details::Line;
use crate::desk::{Board, CacheContents, CachedFile, CachedRepo, Digest, Job, Leftover, RepoRef};
use crate::tui::app::Subject;
use crate::tui::ui::roles::Role;

/// Jobs that are not over, a line each: of a file those that want its content, whichever repository they are of.
pub(super) fn lines(board: &Board, subject: Subject, repo: &CachedRepo) -> Vec<Line> {
    let wanted = Wanted::of(subject);
    let open = board.jobs.iter().filter(|job| !job.state.is_over());
    open.filter(|job| wanted.is_used_by(job, repo)).map(|job| ("job", told(job, repo), Role::Running)).collect()
}

/// What a job may use.
enum Wanted<'a> {
    /// Anything of the repository.
    Repo,
    /// These contents.
    Contents(HashSet<&'a Digest>),
    /// What is left of an unfinished download.
    Leftover(&'a Leftover),
}

impl<'a> Wanted<'a> {
    fn of(subject: Subject<'a>) -> Self {
        match subject {
            Subject::Variant(contents, _, variant) => Self::Contents(digests(contents, &variant.files)),
            Subject::File(contents, _, _, file) => Self::Contents(digests(contents, std::slice::from_ref(file))),
            Subject::Leftover(_, leftover) => Self::Leftover(leftover),
            _ => Self::Repo,
        }
    }

    fn is_used_by(&self, job: &Job, repo: &CachedRepo) -> bool {
        let mut files = job.plan.files.iter();
        match self {
            Self::Repo => is_of(&job.plan.repo, repo),
            Self::Contents(digests) => files.any(|file| digests.contains(&file.digest)),
            Self::Leftover(leftover) => is_of(&job.plan.repo, repo) && files.any(|file| leftover.name.starts_with(file.digest.hex())),
        }
    }
}

fn digests<'a>(contents: &'a CacheContents, files: &[CachedFile]) -> HashSet<&'a Digest> {
    files.iter().filter_map(|file| contents.blobs.get(file.blob?)?.digest.as_ref()).collect()
}

fn is_of(of: &RepoRef, repo: &CachedRepo) -> bool {
    of.kind == repo.key.kind && of.id == repo.key.id
}

fn told(job: &Job, repo: &CachedRepo) -> String {
    let of = if is_of(&job.plan.repo, repo) { String::new() } else { format!(" of {}", job.plan.repo.id) };
    format!("{}{of} is {}", job.plan.title, job.state.name())
}
