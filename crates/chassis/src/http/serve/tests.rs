//! Who is let in, and that nobody keeps a server from stopping.

use axum::{Router, routing::get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::Service;

#[tokio::test(start_paused = true)]
async fn what_goes_on_failing_is_said_once_a_second() {
    let mut complaints = OncePerSecond::default();
    let mut said = 0;
    for _ in 0..40 {
        said += usize::from(complaints.due());
        sleep(ACCEPT_PAUSE).await;
    }
    assert!((2..=3).contains(&said), "{said}");
}

#[tokio::test]
async fn a_server_without_a_free_place_stops_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(|| async { "here" }));
    let stop = Stop::new();
    let finished = Service::new("test").routes(router).finished();
    let serving = serve_at_most(1, listener, finished, stop.clone());
    let calling = async {
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert_eq!(first.read_u8().await.unwrap(), b'H');
        let waiting = TcpStream::connect(address).await.unwrap();
        stop.cancel();
        (first, waiting)
    };
    let both = async { tokio::join!(serving, calling) };
    let (served, _) = timeout(Duration::from_secs(5), both).await.expect("it stops");
    served.unwrap();
}
