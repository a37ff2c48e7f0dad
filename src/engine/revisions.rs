//! What there is to choose from besides the revision that is open.

use super::hub::Hub;
use crate::desk::{Fault, FaultKind, RepoRef, Revisions};

/// The branches, the tags, and the commits that led to the repository's revision.
///
/// A revision that the Hub does not have has no commits; the names of those that it has are just what is wanted then.
pub(super) async fn revisions(hub: &Hub, repo: &RepoRef) -> Result<Revisions, Fault> {
    let (refs, commits) = futures::join!(hub.refs(repo), hub.commits(repo));
    let refs = refs?;
    match commits {
        Ok(commits) => Ok(Revisions { commits, ..refs }),
        Err(fault) if fault.kind == FaultKind::RevisionNotFound => Ok(refs),
        Err(fault) => Err(fault),
    }
}
