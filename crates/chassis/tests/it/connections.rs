//! What callers meet who do not keep to what is usual, on real connections.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, routing::get};
use chassis::{Outside, Service, Stop, http::Answers, run};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Runs a small service while something is done with it.
async fn with_service<T>(done: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/books", get(|| async { "all" }));
    let service = Service::new("library")
        .routes(routes)
        .answering_as(Answers::Spring(Outside::system()))
        .on(listener);
    let stop = Stop::new();
    let doing = async {
        let result = timeout(Duration::from_secs(10), done(address)).await.unwrap();
        stop.cancel();
        result
    };
    let (ran, result) = tokio::join!(run(vec![vec![service]], stop.clone()), doing);
    ran.unwrap();
    result
}

/// Sends some text and reads what comes until the end, or until the connection breaks.
async fn say(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    // The other end may hang up before it has read everything.
    let sending = async { drop(writing.write_all(text.as_bytes()).await) };
    let mut heard = Vec::new();
    let hearing = async {
        let mut some = [0; 4096];
        while let Ok(length @ 1..) = reading.read(&mut some).await {
            heard.extend_from_slice(&some[..length]);
        }
    };
    tokio::join!(sending, hearing);
    String::from_utf8_lossy(&heard).into_owned()
}

async fn check(request: &str, status: &str, holds: &str) {
    let heard = with_service(async |address| say(address, request).await).await;
    assert!(heard.starts_with(status), "{heard}");
    assert!(heard.contains(holds), "{heard}");
}

#[tokio::test]
async fn http_1_0_is_understood() {
    check("GET /books HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK", "all").await;
    let unknown = "GET /nowhere HTTP/1.0\r\nHost: x\r\n\r\n";
    check(unknown, "HTTP/1.0 404 Not Found", r#""status":404,"error":"Not Found""#).await;
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let long = format!("GET /books HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(1_000_000));
    // Whoever sends on without reading may miss the answer; that the connection ends is what counts.
    let heard = with_service(async |address| say(address, &long).await).await;
    assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 431 "), "{heard}");
    let many = "A: b\r\n".repeat(200);
    let many = format!("GET /books HTTP/1.1\r\nHost: x\r\n{many}\r\n");
    check(&many, "HTTP/1.1 431 Request Header Fields Too Large", "").await;
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    check("nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request", "").await;
    check("GET /books HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n", "HTTP/1.1 400 Bad Request", "")
        .await;
}

#[tokio::test]
async fn a_head_has_no_body_on_the_wire() {
    let request = "HEAD /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let heard = with_service(async |address| say(address, request).await).await;
    assert!(heard.starts_with("HTTP/1.1 404 ") && heard.ends_with("\r\n\r\n"), "{heard}");
}
