//! Connections: accepted up to a number, bounded in time, drained on stop.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tower::ServiceExt;
use tracing::{debug, warn};

use super::{Finished, impatient::Impatient};
use crate::Stop;

/// How long a caller may take to send the headers of a request, idle time between two requests included.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of a request's headers is read.
const HEADER_LIMIT: usize = 64 * 1024;
/// How long requests in flight may take to finish once the server stops: a little less than `run` gives the first stage.
const DRAIN: Duration = Duration::from_millis(1900);
/// How many connections one listener serves at a time; more wait in the kernel's queue. Each of ten thousand clients of a
/// registry keeps one.
const CONNECTIONS: usize = 16_384;
/// How long to wait before accepting again when that failed; out of file handles, for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until `stop`, then lets the requests in flight finish.
pub(crate) async fn serve(
    listener: TcpListener,
    finished: Finished,
    stop: Stop,
) -> anyhow::Result<()> {
    serve_at_most(CONNECTIONS, listener, finished, stop).await
}

async fn serve_at_most(
    limit: usize,
    listener: TcpListener,
    finished: Finished,
    stop: Stop,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("read the listener's address")?;
    let draining = GracefulShutdown::new();
    let mut complaints = OncePerSecond::default();
    // Whoever is left when this is dropped is cut off.
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept(), if connections.len() < limit => accepted,
        };
        let (stream, caller) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if complaints.due() {
                    warn!("accept on {address}: {error}");
                }
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = draining.watch(connection(stream, caller, finished.clone()));
        connections.spawn(async move {
            if let Err(error) = connection.await {
                debug!("connection on {address}: {error}");
            }
        });
    }
    drop(listener);
    if timeout(DRAIN, draining.shutdown()).await.is_err() {
        warn!("requests on {address} did not finish within {DRAIN:?} and were cut off");
    }
    Ok(())
}

/// Lets through what would be said again and again.
#[derive(Default)]
struct OncePerSecond(Option<Instant>);

impl OncePerSecond {
    fn due(&mut self) -> bool {
        let due = self.0.is_none_or(|last| last.elapsed() >= Duration::from_secs(1));
        if due {
            self.0 = Some(Instant::now());
        }
        due
    }
}

/// Serves one connection; handlers find the caller's address in the extension [`ConnectInfo`].
fn connection(
    stream: TcpStream,
    caller: SocketAddr,
    finished: Finished,
) -> hyper::server::conn::http1::Connection<
    TokioIo<Impatient<TcpStream>>,
    TowerToHyperService<
        impl tower::Service<
            Request<hyper::body::Incoming>,
            Response = Response,
            Error = Infallible,
            Future: Send,
        > + Clone,
    >,
> {
    // Without this, the answer to a small request can wait 40 ms for the caller's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        debug!("set nodelay: {error}");
    }
    let service = finished.map_request(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(caller));
        request
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_LIMIT)
        .serve_connection(TokioIo::new(Impatient::new(stream)), TowerToHyperService::new(service))
}

#[cfg(test)]
mod tests;
