//! The HTTP server: bounded in every direction, drained on stop.

mod impatient;

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, FromRequest, Request},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::{Problem, Stop, problem};
use impatient::Impatient;

/// Who is calling, in the extensions of a request that came with a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerName(pub String);

/// The largest request body that is read, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// How long a request may take from its last header to its answer's first byte.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a caller may take to send the body of a request: less than the request may take, so that the answer says why.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a caller may take to send the headers of a request, idle time between two requests included.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests in flight may take to finish once the server stops: a little less than `run` gives the first stage.
const DRAIN: Duration = Duration::from_millis(1900);
/// How many connections one listener serves at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 4096;
/// How long to wait before accepting again when that failed; out of file handles, for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Reads a request's body of at most [`BODY_LIMIT`] bytes.
///
/// # Errors
/// 413 when there is more, 408 when it takes longer than 20 s, 400 when the connection breaks.
pub async fn body(body: Body) -> Result<Bytes, Problem> {
    let read = timeout(BODY_TIMEOUT, Limited::new(body, BODY_LIMIT).collect());
    match read.await.map_err(|_| Problem::late())? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(BODY_LIMIT)),
        Err(_) => Err(Problem::bad_request("The request body ended early")),
    }
}

/// axum's `Form`, which refuses in plain text, with problems instead.
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = timeout(BODY_TIMEOUT, axum::Form::from_request(request, state));
        match read.await.map_err(|_| Problem::late())? {
            Ok(axum::Form(form)) => Ok(Form(form)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::too_large(BODY_LIMIT))
            }
            Err(rejection) => Err(Problem::new(rejection.status(), rejection.body_text())),
        }
    }
}

/// Adds what every service answers alike: problems, limits, the headers of contract §2.4.
pub(crate) fn finished(router: Router) -> Router {
    router
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|request: Request| async move {
            Problem::method_not_allowed(request.method().as_str())
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(guard))
        .layer(middleware::from_fn(problem::render))
        .layer(middleware::from_fn(secure))
}

/// Refuses paths that are no text and bodies that announce themselves as too large, cuts off what takes too long,
/// survives a panic.
async fn guard(request: Request, next: Next) -> Response {
    // Every route takes its path apart as text, and axum itself would not answer with a problem.
    if percent_decode_str(request.uri().path()).decode_utf8().is_err() {
        return Problem::bad_request("The path is not UTF-8").into_response();
    }
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > BODY_LIMIT) {
        let mut response = Problem::too_large(BODY_LIMIT).into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    let answered = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind();
    match timeout(REQUEST_TIMEOUT, answered).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::internal(anyhow::anyhow!("the handler panicked")).into_response(),
        Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The request took too long")
            .into_response(),
    }
}

/// Adds the security headers that Spring Security sends, where the handler did not set its own.
async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::EXPIRES, "0"),
        (header::CACHE_CONTROL, "no-cache, no-store, max-age=0, must-revalidate"),
        (header::X_XSS_PROTECTION, "1; mode=block"),
        (header::PRAGMA, "no-cache"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Accepts connections until `stop`, then lets the requests in flight finish.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: Stop) -> anyhow::Result<()> {
    serve_at_most(CONNECTIONS, listener, router, stop).await
}

async fn serve_at_most(
    limit: usize,
    listener: TcpListener,
    router: Router,
    stop: Stop,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("read the listener's address")?;
    let router = finished(router);
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
        let connection = draining.watch(connection(stream, caller, router.clone()));
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
    router: Router,
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
    let service = router.map_request(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(caller));
        request
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(Impatient::new(stream)), TowerToHyperService::new(service))
}

#[cfg(test)]
mod tests;
