//! A listener: bounded connections, and an end in order.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::reply::Response;
use crate::desk::{Fault, FaultKind};

/// Connections served at once; more wait in the system's queue.
const MOST_CONNECTIONS: usize = 1024;

/// How long a client may take to send a request's head, which also ends idle connections.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long running answers get to finish when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// Listens on an address; port 0 takes any free port.
pub async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Fault> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound.await.map_err(|error: std::io::Error| {
        let kind = if error.kind() == std::io::ErrorKind::AddrInUse { FaultKind::Busy } else { FaultKind::Network };
        let fault = Fault::new(kind, format!("cannot listen on {address}: {error}")).because(error);
        fault.hint("choose another address or port, or port 0 for any free one")
    })
}

/// Serves a listener until `stopping`, then lets running answers finish for a moment and ends the rest.
pub async fn serve<A, F>(listener: TcpListener, stopping: CancellationToken, answer: A)
where
    A: Fn(Request<Body>, IpAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, from)) => drop(connections.spawn(converse(stream, from.ip(), stopping.clone(), answer.clone()))),
                // Out of descriptors, most likely: waiting lets some connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    // What has not finished by then is aborted when the set is dropped.
    let _ = tokio::time::timeout(GRACE, finished).await;
}

async fn converse<A, F>(stream: TcpStream, from: IpAddr, stopping: CancellationToken, answer: A)
where
    A: Fn(Request<Body>, IpAddr) -> F,
    F: Future<Output = Response>,
{
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<hyper::body::Incoming>| {
        let answered = answer(request.map(Body::new), from);
        async { Ok::<_, std::convert::Infallible>(answered.await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
