//! What callers are told who send what cannot be read, or not all of it, or nothing at all.

use std::io;

use axum::{
    Router,
    body::Body,
    extract::{Path, Request},
    http::header,
    routing::post,
};
use futures_util::stream;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";

async fn check(path: &str, kind: &str, body: impl Into<Body>, status: u16, detail: &str) {
    let routes = Router::new()
        .route("/{name}", post(|_: Path<String>, Form(_): Form<Vec<(String, String)>>| async {}));
    let request = Request::post(path).header(header::CONTENT_TYPE, kind);
    let request = request.body(body.into()).unwrap();
    let response =
        finished(routes, Vec::new(), Answers::Problems, None).oneshot(request).await.unwrap();
    assert_eq!(response.status(), status, "{path}");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    assert_eq!(problem["detail"], json!(detail), "{path}");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_a_problem() {
    check("/%ff", FORM, "a=b", 400, "The path is not UTF-8").await;
    let large = format!("a={}", "x".repeat(BODY_LIMIT));
    check("/x", FORM, large, 413, "The request body is larger than 1048576 bytes").await;
    let wrong = "Form requests must have `Content-Type: application/x-www-form-urlencoded`";
    check("/x", "application/json", "{}", 415, wrong).await;
}

/// The body of a caller who has sent this much and then nothing more.
fn halting(sent: &'static str) -> Body {
    let sent = stream::iter([Ok::<_, io::Error>(sent)]);
    Body::from_stream(stream::StreamExt::chain(sent, stream::pending()))
}

#[tokio::test(start_paused = true)]
async fn who_stops_in_the_middle_of_a_body_is_told_so() {
    let detail = "The request body did not arrive in time";
    check("/x", FORM, halting("a="), 408, detail).await;
    let begun = Instant::now();
    let problem = body(halting("{")).await.unwrap_err();
    assert_eq!((problem.status().as_u16(), problem.detail()), (408, detail));
    assert_eq!(begun.elapsed().as_secs(), 20);
}
