//! Waiting for a change: a client that knows what counts for it is answered when something else does.
//!
//! In the words of [`super::super::watch`]: an `ETag`, sent back in `If-None-Match` with `Prefer: wait=20`. Only for who asks
//! for values with their origins, as a client does that configures itself; people and files are answered at once.

use aws_lc_rs::digest;
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chassis::Problem;
use tokio::time::{Instant, timeout_at};

use super::{ConfigServer, routes::WITH_ORIGINS};
use crate::server::watch::wait;

/// The largest answer, in bytes; files are smaller, and bounded in number.
const LIMIT: usize = 32 * 1024 * 1024;

pub(super) async fn hold(
    State(server): State<ConfigServer>,
    request: Request,
    next: Next,
) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if request.method() != Method::GET
        || !accept.is_some_and(|accept| accept.contains(WITH_ORIGINS))
    {
        return next.run(request).await;
    }
    let (parts, _) = request.into_parts();
    let known = parts.headers.get(header::IF_NONE_MATCH).cloned();
    let end = Instant::now() + wait(&parts.headers);
    let mut changes = server.changed();
    loop {
        changes.mark_unchanged();
        let request = Request::from_parts(parts.clone(), Body::empty());
        let answer = named(next.clone().run(request).await).await;
        let tag = answer.headers().get(header::ETAG);
        if tag.is_none() || tag != known.as_ref() {
            return answer;
        }
        let moved = tokio::select! {
            () = server.inner.stopped.cancelled() => false,
            moved = timeout_at(end, changes.changed()) => matches!(moved, Ok(Ok(()))),
        };
        if !moved {
            let headers = known.map(|tag| (header::ETAG, tag)).into_iter().collect::<HeaderMap>();
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
    }
}

/// The answer with the name of its content, if it is a good one.
async fn named(answer: Response) -> Response {
    if !answer.status().is_success() {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let Ok(body) = to_bytes(body, LIMIT).await else {
        let cause = anyhow::anyhow!("the configuration is larger than {LIMIT} bytes");
        return Problem::internal(cause).into_response();
    };
    let digest = digest::digest(&digest::SHA256, &body);
    let hexadecimal: String =
        digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{hexadecimal}\"")) {
        parts.headers.insert(header::ETAG, tag);
    }
    Response::from_parts(parts, Body::from(body))
}
