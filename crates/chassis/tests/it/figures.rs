//! What is counted, and under which names.

use axum::{
    Router,
    body::Body,
    http::{Method, Request},
    routing::get as route,
};
use chassis::{
    Outside, Service,
    config::Settings,
    http::Answers,
    management::{CacheFigures, PoolFigures},
};
use serde_json::Value;

use crate::{
    health::management,
    recorded::{ask, get},
};

fn library() -> Router {
    let endpoints = management(Settings::defaults(&[]).unwrap())
        .pool("main", || PoolFigures { active: 2, idle: 3, pending: 1, min: 5, max: 10 })
        .cache("books", "hash map", || CacheFigures { hits: 7, ..CacheFigures::default() })
        .build();
    let broken = || async {
        if true {
            panic!("boom")
        }
    };
    let books = Router::new()
        .route("/books/{id}", route(|| async { "one" }).delete(broken))
        .route("/slow", route(std::future::pending::<()>));
    let measuring = endpoints.clone();
    Service::new("library")
        .routes(books)
        .routes(endpoints.open_routes())
        .routes(endpoints.admin_routes())
        .answering_as(Answers::Spring(Outside::system()))
        .around(move |routes| measuring.measured(routes))
        .into_router()
}

async fn call(routes: &Router, method: Method, path: &str, status: u64) {
    let request = Request::builder().method(&method).uri(path).body(Body::empty()).unwrap();
    assert_eq!(ask(routes, request).await.status, status, "{method} {path}");
}

/// A library in which this has happened.
async fn busy() -> Router {
    let routes = library();
    call(&routes, Method::GET, "/books/1", 200).await;
    call(&routes, Method::GET, "/books/2/", 200).await;
    call(&routes, Method::GET, "/books/1/2/3", 404).await;
    call(&routes, Method::GET, "/nowhere", 404).await;
    call(&routes, Method::PUT, "/books/1", 405).await;
    call(&routes, Method::DELETE, "/books/1", 500).await;
    call(&routes, Method::GET, "/management/health/ping", 404).await;
    routes
}

#[tokio::test]
async fn every_request_is_counted_under_its_route() {
    let text = get(&busy().await, "/management/prometheus", false).await.body;
    for (method, status, outcome, uri, count) in [
        ("GET", 200, "SUCCESS", "/books/{id}", "2.0"),
        ("GET", 404, "CLIENT_ERROR", "/**", "2.0"),
        ("PUT", 405, "CLIENT_ERROR", "/books/{id}", "1.0"),
        ("DELETE", 500, "SERVER_ERROR", "/books/{id}", "1.0"),
        ("GET", 404, "CLIENT_ERROR", "/management/health/**", "1.0"),
    ] {
        let labels = format!(
            "application=\"library\",exception=\"None\",method=\"{method}\",outcome=\"{outcome}\",status=\"{status}\",uri=\"{uri}\","
        );
        for line in [
            format!("http_server_requests_seconds_count{{{labels}}} {count}\n"),
            format!("http_server_requests_seconds_bucket{{{labels}le=\"+Inf\",}} {count}\n"),
            format!("http_server_requests_seconds_bucket{{{labels}le=\"30.0\",}} {count}\n"),
            format!("http_server_requests_seconds_sum{{{labels}}} "),
            format!("http_server_requests_seconds_max{{{labels}}} "),
        ] {
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }
}

#[tokio::test]
async fn figures_have_the_names_that_boards_ask_for() {
    let text = get(&library(), "/management/prometheus", false).await.body;
    for name in [
        "process_uptime_seconds",
        "process_start_time_seconds",
        "process_cpu_usage",
        "system_cpu_usage",
        "system_cpu_count",
        "system_load_average_1m",
        "process_files_open_files",
        "process_files_max_files",
    ] {
        assert!(text.contains(&format!("\n{name}{{application=\"library\",}} ")), "{name}: {text}");
    }
    for line in [
        "hikaricp_connections{application=\"library\",pool=\"main\",} 5.0\n",
        "hikaricp_connections_pending{application=\"library\",pool=\"main\",} 1.0\n",
        "cache_gets_total{application=\"library\",cache=\"books\",result=\"hit\",} 7.0\n",
    ] {
        assert!(text.contains(line), "{line}");
    }
    assert!(!text.contains("jvm_"));
}

#[tokio::test]
async fn some_figures_can_be_asked_for_alone() {
    let path = "/management/prometheus?includedNames=system_cpu_count,process_uptime_seconds";
    let text = get(&library(), path, false).await.body;
    let named = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(named, 2, "{text}");
}

#[tokio::test]
async fn jhipsters_page_gets_its_figures() {
    let text = get(&busy().await, "/management/jhimetrics", true).await.body;
    let figures: Value = serde_json::from_str(&text).unwrap();
    let number = |path: &str| figures.pointer(path).and_then(Value::as_f64);
    for (path, expected) in [
        ("/http.server.requests/all/count", 7.0),
        ("/http.server.requests/percode/404/count", 3.0),
        ("/services/~1books~1{id}/GET/count", 2.0),
        ("/services/~1**/GET/count", 2.0),
        ("/databases/active/value", 2.0),
        ("/cache/books/cache.gets.hit", 7.0),
    ] {
        assert_eq!(number(path), Some(expected), "{path}: {text}");
    }
    let mean = number("/services/~1books~1{id}/GET/mean").unwrap();
    assert!(mean > 0.0 && mean < 1000.0, "{mean}");
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_off_is_counted_and_what_is_given_up_is_not() {
    let routes = library();
    call(&routes, Method::GET, "/slow", 503).await;
    let given_up = call(&routes, Method::GET, "/slow", 503);
    assert!(tokio::time::timeout(std::time::Duration::from_secs(1), given_up).await.is_err());
    let text = get(&routes, "/management/prometheus", false).await.body;
    let line = "status=\"503\",uri=\"/slow\",} 1.0\n";
    assert!(text.contains(line), "{text}");
    assert_eq!(
        text.lines().filter(|line| line.contains("_count{") && line.contains("/slow")).count(),
        1
    );
}
