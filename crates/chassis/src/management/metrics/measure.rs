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
        let Observed { requests, recent, outside } = &*self.observed;
        requests.record(route, &self.method, status.as_u16(), took);
        recent.record(outside.now(), (&self.method, self.uri.path()), status.as_u16(), took);
    }
}
