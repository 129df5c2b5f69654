//! What a caller is told when a request fails: one shape, made in one place.
//!
//! Bodies are `application/problem+json` with the members that the Java services send
//! (contract §2.3), in the same order.

mod body;

use std::sync::Arc;

use axum::{
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use crate::http::with_body;
use body::Body;
pub use body::FieldError;

/// A failed request: what the caller may see, and, apart from it, what the log must see.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    body: Body,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Arc<anyhow::Error>>,
}

/// An HTML page in the extensions of a problem's answer: it is sent instead of the JSON body, for a caller who is
/// a person. Status, headers and the log line stay those of the problem.
#[derive(Debug, Clone)]
pub struct Page(pub String);

impl Problem {
    /// A problem with a status and a sentence for the caller.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem {
            status,
            body: Body::Generic { title: None, detail: detail.into() },
            headers: Vec::new(),
            cause: None,
        }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401 with the sentence that the Java services use.
    pub fn unauthorized() -> Self {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "Full authentication is required to access this resource",
        )
    }

    /// 401 for a bearer token that is there but not good: no body, the reason in `WWW-Authenticate` (RFC 6750 §3.1).
    pub fn invalid_token(description: &str) -> Self {
        let description: String = description
            .chars()
            .map(|c| if c == '"' || c == '\\' || !(' '..='~').contains(&c) { '_' } else { c })
            .collect();
        let challenge = format!(
            "Bearer error=\"invalid_token\", error_description=\"{description}\", error_uri=\"https://tools.ietf.org/html/rfc6750#section-3.1\""
        );
        let problem = Problem {
            status: StatusCode::UNAUTHORIZED,
            body: Body::Empty,
            headers: Vec::new(),
            cause: None,
        };
        problem.with_header(header::WWW_AUTHENTICATE, &challenge)
    }

    /// 403 with the sentence that the Java services use.
    pub fn forbidden() -> Self {
        Problem::new(StatusCode::FORBIDDEN, "Access is denied")
    }

    /// 404 with the sentence that the Java services use.
    pub fn not_found() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "404 NOT_FOUND")
    }

    /// 405 for a path that exists without this method.
    pub fn method_not_allowed(method: &str) -> Self {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("Request method '{method}' not supported"),
        )
    }

    /// 408: the caller began to send a body and did not go on; the connection is of no more use.
    pub fn late() -> Self {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "The request body did not arrive in time")
            .with_header(header::CONNECTION, "close")
    }

    /// 413: more than the server takes.
    pub fn too_large(limit: usize) -> Self {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The request body is larger than {limit} bytes"),
        )
    }

    /// 500: the cause goes to the log, the caller learns only that it happened.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        let mut problem =
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Unexpected runtime exception");
        problem.cause = Some(Arc::new(cause.into()));
        problem
    }

    /// 503: something this service needs does not answer; the cause goes to the log.
    pub fn unavailable(detail: impl Into<String>, cause: impl Into<anyhow::Error>) -> Self {
        let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        problem.cause = Some(Arc::new(cause.into()));
        problem
    }

    /// 400 for fields that break a rule (contract §2.3 b).
    pub fn fields(errors: Vec<FieldError>) -> Self {
        Problem {
            status: StatusCode::BAD_REQUEST,
            body: Body::Fields(errors),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// 400 for a stored entity that would break a rule (contract §2.3 c).
    pub fn violations(errors: Vec<FieldError>) -> Self {
        Problem { body: Body::Violations(errors), ..Problem::bad_request("") }
    }

    /// 409: somebody else was faster (contract §2.3 e).
    pub fn concurrency() -> Self {
        Problem {
            status: StatusCode::CONFLICT,
            body: Body::Concurrency,
            headers: Vec::new(),
            cause: None,
        }
    }

    /// 412: the caller's `If-Match` names another version than the one that is kept.
    pub fn stale() -> Self {
        Problem { status: StatusCode::PRECONDITION_FAILED, ..Problem::concurrency() }
    }

    /// 406: none of the forms that there are is one that the caller takes.
    pub fn not_acceptable() -> Self {
        Problem::new(StatusCode::NOT_ACCEPTABLE, "Could not find acceptable representation")
    }

    /// 415: the body is of a kind that is not read here; `Accept` names those that are (RFC 7694).
    pub fn unsupported_media_type(given: &str, read: &str) -> Self {
        let detail = format!("Content type '{given}' not supported");
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).with_header(header::ACCEPT, read)
    }

    /// 422: the request is well formed, and still cannot be done.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// 400 for a request that is well formed but makes no sense (contract §2.3 d): `key` is one of
    /// `idexists`, `idnull`, `idinvalid`, `idnotfound`; `application` gives the header names.
    pub fn business(
        application: &str,
        entity: &str,
        key: &'static str,
        title: impl Into<String>,
    ) -> Self {
        let body = Body::Business { entity: entity.to_owned(), key, title: title.into() };
        let problem =
            Problem { status: StatusCode::BAD_REQUEST, body, headers: Vec::new(), cause: None };
        let header =
            |name: &str| HeaderName::try_from(format!("x-{application}-{name}").to_lowercase());
        match (header("error"), header("params")) {
            (Ok(error), Ok(params)) => {
                problem.with_header(error, &format!("error.{key}")).with_header(params, entity)
            }
            _ => problem,
        }
    }

    /// Replaces the title, which is the status's reason phrase otherwise.
    pub fn titled(mut self, text: impl Into<String>) -> Self {
        if let Body::Generic { title, .. } = &mut self.body {
            *title = Some(text.into());
        }
        self
    }

    /// Adds a header to the answer; a value that no header can carry is left out.
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence for the caller; empty when there is none.
    pub fn detail(&self) -> &str {
        match &self.body {
            Body::Generic { detail, .. } => detail,
            Body::Business { title, .. } => title,
            Body::Fields(_) | Body::Violations(_) | Body::Concurrency | Body::Empty => "",
        }
    }

    fn json(&self, path: &str) -> Option<Value> {
        self.body.json(self.status, path)
    }
}

impl IntoResponse for Problem {
    /// Leaves the body to `render`, which knows the path.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<anyhow::Error> for Problem {
    fn from(cause: anyhow::Error) -> Self {
        Problem::internal(cause)
    }
}

/// Writes the body of a problem that a handler answered, and logs its cause once. The HTTP server does so with every
/// answer.
pub(crate) fn render(method: &Method, path: &str, response: &mut Response) {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return };
    if let Some(cause) = &problem.cause {
        let status = problem.status.as_u16();
        tracing::error!(http.method = %method, http.path = %path, http.status = status, "{method} {path} failed: {cause:#}");
    }
    for (name, value) in &problem.headers {
        response.headers_mut().insert(name, value.clone());
    }
    match response.extensions_mut().remove::<Page>() {
        Some(Page(html)) => with_body(response, "text/html; charset=utf-8", html),
        None => {
            if let Some(json) = problem.json(path) {
                with_body(response, "application/problem+json", json.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests;
