//! Measures every request of a service, also those that end in a panic or that were cut off.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, OriginalUri, Request, State},
    http::{Method, StatusCode, Uri},
    middleware::Next,
    response::Response,
};
use tokio::time::{Duration, Instant};

use super::{recent::Recent, requests::Requests};
use crate::Outside;

/// The route of what has none, as the Java services name it.
const NO_ROUTE: &str = "/**";
/// From when on a request that nobody waits for any more was cut off by us and not given up by its caller.
const CUT_OFF: Duration = Duration::from_secs(29);

/// What was seen of a service's requests.
pub(crate) struct Observed {
    pub(crate) requests: Requests,
    pub(crate) recent: Recent,
    pub(crate) outside: Outside,
}

impl Observed {
    pub(crate) fn new(outside: Outside) -> Self {
        Observed { requests: Requests::default(), recent: Recent::default(), outside }
    }

    fn record(
        &self,
        route: &str,
        (method, path): (&Method, &str),
        status: StatusCode,
        took: Duration,
    ) {
        self.requests.record(route, method, status.as_u16(), took);
        self.recent.record(self.outside.now(), (method, path), status.as_u16(), took);
    }
}

/// The middleware. Belongs outside of everything that answers, and inside of the router that knows the routes.
pub(crate) async fn measure(
    State(observed): State<Arc<Observed>>,
    request: Request,
    next: Next,
) -> Response {
    let extensions = request.extensions();
    let mut running = Running {
        observed,
        route: extensions.get::<MatchedPath>().cloned(),
        method: request.method().clone(),
        uri: extensions
            .get::<OriginalUri>()
            .map_or_else(|| request.uri().clone(), |uri| uri.0.clone()),
        begun: Instant::now(),
        status: None,
    };
    let response = next.run(request).await;
    running.status = Some(response.status());
    response
}

/// A [shortcut](crate::Service::shortcut) whose answers are measured like those of the route that it spares.
pub(crate) fn measuring(
    observed: Arc<Observed>,
    route: &'static str,
    shortcut: impl Fn(&Request) -> Option<Response>,
) -> impl Fn(&Request) -> Option<Response> {
    move |request| {
        let begun = Instant::now();
        let response = shortcut(request)?;
        let asked = (request.method(), request.uri().path());
        observed.record(route, asked, response.status(), begun.elapsed());
        Some(response)
    }
}

/// A request that is being answered; counted when it is no more, however that came.
struct Running {
    observed: Arc<Observed>,
    route: Option<MatchedPath>,
    method: Method,
    uri: Uri,
    begun: Instant,
    status: Option<StatusCode>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        let status = match self.status {
            Some(status) => status,
            None if std::thread::panicking() => StatusCode::INTERNAL_SERVER_ERROR,
            None if took >= CUT_OFF => StatusCode::SERVICE_UNAVAILABLE,
            // The caller has gone away.
            None => return,
        };
        let route = self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
        self.observed.record(route, (&self.method, self.uri.path()), status, took);
    }
}
