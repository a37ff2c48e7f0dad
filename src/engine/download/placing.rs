//! The last step of a download: contents that are here and checked go to where they belong, many at a time.
//!
//! Whatever must survive a power failure costs a commit of the filesystem, which many files share as well as one.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::turns::Turn;
use crate::desk::{Fault, PlannedFile};
use crate::engine::cache::{Place, Ready};
use crate::engine::host::{FileLock, blocking};
use crate::engine::job::Followed;
use crate::engine::transfer::Received;

/// So many loads may wait to be placed while another one is.
const WAITING: usize = 1;
/// The most files of a load.
const MOST_FILES: usize = 64;
/// The most bytes of a load.
const MOST_BYTES: u64 = 4 << 20;

/// A file that is to be placed.
pub(super) struct Parcel {
    /// The file.
    pub file: PlannedFile,
    /// Its content.
    pub content: Content,
    /// What keeps others off the content until it is placed; nothing where it is there.
    pub claim: Option<Claim>,
    /// What shows the file until it is placed.
    pub shown: Followed,
}

/// Where a parcel's content is.
pub(super) enum Content {
    /// Where the cache keeps it.
    Held,
    /// In the partial, synced.
    Partial,
    /// In the partial, to be synced.
    Received(Received),
}

/// The right to bring a content: the turn among this engine's downloads, and the lock that other processes heed.
pub(super) struct Claim {
    pub turn: Turn,
    pub _lock: FileLock,
}

/// Parcels that are placed together.
#[derive(Default)]
pub(super) struct Load {
    parcels: Vec<Parcel>,
    bytes: u64,
}

impl Load {
    /// Adds a parcel, and answers whether that is enough for a load.
    pub fn add(&mut self, parcel: Parcel) -> bool {
        self.bytes += parcel.file.size;
        self.parcels.push(parcel);
        self.parcels.len() >= MOST_FILES || self.bytes >= MOST_BYTES
    }

    /// Sends what was gathered if nothing else waits to be placed, and begins anew.
    pub fn offer(&mut self, loads: &mpsc::Sender<Load>) {
        if !self.parcels.is_empty()
            && let Ok(room) = loads.try_reserve()
        {
            room.send(std::mem::take(self));
        }
    }

    /// Sends what was gathered to be placed, if anything was, and begins anew. Where nobody places any more, whoever did says why.
    pub async fn send(&mut self, loads: &mpsc::Sender<Load>) {
        if !self.parcels.is_empty() {
            let _ = loads.send(std::mem::take(self)).await;
        }
    }
}

/// The way to the placing of loads, and the placing itself, which ends when nobody can send any more or with the first fault.
pub(super) fn placing(place: Arc<dyn Place>) -> (mpsc::Sender<Load>, impl Future<Output = Result<(), Fault>>) {
    let (sender, mut receiver) = mpsc::channel::<Load>(WAITING);
    let work = async move {
        while let Some(load) = receiver.recv().await {
            let place = Arc::clone(&place);
            blocking(move || place_all(&*place, load.parcels)).await?;
        }
        Ok(())
    };
    (sender, work)
}

fn place_all(place: &dyn Place, parcels: Vec<Parcel>) -> Result<(), Fault> {
    let (mut received, mut arrived, mut fetched, mut held, mut claims) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Parcel { file, content, claim, shown } in parcels {
        claims.push((file.size, place.file_path(&file), claim, shown));
        match content {
            Content::Held => held.push(file),
            Content::Partial => fetched.push(file),
            Content::Received(content) => {
                received.push(content);
                arrived.push(file);
            }
        }
    }
    let synced = Received::sync_all(&received)?;
    let arrived = arrived.iter().zip(&synced).map(|(file, synced)| Ready { file, written: Some(synced) });
    place.place(&arrived.chain(fetched.iter().map(Ready::from)).collect::<Vec<_>>())?;
    place.link(&held.iter().collect::<Vec<_>>())?;
    for (size, path, claim, shown) in claims {
        if let Some(mut claim) = claim {
            claim.turn.pass_on(path);
        }
        shown.placed(size);
    }
    Ok(())
}
