//! A service with a feed, and callers who say who they are in a header.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Method, header},
    middleware::{self, Next},
    response::Response,
};
use chassis::{Outside, Service, http::CallerName};
use feed::Feed;
use http_body_util::BodyExt;
use messaging::BrokerRef;
use tower::ServiceExt;

pub(crate) const TOPIC: &str = "news-topic";
pub(crate) const PREFIX: &str = "/api/news";
/// The header in which a test's caller says who it is.
const CALLER: &str = "x-caller";

pub(crate) fn feed(broker: BrokerRef) -> Arc<Feed> {
    Feed::new(broker, TOPIC, Outside::fixed("2026-11-24T10:00:00Z".parse().unwrap(), 1))
}

/// The service, whose door believes everything.
pub(crate) fn service(feed: &Arc<Feed>, prefix: &str) -> Service {
    let running = feed.clone();
    Service::new("library")
        .routes(feed.routes(prefix))
        .around(|router| router.layer(middleware::from_fn(believe)))
        .background("feed", move |stop| async move { running.run(stop).await })
}

async fn believe(mut request: Request, next: Next) -> Response {
    let caller = request.headers().get(CALLER).map(|value| value.to_str().unwrap().to_owned());
    if let Some(caller) = caller {
        request.extensions_mut().insert(CallerName(caller));
    }
    next.run(request).await
}

/// A request to a feed below [`PREFIX`].
pub(crate) fn request(method: Method, path: &str, caller: Option<&str>) -> Request {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("{PREFIX}/{path}") };
    let mut request = Request::builder().method(method).uri(path);
    if let Some(caller) = caller {
        request = request.header(CALLER, caller);
    }
    request.body(Body::empty()).unwrap()
}

pub(crate) async fn send(router: &Router, request: Request) -> Response {
    in_time("an answer", router.clone().oneshot(request)).await.unwrap()
}

pub(crate) async fn register(router: &Router, caller: &str) -> Response {
    let response = send(router, request(Method::GET, "register", Some(caller))).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    response
}

pub(crate) async fn publish(router: &Router, text: &str) -> u16 {
    let path = format!("publish?message={text}");
    send(router, request(Method::POST, &path, Some("ann"))).await.status().as_u16()
}

/// The next piece of a stream, heartbeats included; `None` when it has ended.
pub(crate) async fn piece(response: &mut Response) -> Option<String> {
    let frame = in_time("a piece of the stream", response.body_mut().frame()).await?;
    let data = frame.unwrap().into_data().unwrap();
    Some(String::from_utf8(data.to_vec()).unwrap())
}

/// Waits for something; a test that waits longer than this has failed.
pub(crate) async fn in_time<T>(what: &str, happening: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(Duration::from_secs(120), happening).await;
    outcome.unwrap_or_else(|_| panic!("{what} did not come"))
}

pub(crate) async fn eventually(what: &str, happened: impl Fn() -> bool) {
    let waiting = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    in_time(what, waiting).await;
}
