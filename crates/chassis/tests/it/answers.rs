//! What is answered where no handler answers.

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{Method, Request, StatusCode, header},
    middleware,
    response::IntoResponse,
    routing::{MethodFilter, MethodRouter, get, on, post},
};
use chassis::{Outside, Problem, Service, http::Answers};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::recorded::{Answer, Case, ask, cases, get as fetch};

fn spring(now: &str, routes: Router) -> Router {
    let outside = Outside::fixed(now.parse().unwrap(), 1);
    Service::new("library").routes(routes).answering_as(Answers::Spring(outside)).into_router()
}

fn plain(routes: Router) -> Router {
    spring("2026-01-01T00:00:00Z", routes)
}

#[tokio::test]
async fn unknown_paths_are_answered_as_recorded() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| case.answer.status == 404) {
        let body: Value = serde_json::from_str(&case.answer.body).unwrap_or_default();
        let Some(timestamp) = body["timestamp"].as_str() else { continue };
        let answer = case.replay(&spring(timestamp, Router::new())).await;
        case.check(&answer);
        compared += 1;
    }
    assert!(compared >= 30, "{compared}");
}

/// A router that answers these methods, and no others, under the path of a case.
fn only(case: &Case, allowed: &str) -> Router {
    let allowed = allowed.split(',').filter(|name| !["HEAD", "OPTIONS"].contains(name));
    let method = |name: &str| {
        let filter = MethodFilter::try_from(name.parse::<Method>().unwrap()).unwrap();
        on(filter, || async { "here" })
    };
    let methods = allowed.map(method).fold(MethodRouter::new(), MethodRouter::merge);
    plain(Router::new().route(case.path.split('?').next().unwrap(), methods))
}

#[tokio::test]
async fn wrong_methods_are_answered_as_recorded() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| case.answer.status == 405) {
        let answer = case.replay(&only(case, &case.answer.headers["allow"][0])).await;
        case.check(&answer);
        compared += 1;
    }
    assert!(compared >= 10, "{compared}");
}

#[tokio::test]
async fn options_are_answered_as_recorded() {
    let in_order = |answer: &Answer| {
        let mut answer = answer.clone();
        // The order differs between two runs of the original.
        let allowed = answer.headers.get_mut("allow").unwrap();
        let mut names: Vec<_> = allowed[0].split(',').map(str::to_owned).collect();
        names.sort();
        *allowed = names;
        answer
    };
    let cases = cases();
    let options = cases.iter().filter(|case| case.method == "OPTIONS" && case.answer.status == 200);
    let mut compared = 0;
    for case in options {
        let answer = case.replay(&only(case, &case.answer.headers["allow"][0])).await;
        assert_eq!(in_order(&answer), in_order(&case.answer), "{}", case.name());
        compared += 1;
    }
    assert!(compared >= 2, "{compared}");
}

#[tokio::test]
async fn a_browser_is_answered_with_a_page() {
    let cases = cases();
    let is_page =
        |case: &&Case| case.answer.status == 404 && case.answer.body.starts_with("<!DOCTYPE html>");
    let case = cases.iter().find(is_page).unwrap();
    let answer = case.replay(&plain(Router::new())).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.headers["content-type"], case.answer.headers["content-type"]);
    assert_eq!(answer.headers["vary"], case.answer.headers["vary"]);
    assert_eq!(answer.headers["content-language"], ["en"]);
    for text in ["<title>Your request cannot be processed</title>", "Not Found"] {
        assert!(answer.body.contains(text) && case.answer.body.contains(text), "{text}");
    }
}

fn library() -> Router {
    Router::new()
        .route("/books", get(|| async { "all" }).post(|| async { "new" }))
        .route("/books/{id}", get(|Path(id): Path<String>| async { id }))
        .route("/long", get(|| async { axum::Json("x".repeat(5000)) }))
        .route("/orders", post(|| async {}))
        .route("/gone", get(|| async { Problem::not_found() }))
        .route("/secret", get(|| async { Problem::forbidden() }))
}

async fn check(method: &str, path: &str, status: u64, body: &str) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let answer = ask(&plain(library()), request).await;
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{method} {path}");
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    check("GET", "/books/", 200, "all").await;
    check("GET", "/books/7/?x=/", 200, "7").await;
    let path = fetch(&plain(library()), "/gone/", false).await.body;
    assert_eq!(serde_json::from_str::<Value>(&path).unwrap()["path"], json!("/gone/"));
}

#[tokio::test]
async fn a_head_is_answered_like_a_get() {
    check("HEAD", "/books", 200, "").await;
}

async fn check_detail(method: &str, path: &str, status: u64, detail: &str) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let answer = ask(&plain(library()), request).await;
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, body["detail"].as_str()), (status, Some(detail)), "{path}");
    assert_eq!(answer.headers["content-type"], ["application/problem+json"], "{path}");
}

#[tokio::test]
async fn what_the_java_services_fail_on_is_the_callers_mistake_here() {
    check_detail("GET", "//books", 400, "The path must not contain //").await;
    check_detail("GET", "/books/..%2Fsecret", 400, "The path must not contain %2f").await;
    check_detail("GET", "/books/1;x=y", 400, "The path must not contain ;").await;
    check_detail("GET", "/books/%25", 400, "The path must not contain %25").await;
    check_detail("GET", "/books/%ff", 400, "The path is not UTF-8").await;
    check_detail("TRACE", "/books", 405, "Request method 'TRACE' not supported").await;
    check_detail("BREW", "/books", 405, "Request method 'BREW' not supported").await;
    check_detail("HEAD", "/orders", 405, "Request method 'HEAD' not supported").await;
}

#[tokio::test]
async fn guards_answer_before_caches_are_told_anything() {
    let vary = |answer: Answer| answer.headers.get("vary").map_or(0, Vec::len);
    assert_eq!(vary(fetch(&plain(library()), "/books", false).await), 3);
    assert_eq!(vary(fetch(&plain(library()), "/gone", false).await), 3);
    assert_eq!(vary(fetch(&plain(library()), "/secret", false).await), 0);
    let service = Service::new("library").routes(library()).into_router();
    assert_eq!(vary(fetch(&service, "/books", false).await), 0, "only where asked for");
}

#[tokio::test]
async fn long_answers_are_compressed_for_who_asks() {
    for (encoding, expected) in [("gzip", true), ("br", false)] {
        let request = Request::get("/long").header(header::ACCEPT_ENCODING, encoding);
        let answer = plain(library()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let encoded = answer.headers().get(header::CONTENT_ENCODING);
        assert_eq!(encoded.is_some_and(|value| value == "gzip"), expected, "{encoding}");
        let length = answer.into_body().collect().await.unwrap().to_bytes().len();
        assert_eq!(length < 1000, expected, "{length}");
    }
}

#[tokio::test]
async fn what_is_around_a_service_sees_also_what_does_not_exist() {
    let guarded = Service::new("library").routes(library()).around(|routes| {
        routes.layer(middleware::from_fn(
            async |request: axum::extract::Request, next: middleware::Next| match request
                .uri()
                .path()
                .starts_with("/open")
            {
                true => next.run(request).await,
                false => Problem::unauthorized().into_response(),
            },
        ))
    });
    let guarded = guarded.into_router();
    for (method, path, status) in [
        (Method::GET, "/books", StatusCode::UNAUTHORIZED),
        (Method::DELETE, "/books", StatusCode::UNAUTHORIZED),
        (Method::GET, "/nowhere", StatusCode::UNAUTHORIZED),
        (Method::GET, "/open/nowhere", StatusCode::NOT_FOUND),
    ] {
        let request = Request::builder().method(&method).uri(path).body(Body::empty()).unwrap();
        let answer = guarded.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
    }
}
