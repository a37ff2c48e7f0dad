//! What the streams of one run share.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::SystemTime;

use tokio::sync::{Mutex, OwnedSemaphorePermit, SetOnce};
use tokio_util::sync::CancellationToken;

use super::pass::Pass;
use super::{XetAddress, XetFile};
use crate::desk::{Fault, FaultKind};
use crate::engine::transfer::run::{Run, interrupted};

/// One run's way to the content store.
pub struct Line {
    /// What is to be fetched.
    pub run: Arc<Run>,
    /// Set once a range has come quickly: other streams are worth their while.
    pub quick: SetOnce<()>,
    /// Cancelled when this line has had enough, or its run.
    pub over: CancellationToken,
    address: XetAddress,
    file: Mutex<Option<Arc<XetFile>>>,
    renewed: AtomicBool,
}

impl Line {
    /// A line that has not been used.
    pub fn new(run: &Arc<Run>, address: XetAddress) -> Self {
        let over = run.enough.child_token();
        Self { run: run.clone(), quick: SetOnce::new(), over, address, file: Mutex::default(), renewed: AtomicBool::new(false) }
    }

    /// The file, opened anew where its pass has come to its end. One caller opens it and the others wait.
    pub async fn file(&self) -> Result<Arc<XetFile>, Fault> {
        let mut held = self.file.lock().await;
        if let Some(file) = held.as_ref().filter(|file| file.pass.is_good(SystemTime::now())) {
            return Ok(file.clone());
        }
        let pass = Pass::ask(&self.run, &self.address).await?;
        let group = self.run.common.xet.group(&pass).await?;
        let file = Arc::new(XetFile::new(&self.address, pass, group, &self.run.name));
        *held = Some(file.clone());
        Ok(file)
    }

    /// Tells that the store refused a file's pass. A fresh one is worth a try, once until bytes come; the fault comes back otherwise.
    pub async fn refused(&self, file: &Arc<XetFile>, fault: Fault) -> Result<(), Fault> {
        let mut held = self.file.lock().await;
        if held.as_ref().is_some_and(|held| !Arc::ptr_eq(held, file)) {
            return Ok(());
        }
        *held = None;
        if self.renewed.swap(true, Relaxed) { Err(fault) } else { Ok(()) }
    }

    /// Tells that bytes came.
    pub fn worked(&self) {
        self.renewed.store(false, Relaxed);
    }

    /// Waits for room for one more stream.
    pub async fn permits(&self) -> Result<[OwnedSemaphorePermit; 2], Fault> {
        let stream = self.run.common.xet.streams.clone().acquire_owned().await;
        let stream = stream.map_err(|error| Fault::internal("the streams are gone").because(error))?;
        Ok([stream, self.run.permit().await?])
    }

    /// The future's value, or an interruption as soon as the line has had enough.
    pub async fn unless_over<T>(&self, future: impl Future<Output = T>) -> Result<T, Fault> {
        tokio::select! {
            biased;
            () = self.over.cancelled() => Err(interrupted(&self.run.name)),
            value = future => Ok(value),
        }
    }

    /// What a stream gives, or a fault when nothing comes for too long.
    pub async fn unless_stalled<T>(&self, future: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let limit = self.run.settings().stall_timeout;
        let stalled = |_| Fault::new(FaultKind::Network, format!("no byte of {} came over Xet for {}", self.run.name, seconds(limit)));
        tokio::time::timeout(limit, future).await.map_err(stalled)?
    }
}

fn seconds(time: std::time::Duration) -> String {
    format!("{} seconds", time.as_secs_f32())
}
