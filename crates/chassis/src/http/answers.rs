//! What every answer has, whoever made it: limits, problems, the headers of contract §2.4.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::Body,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, future::Either};
use percent_encoding::percent_decode_str;
use tokio::time::timeout;
use tower::{Service, ServiceExt};

use super::{
    BODY_LIMIT, accept, gzip,
    spring::{self, Nowhere},
};
use crate::{Outside, Problem, problem};

/// How long a request may take from its last header to its answer's first byte.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The security headers that Spring Security sends.
const SECURITY: [(header::HeaderName, &str); 6] = [
    (header::EXPIRES, "0"),
    (header::CACHE_CONTROL, "no-cache, no-store, max-age=0, must-revalidate"),
    (header::X_XSS_PROTECTION, "1; mode=block"),
    (header::PRAGMA, "no-cache"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// How a service answers where none of its handlers does.
#[derive(Clone, Debug, Default)]
pub enum Answers {
    /// With problems alone.
    #[default]
    Problems,
    /// As Spring's servlet services do (contract §2.3, §2.4): unknown paths, `OPTIONS`, `Allow`, `Vary`, gzip. A path
    /// means the same with and without a slash at its end: routes are written without.
    Spring(Outside),
}

/// Answers as if the path did not exist, for a handler that is there for some callers only. Needs [`Answers::Spring`];
/// without it the answer is an empty 404.
pub fn nowhere() -> Response {
    (StatusCode::NOT_FOUND, Extension(Nowhere)).into_response()
}

/// Something that is put around all routes of a service.
pub(crate) type Around = Box<dyn FnOnce(Router) -> Router + Send>;

/// Answers a request from its head alone, or leaves it to the routes.
pub(crate) type Shortcut = Box<dyn Fn(&Request) -> Option<Response> + Send + Sync>;

/// Makes of a service's routes what is served.
pub(crate) fn finished(
    router: Router,
    around: Vec<Around>,
    answers: Answers,
    shortcut: Option<Shortcut>,
) -> Finished {
    let router = match answers {
        Answers::Problems => router.fallback(|| async { Problem::not_found() }),
        Answers::Spring(_) => router.fallback(|| async { nowhere() }),
    };
    let router = router.method_not_allowed_fallback(|request: Request| async move {
        Problem::method_not_allowed(request.method().as_str())
    });
    let inside = around.into_iter().fold(router, |router, wrap| wrap(router));
    let routes = inside.layer(DefaultBodyLimit::max(BODY_LIMIT));
    Finished { routes, rules: Arc::new(Rules { answers, shortcut }) }
}

/// What is served: a service's routes, and around them what every request may hold and every answer has. It sees a
/// request before it is routed, and an answer with its `Allow`, which the router adds last.
#[derive(Clone)]
pub(crate) struct Finished {
    routes: Router,
    rules: Arc<Rules>,
}

/// An answer: at once, or when the routes have made it.
pub(crate) type Answer = Either<
    Ready<Result<Response, Infallible>>,
    Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>,
>;

struct Rules {
    answers: Answers,
    shortcut: Option<Shortcut>,
}

impl Service<Request> for Finished {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.answer(request)
    }
}

impl Finished {
    /// What [`Service::call`] does, for who has it shared.
    pub(crate) fn answer(&self, mut request: Request) -> Answer {
        if let Some(response) = self.rules.by_head(&request) {
            let asked = Asked { method: request.method(), uri: request.uri(), prefers_page: false };
            return Either::Left(ready(Ok(self.rules.complete(asked, response))));
        }
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let prefers_page = accept::prefers_page(request.headers());
        if matches!(self.rules.answers, Answers::Spring(_)) {
            spring::strip_last_slash(&mut request);
        }
        let (routes, rules) = (self.routes.clone(), self.rules.clone());
        Either::Right(Box::pin(async move {
            let response = rules.by_routes(request, routes).await;
            let asked = Asked { method: &method, uri: &uri, prefers_page };
            Ok(rules.complete(asked, response))
        }))
    }
}

impl Rules {
    /// Refuses what no route may see, and answers what needs none.
    fn by_head(&self, request: &Request) -> Option<Response> {
        if let Some(refusal) = refusal(request) {
            return Some(refusal);
        }
        if matches!(self.answers, Answers::Spring(_))
            && let Some(problem) = spring::refusal(request.uri().path())
        {
            return Some(problem.into_response());
        }
        let shortcut = self.shortcut.as_ref()?;
        catch_unwind(AssertUnwindSafe(|| shortcut(request))).unwrap_or_else(|_| Some(panicked()))
    }

    async fn by_routes(&self, request: Request, routes: Router) -> Response {
        let is_spring = matches!(self.answers, Answers::Spring(_));
        let gzip = is_spring && accept::takes_gzip(request.headers());
        in_time(async {
            let Ok(response) = routes.oneshot(request).await;
            if gzip { gzip::compressed(response).await } else { response }
        })
        .await
    }

    /// Gives an answer what every answer has.
    fn complete(&self, asked: Asked<'_>, mut response: Response) -> Response {
        if let Answers::Spring(outside) = &self.answers {
            spring::shape(asked, outside, &mut response);
        }
        problem::render(asked.method, asked.uri.path(), &mut response);
        // Room for these and for what is around, at once.
        response.headers_mut().reserve(2 * SECURITY.len());
        for (name, value) in SECURITY {
            response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
        }
        if matches!(self.answers, Answers::Spring(_)) {
            spring::label(asked, &mut response);
        }
        response
    }
}

/// What of a request is needed once it has been answered.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) prefers_page: bool,
}

/// Refuses paths that are no text and bodies that announce themselves as too large.
fn refusal(request: &Request) -> Option<Response> {
    // Every route takes its path apart as text, and axum itself would not answer with a problem.
    if percent_decode_str(request.uri().path()).decode_utf8().is_err() {
        return Some(Problem::bad_request("The path is not UTF-8").into_response());
    }
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > BODY_LIMIT) {
        let problem = Problem::too_large(BODY_LIMIT).with_header(header::CONNECTION, "close");
        return Some(problem.into_response());
    }
    None
}

/// Cuts off what takes too long, survives a panic.
async fn in_time(answered: impl Future<Output = Response>) -> Response {
    match timeout(REQUEST_TIMEOUT, AssertUnwindSafe(answered).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => panicked(),
        Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The request took too long")
            .into_response(),
    }
}

fn panicked() -> Response {
    Problem::internal(anyhow::anyhow!("the handler panicked")).into_response()
}

/// Gives an answer another body.
pub(crate) fn with_body(response: &mut Response, content_type: &'static str, body: String) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
}
