//! The proxy between a caller and the instances of a service.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Method, StatusCode, Uri},
    response::Response,
    routing::{any as every_method, get},
};
use bytes::Bytes;
use chassis::{Outside, Service, Stop};
use discovery::{CallError, Directory, Forwarder};
use futures_util::stream;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt;

use crate::support::{Where, any, listening, nobody, registry, run};

/// Answers with what it received: the request's line and headers as JSON in a header, the body as it comes.
async fn mirror(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    let seen = json!({ "line": format!("{} {}", parts.method, parts.uri), "headers": headers });
    let response =
        Response::builder().header("X-Seen", seen.to_string()).header("Connection", "X-Private");
    response.header("X-Private", "1").header("Set-Cookie", "a=b").body(body).unwrap()
}

/// One byte more than a call of our own reads.
async fn large() -> Vec<u8> {
    vec![b'x'; 4 * 1024 * 1024 + 1]
}

/// What [`mirror`] received.
fn seen(answer: &Response) -> Value {
    serde_json::from_str(answer.headers()["X-Seen"].to_str().unwrap()).unwrap()
}

fn forwarder(registry: Where) -> Forwarder {
    Forwarder::new(Directory::new(registry.address(), Outside::system()).unwrap())
}

/// A gateway without a socket: everything below `/services/library` goes to the library.
fn gateway(forwarder: Forwarder) -> Router {
    let forward = move |mut request: Request| async move {
        let path = request.uri().to_string().replacen("/services/library", "", 1);
        *request.uri_mut() = path.parse::<Uri>().unwrap();
        forwarder.forward("library", request, "/services/library").await
    };
    Service::new("gateway")
        .routes(Router::new().route("/services/library/{*rest}", every_method(forward)))
        .into_router()
}

async fn with_libraries<F: Future<Output = ()>>(
    live: usize,
    dead: usize,
    test: impl FnOnce(Where) -> F,
) {
    let (service, registry) = registry(any()).await;
    let mut services = vec![service];
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for _ in 0..live {
        let (service, address) = listening(
            "library",
            Router::new().route("/large", get(large)).route("/{*rest}", every_method(mirror)),
        )
        .await;
        services.push(service);
        addresses.push(address);
    }
    for _ in 0..dead {
        addresses.push(nobody().await);
    }
    run(services, async {
        for (number, address) in addresses.into_iter().enumerate() {
            registry.add("LIBRARY", &format!("library:{number}"), address, 60).await;
        }
        test(registry).await;
    })
    .await;
}

#[tokio::test]
async fn a_request_arrives_without_what_is_not_the_services_business() {
    with_libraries(1, 0, async |registry| {
        let request = Request::put("/services/library/books/1?x=1&y=a%20b")
            .header("Host", "localhost:9000")
            .header("Connection", "close, X-Mine")
            .header("X-Mine", "1")
            .header("Cookie", "SESSION=1")
            .header("X-XSRF-TOKEN", "2")
            .header("Authorization", "Bearer t")
            .body(Body::from("{}"))
            .unwrap();
        let answer = gateway(forwarder(registry)).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["Set-Cookie"], "a=b");
        assert!(!answer.headers().contains_key("X-Private"));
        let seen = seen(&answer);
        assert_eq!(seen["line"], "PUT /books/1?x=1&y=a%20b");
        let mut headers: Vec<_> =
            seen["headers"].as_array().unwrap().iter().map(|h| h.as_str().unwrap()).collect();
        headers.retain(|header| !header.starts_with("host: 127.0.0.1:"));
        headers.sort_unstable();
        let expected = [
            "authorization: Bearer t",
            "content-length: 2",
            "forwarded: proto=http;host=\"localhost:9000\"",
            "x-forwarded-host: localhost:9000",
            "x-forwarded-port: 9000",
            "x-forwarded-prefix: /services/library",
            "x-forwarded-proto: http",
        ];
        assert_eq!(headers, expected);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "{}");
    })
    .await;
}

#[tokio::test]
async fn a_service_learns_the_address_of_the_caller() {
    with_libraries(1, 0, async |registry| {
        let forwarder = forwarder(registry);
        let forward =
            move |request: Request| async move { forwarder.forward("library", request, "").await };
        let routes = Router::new().route("/{*rest}", every_method(forward));
        let (service, address) = listening("gateway", routes).await;
        run(vec![service], async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = client.get(format!("http://{address}/books")).send().await.unwrap();
            let seen = answer.headers()["X-Seen"].to_str().unwrap();
            assert!(seen.contains("x-forwarded-for: 127.0.0.1\""), "{seen}");
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    with_libraries(1, 0, async |registry| {
        let (sender, receiver) = mpsc::channel::<&str>(1);
        let chunks = stream::unfold(receiver, |mut receiver| async {
            let chunk = receiver.recv().await?;
            Some((Ok::<_, std::io::Error>(Bytes::from(chunk)), receiver))
        });
        let request =
            Request::post("/services/library/books").body(Body::from_stream(chunks)).unwrap();
        let mut answer = gateway(forwarder(registry)).oneshot(request).await.unwrap().into_body();
        for chunk in ["one", "two"] {
            // The answer to each comes before the next is sent, which nothing that collects a body could do.
            sender.send(chunk).await.unwrap();
            assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), chunk);
        }
        drop(sender);
        assert!(answer.frame().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_elsewhere_with_the_whole_body() {
    with_libraries(1, 1, async |registry| {
        let gateway = gateway(forwarder(registry));
        for _ in 0..4 {
            let request =
                Request::post("/services/library/books").body(Body::from("a book")).unwrap();
            let answer = gateway.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "a book");
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_willing_instance_the_answer_is_503_and_names_the_service() {
    let check = async |dead: usize, expected: &str| {
        with_libraries(0, dead, async |registry| {
            let request = Request::get("/services/library/books").body(Body::empty()).unwrap();
            let answer = gateway(forwarder(registry)).oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            let body: Value =
                serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes())
                    .unwrap();
            assert_eq!(body["detail"], expected);
        })
        .await;
    };
    check(0, "503 SERVICE_UNAVAILABLE \"Unable to find instance for LIBRARY\"").await;
    check(1, "LIBRARY accepts no connections; try again in a few seconds").await;
    check(3, "LIBRARY accepts no connections; try again in a few seconds").await;
}

#[tokio::test]
async fn instances_take_turns() {
    with_libraries(2, 0, async |registry| {
        let directory: Arc<Directory> =
            Directory::new(registry.address(), Outside::system()).unwrap();
        let mut ids = Vec::new();
        for _ in 0..4 {
            ids.push(directory.pick("library").await.unwrap().id().to_owned());
        }
        assert_eq!(ids, ["library:0", "library:1", "library:0", "library:1"]);
    })
    .await;
}

#[tokio::test]
async fn a_call_of_our_own_brings_the_whole_answer_up_to_a_limit() {
    with_libraries(1, 0, async |registry| {
        let forwarder = forwarder(registry);
        let body = Some(json!({ "title": "x" }));
        let (status, headers, bytes) =
            forwarder.call("library", Method::POST, "/books?a=b", Some("t"), body).await.unwrap();
        assert_eq!((status, &bytes[..]), (StatusCode::OK, &br#"{"title":"x"}"#[..]));
        let seen = headers["X-Seen"].to_str().unwrap();
        assert!(
            seen.contains("POST /books?a=b") && seen.contains("authorization: Bearer t"),
            "{seen}"
        );
        let error = forwarder.call("library", Method::GET, "/large", None, None).await.unwrap_err();
        assert!(matches!(error, CallError::TooLarge(_)), "{error:?}");
        assert_eq!(
            format!("{error:#}"),
            "GET /large at LIBRARY: the answer is larger than 4194304 bytes"
        );
        let error = forwarder.call("nowhere", Method::GET, "/", None, None).await.unwrap_err();
        assert!(matches!(error, CallError::NoAnswer(_)), "{error:?}");
        assert_eq!(format!("{error:#}"), "GET / at NOWHERE: no instance of NOWHERE is registered");
    })
    .await;
}

/// What is answered when nothing more happens after the service has read the first part of a request.
async fn status_after_silence(caller_ends: bool) -> StatusCode {
    let (registry_service, registry) = registry(any()).await;
    let (seen, mut first) = mpsc::channel::<()>(1);
    let read_all = move |request: Request| async move {
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {
            seen.send(()).await.unwrap();
        }
        seen.send(()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let (library, address) =
        listening("library", Router::new().route("/{*rest}", every_method(read_all))).await;
    let (sender, receiver) = mpsc::channel::<&str>(1);
    let chunks = stream::unfold(receiver, |mut receiver| async {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(Bytes::from(chunk)), receiver))
    });
    let stop = Stop::new();
    let tested = async {
        registry.add("LIBRARY", "library:0", address, 60).await;
        let request =
            Request::post("/services/library/books").body(Body::from_stream(chunks)).unwrap();
        let gateway = gateway(forwarder(registry));
        let silence = async {
            sender.send("a book").await.unwrap();
            first.recv().await.unwrap();
            let kept = (!caller_ends).then_some(sender);
            if kept.is_none() {
                first.recv().await.unwrap();
            }
            // Longer than a service may take, shorter than our own server gives the whole request.
            tokio::time::pause();
            tokio::time::advance(Duration::from_millis(29_100)).await;
            tokio::time::resume();
            kept
        };
        let (answer, _kept) = tokio::join!(gateway.oneshot(request), silence);
        let status = answer.unwrap().status();
        stop.cancel();
        status
    };
    let services = vec![registry_service, library];
    // A service that answers nothing is cut off at the stop, which is not what is tested here.
    let (_, status) = tokio::join!(chassis::run(vec![services], stop.clone()), tested);
    status
}

#[tokio::test]
async fn whoever_falls_silent_is_the_one_to_blame() {
    assert_eq!(status_after_silence(true).await, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(status_after_silence(false).await, StatusCode::REQUEST_TIMEOUT);
}
