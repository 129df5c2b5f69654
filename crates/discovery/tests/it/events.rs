//! What the registry tells to whoever keeps its history, and the figures on its pages.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use chassis::{Outside, Service, Stop};
use discovery::{
    Registry, RegistrySettings, Status,
    server::{Author, Event, Kind, Origin},
};
use serde_json::json;
use tower::ServiceExt;

async fn send(router: &Router, mut request: Request) {
    request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from(([10, 0, 0, 1], 5))));
    assert!(router.clone().oneshot(request).await.unwrap().status().is_success());
}

fn registration(status: &str, dirty: i64) -> Request {
    let body = json!({ "instance": {
        "instanceId": "1", "app": "BOOK", "hostName": "h", "ipAddr": "127.0.0.1", "status": status,
        "port": { "$": 80, "@enabled": "true" }, "dataCenterInfo": { "name": "MyOwn" },
        "leaseInfo": { "durationInSecs": 1, "renewalIntervalInSecs": 30 }, "lastDirtyTimestamp": dirty
    } });
    Request::post("/apps/BOOK").body(Body::from(body.to_string())).unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_change_is_told_with_who_made_it() {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let settings =
        RegistrySettings { eviction_interval: Duration::ZERO, ..RegistrySettings::default() };
    let registry = Registry::with(Outside::fixed(now, 1), settings, Vec::new());
    let router = Service::new("registry").routes(registry.routes()).into_router();
    let mut events = registry.events();
    send(&router, registration("STARTING", 1)).await;
    send(&router, registration("UP", 2)).await;
    send(&router, registration("UP", 3)).await;
    let beat = Request::put("/apps/BOOK/1").body(Body::empty()).unwrap();
    send(&router, beat).await;
    let figures = registry.figures();
    assert_eq!(
        (figures.instances, figures.renewals_in_last_minute, figures.renewal_threshold),
        (1, 1, 1)
    );
    assert_eq!(registry.last_registered().len(), 3);
    let stop = Stop::new();
    let waiting = async {
        let told = tokio::time::timeout(Duration::from_secs(5), async {
            let mut told: Vec<Event> = Vec::new();
            while told.len() < 4 {
                told.push(events.recv().await.unwrap());
            }
            told
        });
        let told = told.await.unwrap();
        stop.cancel();
        told
    };
    let (evicted, told) = tokio::join!(registry.clone().evict(stop.clone()), waiting);
    evicted.unwrap();
    let client = || Author::from(Origin::Client(Some([10, 0, 0, 1].into())));
    let expected = [
        (Kind::Registered, Status::Starting, client()),
        (Kind::StatusChanged, Status::Up, client()),
        (Kind::Registered, Status::Up, client()),
        (Kind::Evicted, Status::Up, Origin::Registry.into()),
    ];
    let kinds: Vec<_> =
        told.iter().map(|event| (event.kind, event.status, event.by.clone())).collect();
    assert_eq!(kinds, expected);
    let names =
        |event: &Event| (event.at, event.app.clone(), event.id.clone(), event.address.clone());
    assert!(
        told.iter().all(|event| names(event) == (now, "BOOK".into(), "1".into(), "h:80".into()))
    );
    assert!(registry.instances().is_empty() && registry.last_cancelled().is_empty());
}
