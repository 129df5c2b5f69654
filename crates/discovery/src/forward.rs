//! A reverse proxy to a named service: picks an instance, streams the request there and the answer back.

mod body;
mod call;
mod headers;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    http::{
        StatusCode, Uri,
        request::Parts,
        uri::{PathAndQuery, Scheme},
    },
    response::Response,
};
use chassis::Problem;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tracing::warn;

use crate::{Directory, Instance};
pub use call::CallError;

use body::{IdleLimit, Resendable};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a service may take to the first byte of its answer: a little less than our own server gives the whole
/// request, so that the caller learns which service was slow.
const HEAD_TIMEOUT: Duration = Duration::from_secs(29);
/// How long an answer's body may pause. Streams of events are silent for a long time; a vanished peer is for ever.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// How long an unused connection is kept: shorter than any of the services keeps it.
const POOL_TIMEOUT: Duration = Duration::from_secs(20);
const POOLED: usize = 64;

/// Sends requests to instances of named services. Connections are pooled.
#[derive(Clone, Debug)]
pub struct Forwarder {
    directory: Arc<Directory>,
    client: Client<HttpConnector, Resendable>,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no instance of {0} is registered")]
    NoInstance(String),
    #[error("no instance of {0} accepts connections")]
    Refused(String),
    #[error("{0} did not answer within {HEAD_TIMEOUT:?}")]
    Slow(String),
    #[error("the caller of {0} did not send the whole request within {HEAD_TIMEOUT:?}")]
    Unsent(String),
    #[error("{0} broke the connection off before it answered")]
    Broken(String, #[source] hyper_util::client::legacy::Error),
    #[error("{0} is registered with an address that cannot be called")]
    Address(String, #[source] axum::http::Error),
}

impl Forwarder {
    /// A forwarder to the services of a directory.
    pub fn new(directory: Arc<Directory>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_TIMEOUT)
            .pool_max_idle_per_host(POOLED)
            .build(connector);
        Forwarder { directory, client }
    }

    /// The directory that names are looked up in.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Forwards a request, whose URI is already the path and query for the service, and streams the answer back.
    ///
    /// Headers that belong to one connection are taken off on both sides (RFC 9110 §7.6.1); `Forwarded` and
    /// `X-Forwarded-*` are added, with `prefix` as the part of the path that the caller used and the service does not
    /// see (contract §5.1). `Authorization` stays as it is. `Cookie` and `X-XSRF-TOKEN` are taken off, unlike in the
    /// original: they are the caller's business with us (contract §10, number 42).
    ///
    /// A connection that is refused is tried once more with another instance, as long as nobody has read from the body.
    ///
    /// # Errors
    /// 503 without an instance that accepts connections, 504 for a service that does not answer, 502 for one that
    /// answers nonsense or breaks off, 408 for a caller who does not send the rest of the request.
    pub async fn forward(
        &self,
        app: &str,
        request: Request,
        prefix: &str,
    ) -> Result<Response, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller =
            parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| *address);
        headers::forwarded(&mut parts.headers, caller, prefix);
        headers::for_the_service(&mut parts.headers);
        let answer = self.send(app, parts, body).await.map_err(|failure| failure.problem())?;
        let (mut parts, body) = answer.into_parts();
        headers::drop_hop_by_hop(&mut parts.headers);
        Ok(Response::from_parts(parts, Body::new(IdleLimit::new(body, IDLE_TIMEOUT))))
    }

    /// Sends a request to the next instance, and, where that accepts no connection, to the one after.
    async fn send(
        &self,
        app: &str,
        parts: Parts,
        body: Body,
    ) -> Result<Response<Incoming>, Failure> {
        let name = app.to_uppercase();
        let path =
            parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let body = Resendable::new(body);
        for last in [false, true] {
            let Some(instance) = self.directory.pick(app).await else {
                return Err(if last { Failure::Refused(name) } else { Failure::NoInstance(name) });
            };
            let uri = address(&instance, path.clone())
                .map_err(|error| Failure::Address(name.clone(), error))?;
            let mut request =
                Request::builder().method(parts.method.clone()).uri(uri).body(body.clone());
            if let Ok(request) = &mut request {
                *request.headers_mut() = parts.headers.clone();
            }
            let request = request.map_err(|error| Failure::Address(name.clone(), error))?;
            match tokio::time::timeout(HEAD_TIMEOUT, self.client.request(request)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) if error.is_connect() => {
                    self.directory.failed(&instance);
                    if last || body.is_started() {
                        return Err(Failure::Refused(name));
                    }
                }
                Ok(Err(error)) => return Err(Failure::Broken(name, error)),
                Err(_) if body.waits_for_caller() => return Err(Failure::Unsent(name)),
                Err(_) => return Err(Failure::Slow(name)),
            }
        }
        Err(Failure::Refused(name))
    }
}

impl Failure {
    /// What the caller is told. The texts for a missing instance are the original's.
    fn problem(self) -> Problem {
        let problem = match &self {
            Failure::NoInstance(app) => {
                let detail =
                    format!("503 SERVICE_UNAVAILABLE \"Unable to find instance for {app}\"");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            }
            Failure::Refused(app) => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{app} accepts no connections; try again in a few seconds"),
            ),
            Failure::Slow(app) => {
                Problem::new(StatusCode::GATEWAY_TIMEOUT, format!("{app} did not answer in time"))
            }
            Failure::Unsent(_) => Problem::late(),
            Failure::Broken(app, _) => {
                Problem::new(StatusCode::BAD_GATEWAY, format!("{app} broke off before it answered"))
            }
            Failure::Address(app, _) => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{app} is registered with an address that cannot be called"),
            ),
        };
        warn!("cannot forward: {:#}", anyhow::Error::new(self));
        problem
    }
}

/// The absolute URI of a path at an instance.
fn address(instance: &Instance, path: PathAndQuery) -> Result<Uri, axum::http::Error> {
    let authority = instance.authority().unwrap_or_default();
    Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path).build()
}
