//! Who sees how much of health, and what a failure does.

use std::{sync::Arc, time::Duration};

use axum::Router;
use chassis::{
    Outside, Service,
    config::Settings,
    management::{About, Component, Endpoints, Management, Scope},
};
use serde_json::{Value, json};

use crate::recorded::get;

pub(crate) fn about() -> About {
    About {
        name: "library".into(),
        title: "Library".into(),
        artifact: "library".into(),
        group: "org.example.books".into(),
        version: "1.0".into(),
        profiles: vec!["prod".into()],
        ribbon: Some("dev".into()),
    }
}

pub(crate) fn management(settings: Settings) -> Management {
    Management::new(about(), Arc::new(settings), Outside::system(), None)
}

pub(crate) fn served(endpoints: &Endpoints) -> Router {
    Service::new("library")
        .routes(endpoints.open_routes())
        .routes(endpoints.admin_routes())
        .into_router()
}

fn settings() -> Settings {
    Settings::defaults(&[]).unwrap()
}

/// A service whose shelf is broken, and whose queue answers this.
fn library(scope: Scope) -> Router {
    let shelf = || async {
        Err::<Component, _>(anyhow::anyhow!("connection refused").context("ask the shelf"))
    };
    let inner = Component::up().with_detail("books", 3);
    let queue = Component::up().with_component("left", inner).described("Two queues");
    let endpoints = management(settings())
        .component("shelf", scope, shelf)
        .component("queue", Scope::Needed, move || std::future::ready(Ok(queue.clone())))
        .readiness("shelf")
        .build();
    served(&endpoints)
}

async fn check(scope: Scope, path: &str, administrator: bool, status: u64, body: Value) {
    let answer = get(&library(scope), &format!("/management/health{path}"), administrator).await;
    let shown: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    assert_eq!((answer.status, shown), (status, body), "{path}");
}

#[tokio::test]
async fn everybody_sees_whether_a_service_works() {
    let groups = json!(["liveness", "readiness"]);
    let (down, up) = (json!({ "status": "DOWN" }), json!({ "status": "UP" }));
    check(Scope::Needed, "", false, 503, json!({ "status": "DOWN", "groups": groups })).await;
    check(Scope::Optional, "", false, 200, json!({ "status": "UP", "groups": groups })).await;
    check(Scope::Needed, "/readiness", false, 503, down).await;
    check(Scope::Optional, "/readiness", false, 200, up.clone()).await;
    check(Scope::Needed, "/liveness", false, 200, up).await;
}

#[tokio::test]
async fn only_administrators_see_why() {
    let shelf =
        json!({ "status": "DOWN", "details": { "error": "ask the shelf: connection refused" } });
    let left = json!({ "status": "UP", "details": { "books": 3 } });
    let queue = json!({
        "description": "Two queues", "status": "UP", "components": { "left": left },
        "groups": ["liveness", "readiness"],
    });
    check(Scope::Optional, "/shelf", true, 503, shelf.clone()).await;
    check(Scope::Optional, "/queue", true, 200, queue).await;
    check(Scope::Optional, "/queue/left", true, 200, left).await;
    check(Scope::Optional, "/readiness/shelf", true, 503, shelf.clone()).await;
    let ready = json!({ "status": "UP" });
    let both = json!({ "readinessState": ready, "shelf": shelf });
    check(Scope::Optional, "/readiness", true, 200, json!({ "status": "UP", "components": both }))
        .await;
    for path in ["/shelf", "/queue/left", "/readiness/shelf", "/nothing"] {
        check(Scope::Optional, path, false, 404, Value::Null).await;
    }
    for path in ["/nothing", "/queue/right", "/queue/left/over", "/liveness/shelf"] {
        check(Scope::Optional, path, true, 404, Value::Null).await;
    }
}

#[tokio::test(start_paused = true)]
async fn health_never_takes_longer_than_two_seconds() {
    let endpoints =
        management(settings()).component("shelf", Scope::Needed, std::future::pending).build();
    let begun = tokio::time::Instant::now();
    let answer = get(&served(&endpoints), "/management/health/shelf", true).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
    assert!(answer.body.contains("no answer within 2s"), "{}", answer.body);
}

#[tokio::test]
async fn a_service_that_leaves_is_not_ready_but_alive() {
    let endpoints = management(settings()).build();
    endpoints.leave();
    let routes = served(&endpoints);
    let readiness = get(&routes, "/management/health/readiness", false).await;
    assert_eq!(
        (readiness.status, readiness.body.as_str()),
        (503, r#"{"status":"OUT_OF_SERVICE"}"#)
    );
    assert_eq!(get(&routes, "/management/health/liveness", false).await.status, 200);
}
