//! Work that waits for the disk or computes for long, kept off the threads that must not wait.

use crate::desk::Fault;

/// Runs work that waits for the disk or computes for long on a thread that may wait. A panic in it becomes a fault.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    let result = tokio::task::spawn_blocking(work).await;
    result.unwrap_or_else(|error| Err(Fault::internal(format!("a task ended: {error}"))))
}
