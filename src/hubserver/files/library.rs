//! The folder that a Hub serves, as its routes see it: asked without blocking, read once, and read again when it grows old.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::Mutex;

use super::catalog::{Catalog, Repo};
use super::digests::Digests;
use super::history::History;
use super::snapshot::StoredFile;
use super::walk::{self, Stamp};
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

/// The largest file that is read when it is opened, in bytes: it costs less than another way to the thread that reads.
const READ_AT_ONCE: u64 = 128 << 10;

/// A file that is open for reading.
pub struct OpenFile {
    /// The file.
    pub file: File,
    /// All of its content, where that is little.
    pub content: Option<Bytes>,
}

impl OpenFile {
    /// Opens a file, unless it changed since it had this stamp. Blocks.
    fn of(root: &Path, path: &Path, stamp: &Stamp) -> io::Result<Option<Self>> {
        let (mut file, found) = walk::open(root, path)?;
        if found != *stamp {
            return Ok(None);
        }
        let mut content = Vec::new();
        if found.size <= READ_AT_ONCE {
            file.read_to_end(&mut content)?;
        }
        let content = (content.len() as u64 == found.size).then(|| content.into());
        Ok(Some(Self { file, content }))
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

    /// A repository's commits. The first request waits until every file is hashed.
    pub async fn history(&self, repo: &Repo) -> Result<Arc<History>, Fault> {
        let (root, folder, digests) = (self.root.clone(), repo.folder.clone(), Arc::clone(&self.digests));
        let (facts, changed) = (repo.facts.clone(), repo.last_modified);
        repo.history.get(move |_| History::read(&root, &folder, &facts, changed, &digests)).await
    }

    /// Opens a file of a commit. A file that changed since the commit was taken is refused, and the next request sees a new commit.
    pub async fn open_file(&self, repo: &Repo, file: &StoredFile) -> Result<OpenFile, Fault> {
        let (root, path, stamp) = (self.root.clone(), file.place.clone(), file.stamp);
        let opened = off_thread(move || {
            let shown = path.display();
            OpenFile::of(&root, &path, &stamp).map_err(|error| Fault::disk(format!("open {shown}"), error))
        });
        if let Ok(Some(opened)) = opened.await {
            return Ok(opened);
        }
        repo.history.forget().await;
        Err(Fault::new(FaultKind::Unavailable, format!("{} changed while it was served", file.path)))
    }

    /// The paths of a repository's files, in order, without reading the files.
    pub async fn paths(&self, repo: &Repo) -> Result<Vec<String>, Fault> {
        let (root, folder) = (self.root.clone(), repo.folder.clone());
        off_thread(move || Ok(walk::files(&root, &folder)?.into_iter().map(|(path, _)| path).collect())).await
    }

    /// The content of a small file of a commit; `None` where it is larger than `limit` bytes or cannot be read.
    pub async fn read_file(&self, repo: &Repo, file: &StoredFile, limit: u64) -> Option<Vec<u8>> {
        let OpenFile { mut file, content } = if file.stamp.size <= limit { self.open_file(repo, file).await.ok()? } else { return None };
        if let Some(content) = content {
            return Some(content.into());
        }
        let read = off_thread(move || {
            let mut content = Vec::new();
            file.read_to_end(&mut content).map_err(|error| Fault::disk("read a small file", error))?;
            Ok(content)
        });
        read.await.ok()
    }
}
