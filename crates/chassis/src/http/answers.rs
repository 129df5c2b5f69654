//! What every answer has, whoever made it: limits, problems, the headers of contract §2.4.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use percent_encoding::percent_decode_str;
use tokio::time::timeout;

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

/// Makes of a service's routes what is served.
pub(crate) fn finished(router: Router, around: Vec<Around>, answers: Answers) -> Router {
    let router = match answers {
        Answers::Problems => router.fallback(|| async { Problem::not_found() }),
        Answers::Spring(_) => router.fallback(|| async { nowhere() }),
    };
    let router = router.method_not_allowed_fallback(|request: Request| async move {
        Problem::method_not_allowed(request.method().as_str())
    });
    let inside = around.into_iter().fold(router, |router, wrap| wrap(router));
    // In a router of its own: `answer` sees a request before it is routed, and an answer with its `Allow`, which the
    // router inside adds last.
    Router::new()
        .fallback_service(inside.layer(DefaultBodyLimit::max(BODY_LIMIT)))
        .layer(middleware::from_fn_with_state(answers, answer))
}

/// What of a request is needed once it has been answered.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) prefers_page: bool,
}

async fn answer(State(answers): State<Answers>, request: Request, next: Next) -> Response {
    let asked = Asked {
        method: request.method().clone(),
        uri: request.uri().clone(),
        prefers_page: accept::prefers_page(request.headers()),
    };
    let mut response = match (refusal(&request), &answers) {
        (Some(refusal), _) => refusal,
        (None, Answers::Problems) => in_time(next.run(request)).await,
        (None, Answers::Spring(outside)) => {
            let mut response = as_spring(request, next).await;
            spring::shape(&asked, outside, &mut response);
            response
        }
    };
    problem::render(&asked.method, asked.uri.path(), &mut response);
    for (name, value) in SECURITY {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    if matches!(answers, Answers::Spring(_)) {
        spring::label(&asked, &mut response);
    }
    response
}

async fn as_spring(mut request: Request, next: Next) -> Response {
    if let Some(problem) = spring::refusal(request.uri().path()) {
        return problem.into_response();
    }
    spring::strip_last_slash(&mut request);
    let gzip = accept::takes_gzip(request.headers());
    let answered = async {
        let response = next.run(request).await;
        if gzip { gzip::compressed(response).await } else { response }
    };
    in_time(answered).await
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
        Ok(Err(_)) => Problem::internal(anyhow::anyhow!("the handler panicked")).into_response(),
        Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The request took too long")
            .into_response(),
    }
}

/// Gives an answer another body.
pub(crate) fn with_body(response: &mut Response, content_type: &'static str, body: String) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
}
