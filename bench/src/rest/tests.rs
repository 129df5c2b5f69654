//! The whole measurement against a small service of our own, which can be told to fail.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, body::Incoming};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use super::*;
use crate::testing::{Line, serve};

/// What the service does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Refuses the token.
    Strange,
    /// Answers every tenth replacement with 500.
    Refuses,
    /// Answers every tenth replacement with less than it should.
    Shortens,
    /// Ends the connection after every tenth replacement.
    Leaves,
    /// Has lost its broker.
    Alone,
}

/// Answers as a store.
struct Service {
    fault: Fault,
    replaced: AtomicUsize,
    removed: AtomicUsize,
}

impl Service {
    fn health(&self, authorized: bool) -> Value {
        let broker = if self.fault == Fault::Alone { "DOWN" } else { "UP" };
        let components = json!({
            "binders": {"status": broker},
            "db": {"status": "DOWN", "details": {"database": "Paper"}},
        });
        if authorized { json!({"components": components}) } else { json!({}) }
    }

    async fn answer(
        self: Arc<Service>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let mut builder = Response::builder();
        let authorized =
            head.headers.get("authorization").is_some_and(|value| value == "Bearer abc");
        let (status, answer) = match (&head.method, head.uri.path()) {
            (_, "/management/health") => (503, self.health(authorized)),
            _ if !authorized || self.fault == Fault::Strange => {
                (401, json!({"title": "who are you"}))
            }
            (&Method::POST, "/api/stores") => (201, json!({"id": "1"})),
            (&Method::GET, "/api/stores/1") => (200, json!({"id": "1"})),
            (&Method::DELETE, "/api/stores/1") => {
                self.removed.fetch_add(1, Ordering::Relaxed);
                (204, Value::Null)
            }
            (&Method::PUT, "/api/stores/1") => {
                let tenth = self.replaced.fetch_add(1, Ordering::Relaxed) % 10 == 9;
                // The first of each are those from which bench learns what an answer is like.
                let tenth = tenth && self.replaced.load(Ordering::Relaxed) > 64;
                match self.fault {
                    Fault::Refuses if tenth => (500, json!({"title": "no luck"})),
                    Fault::Shortens if tenth => (200, json!({})),
                    Fault::Leaves if tenth => {
                        builder = builder.header("connection", "close");
                        (200, serde_json::from_slice(&body).unwrap())
                    }
                    _ => (200, serde_json::from_slice(&body).unwrap()),
                }
            }
            _ => (404, json!({})),
        };
        let answer = if answer.is_null() { String::new() } else { answer.to_string() };
        Ok(builder.status(status).body(Full::new(answer.into())).unwrap())
    }
}

/// What a run against the service came to.
struct Outcome {
    result: anyhow::Result<()>,
    complete: bool,
    database: Value,
    figures: Value,
    removed: usize,
}

impl Outcome {
    fn figure(&self, key: &str) -> f64 {
        self.figures[key]["value"].as_f64().unwrap_or(f64::NAN)
    }
}

/// Starts a script in place of the program, which says that the service is ready, and measures both.
async fn measure(fault: Fault, line: &str) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let service =
        Arc::new(Service { fault, replaced: AtomicUsize::new(0), removed: AtomicUsize::new(0) });
    let mut serving = JoinSet::new();
    let answering = Arc::clone(&service);
    serving.spawn(serve(listener, move |request| Arc::clone(&answering).answer(request)));
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "trap 'exit 0' TERM; echo '{{\"store\":\"http://{address}\"}}'; while :; do sleep 0.1; done"
    );
    let program = Program::new("/bin/sh".into(), folder.path(), &["-c", &script]);
    let line = format!("rest --program /bin/sh --seconds 0.1 --callers 4 {line}");
    let arguments = Line::<Arguments>::parse_from(line.split_whitespace()).arguments;
    let mut run = Run::new(&arguments).unwrap();
    let result = run.start_and_measure(&program, Bearer::fixed("abc").unwrap()).await;
    let mut json = run.comparison.to_json();
    let (database, figures) = (json["database"].take(), json["figures"].take());
    let removed = service.removed.load(Ordering::Relaxed);
    Outcome { result, complete: run.complete, database, figures, removed }
}

#[tokio::test]
async fn a_service_without_a_fault_is_measured() {
    let outcome = measure(Fault::None, "--warm-up 0.05").await;
    outcome.result.as_ref().unwrap();
    assert!(outcome.complete && outcome.removed == 1, "{:#}", outcome.figures);
    for key in ["start.health", "get.rate", "get.p50", "get.p99", "put.rate", "put.p50", "put.p99"]
    {
        assert!(outcome.figure(key) > 0.0, "{key}: {:#}", outcome.figures);
    }
    for key in ["get.processor", "put.processor", "put.behind", "memory.after", "memory.peak"] {
        assert!(outcome.figure(key) >= 0.0, "{key}: {:#}", outcome.figures);
    }
    assert_eq!(outcome.database, "Paper");
    assert_eq!((outcome.figure("get.failures"), outcome.figure("put.failures")), (0.0, 0.0));
}

/// A fault that some of the replacements meet; `expected`: whether they count as failures.
async fn check(fault: Fault, expected: bool) {
    let outcome = measure(fault, "--warm-up 0").await;
    outcome.result.as_ref().unwrap();
    assert_eq!(outcome.complete, !expected, "{fault:?}: {:#}", outcome.figures);
    assert_eq!(outcome.figure("put.failures") > 0.0, expected, "{fault:?}: {:#}", outcome.figures);
    assert_eq!(outcome.figure("get.failures"), 0.0, "{fault:?}: {:#}", outcome.figures);
    assert!(outcome.figure("put.rate") > 0.0, "{fault:?}: {:#}", outcome.figures);
}

#[tokio::test]
async fn an_answer_that_is_not_as_it_should_be_is_a_failure() {
    tokio::join!(check(Fault::Refuses, true), check(Fault::Shortens, true));
}

#[tokio::test]
async fn a_connection_that_ends_in_good_order_is_replaced() {
    check(Fault::Leaves, false).await;
}

#[tokio::test]
async fn messages_that_cannot_be_relayed_make_the_figures_incomplete() {
    let outcome = measure(Fault::Alone, "--warm-up 0").await;
    outcome.result.as_ref().unwrap();
    assert!(!outcome.complete && outcome.figure("put.failures") == 0.0, "{:#}", outcome.figures);
}

#[tokio::test]
async fn a_database_that_is_not_the_one_that_was_named_ends_the_run() {
    let outcome = measure(Fault::None, "--warm-up 0 --mongodb mongodb://h:1/").await;
    let cause = outcome.result.unwrap_err().to_string();
    assert!(cause.contains("--mongodb") && cause.contains("Paper"), "{cause}");
}

#[tokio::test]
async fn a_refused_token_ends_the_run_and_is_quoted() {
    let outcome = measure(Fault::Strange, "--warm-up 0").await;
    let cause = format!("{:#}", outcome.result.unwrap_err());
    assert!(cause.contains("401") && cause.contains("who are you"), "{cause}");
}

fn check_variables(line: &str, expected: &[&str]) {
    let line = format!("rest --program /bin/sh {line}");
    let arguments = Line::<Arguments>::parse_from(line.split_whitespace()).arguments;
    let variables = Run::new(&arguments).unwrap().variables("http://issuer:1");
    let found: Vec<_> =
        variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(found, expected, "{line}");
}

#[test]
fn a_program_is_told_its_issuer_and_its_database() {
    let alone = [
        "SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_OIDC_ISSUER_URI=http://issuer:1",
        "EUREKA_CLIENT_ENABLED=false",
        "SPRING_CLOUD_CONFIG_ENABLED=false",
    ];
    check_variables("", &alone);
    let with_mongodb = [&alone[..], &["SPRING_DATA_MONGODB_URI=mongodb://h:1/"]].concat();
    check_variables("--mongodb mongodb://h:1/", &with_mongodb);
}
