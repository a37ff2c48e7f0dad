//! The last step of a download: contents that are here and checked go to where they belong, many at a time.
//!
//! Whatever must survive a power failure costs a commit of the filesystem, which many files share as well as one.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::turns::Turn;
use crate::desk::{Fault, PlannedFile};
use crate::engine::cache::Place;
use crate::engine::host::{FileLock, blocking};
use crate::engine::job::Followed;
use crate::engine::transfer::Received;

/// So many files may wait to be placed while others are.
const WAITING: usize = 16;
/// The most files that are placed together. Those of them that come from memory are in it meanwhile.
const TOGETHER: usize = 48;

/// A file that is to be placed.
pub(super) struct Parcel {
    /// The file.
    pub file: PlannedFile,
    /// Its content.
    pub content: Content,
    /// What keeps others off the content until it is placed.
    pub claim: Claim,
    /// What shows the file until it is placed.
    pub shown: Followed,
}

/// Where a parcel's content is.
pub(super) enum Content {
    /// Where the cache keeps it.
    Held,
    /// In the partial, synced.
    Partial,
    /// In memory.
    Memory(Received),
}

/// The right to bring a content: the turn among this engine's downloads, and the lock that other processes heed.
pub(super) struct Claim {
    pub turn: Turn,
    pub _lock: Option<FileLock>,
}

/// The way to the placing of parcels, and the placing itself, which ends when nobody can send any more or with the first fault.
pub(super) fn placing(place: Arc<dyn Place>) -> (mpsc::Sender<Parcel>, impl Future<Output = Result<(), Fault>>) {
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let work = async move {
        let mut parcels = Vec::new();
        while receiver.recv_many(&mut parcels, TOGETHER).await > 0 {
            let (place, parcels) = (Arc::clone(&place), std::mem::take(&mut parcels));
            blocking(move || place_all(&*place, parcels)).await?;
        }
        Ok(())
    };
    (sender, work)
}

fn place_all(place: &dyn Place, parcels: Vec<Parcel>) -> Result<(), Fault> {
    let (mut received, mut fetched, mut held, mut claims) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Parcel { file, content, claim, shown } in parcels {
        let files = if matches!(content, Content::Held) { &mut held } else { &mut fetched };
        if let Content::Memory(content) = content {
            received.push(content);
        }
        claims.push((file.size, place.file_path(&file), claim, shown));
        files.push(file);
    }
    Received::write_all(&received)?;
    place.place(&fetched.iter().collect::<Vec<_>>())?;
    place.link(&held.iter().collect::<Vec<_>>())?;
    for (size, path, mut claim, shown) in claims {
        claim.turn.pass_on(path);
        shown.placed(size);
    }
    Ok(())
}
