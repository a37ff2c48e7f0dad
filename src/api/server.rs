//! The side that has the work: routes over a desk.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::Serialize;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::boards::{Packed, Plans};
use crate::desk::{Desk, Fault, Reply};

type Shared = State<Arc<dyn Desk>>;

/// How long the end of the server waits for answers that are under way.
const PATIENCE: Duration = Duration::from_secs(1);

/// A running server. Dropping it ends it and removes the socket.
#[derive(Debug)]
pub struct Server {
    socket: PathBuf,
    stopping: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Ends the server once others have read what it told them. The desk must have been closed, so that its boards have ended.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        // Somebody who does not read in time has no claim to the rest.
        let _ = timeout(PATIENCE, &mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_file(&self.socket);
    }
}

/// Serves a desk on a Unix socket that only this user can open.
///
/// A socket that is there already is replaced: the caller holds the lock that says nobody serves it.
pub fn serve(desk: Arc<dyn Desk>, socket: &Path) -> Result<Server, Fault> {
    let refused = |error| Fault::disk(format!("listen on {}", socket.display()), error);
    let _ = fs::remove_file(socket);
    let listener = UnixListener::bind(socket).map_err(refused)?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600)).map_err(refused)?;
    let stopping = CancellationToken::new();
    let serving = axum::serve(listener, routes(desk, stopping.clone())).with_graceful_shutdown(stopping.clone().cancelled_owned());
    // The end of the server is the end of its task; there is nobody to tell.
    let task = tokio::spawn(async move { drop(serving.await) });
    Ok(Server { socket: socket.to_path_buf(), stopping, task })
}

fn routes(desk: Arc<dyn Desk>, stopping: CancellationToken) -> Router {
    // Unlike boards, notices do not end with the queue.
    let notices = move |desk: Arc<dyn Desk>| desk.notices().take_until(stopping.clone().cancelled_owned()).boxed();
    Router::new()
        .route("/desk/about", get(|State(desk): Shared| async move { Json(desk.about()) }))
        .route("/desk/search", post(|State(desk): Shared, Json((query, page))| answer(desk.search(query, page))))
        .route("/desk/analyze", post(|State(desk): Shared, Json((repo,))| async move { lines(desk.analyze_in_steps(repo)) }))
        .route("/desk/assess", post(|State(desk): Shared, Json((repo, scenario))| answer(desk.assess(repo, scenario))))
        .route("/desk/card", post(|State(desk): Shared, Json((repo,))| answer(desk.card(repo))))
        .route("/desk/revisions", post(|State(desk): Shared, Json((repo,))| answer(desk.revisions(repo))))
        .route("/desk/plan", post(|State(desk): Shared, Json((selection,))| answer(desk.plan(selection))))
        .route("/desk/enqueue", post(|State(desk): Shared, Json((plan,))| answer(desk.enqueue(plan))))
        .route("/desk/control", post(|State(desk): Shared, Json((action, target))| answer(desk.control(action, target))))
        .route("/desk/limit", post(|State(desk): Shared, Json((target, speed))| answer(desk.limit(target, speed))))
        .route("/desk/cache", post(|State(desk): Shared| async move { lines(desk.cache_in_steps()) }))
        .route("/desk/contents", post(|State(desk): Shared, Json((repo,))| answer(desk.contents(repo))))
        .route("/desk/plan_deletion", post(|State(desk): Shared, Json((targets,))| answer(desk.plan_deletion(targets))))
        .route("/desk/delete", post(|State(desk): Shared, Json((plan, disposal))| answer(desk.delete(plan, disposal))))
        .route("/desk/restore", post(|State(desk): Shared, Json((id,))| answer(desk.restore(id))))
        .route("/desk/empty_trash", post(|State(desk): Shared, Json((ids,))| answer(desk.empty_trash(ids))))
        .route("/desk/pin", post(|State(desk): Shared, Json((repo, pinned))| answer(desk.pin(repo, pinned))))
        .route("/desk/diagnose", post(|State(desk): Shared| answer(desk.diagnose())))
        .route("/desk/mend", post(|State(desk): Shared, Json((findings,))| answer(desk.mend(findings))))
        .route("/desk/plan_links", post(|State(desk): Shared, Json((request,))| answer(desk.plan_links(request))))
        .route("/desk/link", post(|State(desk): Shared, Json((plan,))| answer(desk.link(plan))))
        .route("/desk/plan_relocation", post(|State(desk): Shared, Json((repo, to))| answer(desk.plan_relocation(repo, to))))
        .route("/desk/relocate", post(|State(desk): Shared, Json((plan,))| async move { lines(desk.relocate(plan)) }))
        .route("/desk/verify", post(|State(desk): Shared, Json((targets,))| async move { lines(desk.verify(targets)) }))
        .route("/desk/repair", post(|State(desk): Shared, Json((damaged,))| answer(desk.repair(damaged))))
        .route("/desk/updates", post(|State(desk): Shared, Json((repos,))| async move { lines(desk.updates(repos)) }))
        .route("/desk/board", get(|State(desk): Shared| async move { lines(boards(&*desk)) }))
        .route("/desk/notices", get(|State(desk): Shared| async move { lines(notices(desk)) }))
        .layer(axum::extract::DefaultBodyLimit::max(super::LONGEST_MESSAGE))
        .with_state(desk)
}

/// The boards as they travel.
fn boards(desk: &dyn Desk) -> BoxStream<'static, Packed> {
    let mut plans = Plans::default();
    desk.board().map(move |board| plans.pack(&board)).boxed()
}

async fn answer<T: Serialize>(reply: Reply<T>) -> Response {
    match reply.await {
        Ok(value) => Json(value).into_response(),
        Err(fault) => (StatusCode::UNPROCESSABLE_ENTITY, Json(fault)).into_response(),
    }
}

/// One JSON document a line, as the values come.
fn lines<T: Serialize + Send + 'static>(values: BoxStream<'static, T>) -> Response {
    Body::from_stream(values.map(|value| Ok::<_, Infallible>(line(&value)))).into_response()
}

fn line(value: &impl Serialize) -> Bytes {
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    text.into()
}
