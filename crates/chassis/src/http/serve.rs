//! Connections: accepted up to a number, bounded in time, drained on stop.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use anyhow::Context as _;
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, Request},
    response::Response,
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tracing::{debug, warn};

use super::{
    Finished,
    answers::Answer,
    impatient::{Answering, Impatient, Turn},
};
use crate::Stop;

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
) -> http1::Connection<TokioIo<Impatient<TcpStream>>, Connection> {
    // Without this, the answer to a small request can wait 40 ms for the caller's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        debug!("set nodelay: {error}");
    }
    let answering = Answering::default();
    let stream = Impatient::new(stream, answering.clone());
    http1::Builder::new()
        .max_buf_size(HEADER_LIMIT)
        // Whoever sends no head is given up by the stream.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), Connection { finished, caller, answering })
}

/// Answers the requests of one connection.
struct Connection {
    finished: Finished,
    caller: SocketAddr,
    answering: Answering,
}

impl hyper::service::Service<Request<Incoming>> for Connection {
    type Response = Response<Sent>;
    type Error = Infallible;
    type Future = Answered;

    fn call(&self, request: Request<Incoming>) -> Answered {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.caller));
        let answer = self.finished.answer(request);
        Answered { answer, turn: Some(self.answering.one()) }
    }
}

/// An answer that is being made.
struct Answered {
    answer: Answer,
    turn: Option<Turn>,
}

impl Future for Answered {
    type Output = Result<Response<Sent>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(Pin::new(&mut self.answer).poll(context))?;
        let turn = self.turn.take();
        Poll::Ready(Ok(response.map(|body| Sent { body, _turn: turn })))
    }
}

/// The body of an answer, which is not over before its end has been sent.
struct Sent {
    body: Body,
    _turn: Option<Turn>,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
