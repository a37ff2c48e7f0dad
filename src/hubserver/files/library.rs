//! The folder that a Hub serves, as its routes see it: asked without blocking, read once, and read again when it grows old.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::catalog::{Catalog, Repo};
use super::digests::Digests;
use super::snapshot::{Snapshot, StoredFile};
use super::walk;
use crate::desk::{Fault, FaultKind};

/// How long what was read counts as true. Reading again is cheap: only changed files are hashed.
const FRESH: Duration = Duration::from_secs(10);

/// A value that was read from the disk, and when. One reader at a time fills it while the others wait.
pub struct Shelf<T>(Arc<Mutex<Option<Held<T>>>>);

type Held<T> = (Instant, Arc<T>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + Sync + 'static> Shelf<T> {
    /// The value, read by `read` from the one before it unless it is fresh. Reading goes on even if nobody waits for it any more,
    /// so that clients which give up and come back do not start it again and again.
    async fn get(&self, read: impl FnOnce(Option<Arc<T>>) -> Result<T, Fault> + Send + 'static) -> Result<Arc<T>, Fault> {
        let mut held = Arc::clone(&self.0).lock_owned().await;
        if let Some((since, value)) = held.as_ref()
            && since.elapsed() < FRESH
        {
            return Ok(Arc::clone(value));
        }
        off_thread(move || {
            let value = Arc::new(read(held.take().map(|(_, value)| value))?);
            *held = Some((Instant::now(), Arc::clone(&value)));
            Ok(value)
        })
        .await
    }

    async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Fault::internal("reading the served folder did not end").because(error)),
    }
}

/// A root folder: its repositories, their commits and their files.
pub struct Library {
    root: PathBuf,
    digests: Arc<Digests>,
    catalog: Shelf<Catalog>,
}

impl Library {
    /// Opens a root folder, which must exist. Blocks for one small file.
    pub fn open(root: &Path) -> Result<Self, Fault> {
        let found = root.canonicalize().and_then(|root| root.read_dir().map(|_| root));
        let root = found.map_err(|error| Fault::disk(format!("serve the folder {}", root.display()), error))?;
        Ok(Self { digests: Arc::new(Digests::load(&root)), root, catalog: Shelf::default() })
    }

    /// The repositories.
    pub async fn catalog(&self) -> Result<Arc<Catalog>, Fault> {
        let root = self.root.clone();
        self.catalog.get(move |before| Catalog::scan(&root, &before.unwrap_or_default())).await
    }

    /// A repository's commit. The first request waits until every file is hashed.
    pub async fn commit(&self, repo: &Repo) -> Result<Arc<Snapshot>, Fault> {
        let (root, folder, digests) = (self.root.clone(), repo.folder.clone(), Arc::clone(&self.digests));
        repo.commit.get(move |_| Snapshot::take(&root, &folder, &digests)).await
    }

    /// Opens a file of a commit. A file that changed since the commit was taken is refused, and the next request sees a new commit.
    pub async fn open_file(&self, repo: &Repo, file: &StoredFile) -> Result<File, Fault> {
        let (root, path) = (self.root.clone(), repo.folder.join(&file.path));
        let shown = path.display().to_string();
        let opened = off_thread(move || walk::open(&root, &path).map_err(|error| Fault::disk(format!("open {shown}"), error))).await;
        match opened {
            Ok((opened, stamp)) if stamp == file.stamp => Ok(opened),
            _ => {
                repo.commit.forget().await;
                Err(Fault::new(FaultKind::Unavailable, format!("{} changed while it was served", file.path)))
            }
        }
    }

    /// The paths of a repository's files, in order, without reading the files.
    pub async fn paths(&self, repo: &Repo) -> Result<Vec<String>, Fault> {
        let (root, folder) = (self.root.clone(), repo.folder.clone());
        off_thread(move || Ok(walk::files(&root, &folder)?.into_iter().map(|(path, _)| path).collect())).await
    }

    /// The content of a small file of a commit; `None` where it is larger than `limit` bytes or cannot be read.
    pub async fn read_file(&self, repo: &Repo, file: &StoredFile, limit: u64) -> Option<Vec<u8>> {
        let mut opened = if file.stamp.size <= limit { self.open_file(repo, file).await.ok()? } else { return None };
        let read = off_thread(move || {
            let mut content = Vec::new();
            opened.read_to_end(&mut content).map_err(|error| Fault::disk("read a small file", error))?;
            Ok(content)
        });
        read.await.ok()
    }
}
