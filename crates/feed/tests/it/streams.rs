//! Streams: who gets what, when they begin and when they end.

use std::{net::SocketAddr, time::Duration};

use axum::http::Method;
use chassis::Stop;
use database::Durability;
use messaging::Embedded;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};

use crate::{
    broker::Scripted,
    support::{
        PREFIX, eventually, feed, in_time, piece, publish, register, request, send, service,
    },
};

#[tokio::test]
async fn every_listener_of_every_instance_gets_every_message_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broker.db");
    let broker = Embedded::open(&file, 3, Durability::ProcessCrash).await.unwrap();
    let feeds = [(); 2].map(|()| feed(std::sync::Arc::new(broker.clone())));
    let [first, second] = feeds.each_ref().map(|feed| service(feed, PREFIX).into_router());
    let stop = Stop::new();
    let listening = async {
        let mut streams = [
            register(&first, "ann").await,
            register(&first, "ann").await,
            register(&second, "ann").await,
            register(&second, "bob").await,
        ];
        for (router, text) in [(&first, "a"), (&second, "b"), (&first, "c")] {
            assert_eq!(publish(router, text).await, 200);
            for stream in &mut streams {
                assert_eq!(piece(stream).await.unwrap(), format!("data:{text}\n\n"));
            }
        }
        stop.cancel();
        for stream in &mut streams {
            assert_eq!(piece(stream).await, None);
        }
    };
    let (one, two, ()) =
        tokio::join!(feeds[0].run(stop.clone()), feeds[1].run(stop.clone()), listening);
    one.and(two).unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_sent_away_and_holds_up_nobody() {
    let feed = feed(Scripted::new());
    let router = service(&feed, PREFIX).into_router();
    let stop = Stop::new();
    let listening = async {
        let mut slow = register(&router, "ann").await;
        let mut quick = register(&router, "bob").await;
        for number in 0..100 {
            assert_eq!(publish(&router, &number.to_string()).await, 200);
            assert_eq!(piece(&mut quick).await.unwrap(), format!("data:{number}\n\n"));
        }
        assert_eq!(feed.open_streams(), 1);
        for number in 0..64 {
            assert_eq!(piece(&mut slow).await.unwrap(), format!("data:{number}\n\n"));
        }
        assert_eq!(piece(&mut slow).await, None);
        stop.cancel();
    };
    let (ran, ()) = tokio::join!(feed.run(stop.clone()), listening);
    ran.unwrap();
}

#[tokio::test(start_paused = true)]
async fn unregistering_ends_the_callers_own_streams() {
    let feed = feed(Scripted::new());
    let router = service(&feed, PREFIX).into_router();
    let stop = Stop::new();
    let listening = async {
        let (mut own, mut others) =
            (register(&router, "ann").await, register(&router, "bob").await);
        for _ in 0..2 {
            let answer = send(&router, request(Method::GET, "unregister", Some("ann"))).await;
            assert_eq!(answer.status(), 200);
        }
        assert_eq!(piece(&mut own).await, None);
        assert_eq!(publish(&router, "a").await, 200);
        assert_eq!(piece(&mut others).await.unwrap(), "data:a\n\n");
        stop.cancel();
    };
    let (ran, ()) = tokio::join!(feed.run(stop.clone()), listening);
    ran.unwrap();
    let answer = send(&router, request(Method::GET, "register", Some("ann"))).await;
    assert_eq!(answer.status(), 503, "nobody can listen any more");
}

#[tokio::test(start_paused = true)]
async fn one_caller_cannot_take_all_places_and_gives_its_own_back() {
    let feed = feed(Scripted::new());
    let router = service(&feed, PREFIX).into_router();
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(register(&router, "ann").await);
    }
    let answer = send(&router, request(Method::GET, "register", Some("ann"))).await;
    assert_eq!(answer.status(), 429);
    drop(streams);
    assert_eq!(feed.open_streams(), 0);
    register(&router, "ann").await;
}

/// A browser on a socket.
struct Browser {
    socket: TcpStream,
    received: String,
}

impl Browser {
    async fn register(address: SocketAddr) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {PREFIX}/register HTTP/1.1\r\nHost: library\r\nX-Caller: ann\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        Browser { socket, received: String::new() }
    }

    /// Reads until this has been received so many times.
    async fn read_until(&mut self, text: &str, times: usize) {
        let reading = async {
            while self.received.matches(text).count() < times {
                let mut buffer = [0; 4096];
                let read = self.socket.read(&mut buffer).await.unwrap();
                assert!(read > 0, "the stream ended: {}", self.received);
                self.received.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
        };
        in_time(text, reading).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_begins_at_once_stays_alive_and_ends_with_the_service() {
    let feed = feed(Scripted::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Stop::new();
    let running = chassis::run(vec![vec![service(&feed, PREFIX).on(listener)]], stop.clone());
    let router = service(&feed, PREFIX).into_router();
    let listening = async {
        let begun = Instant::now();
        let mut browser = Browser::register(address).await;
        browser.read_until("\r\n\r\n", 1).await;
        assert!(begun.elapsed() < Duration::from_secs(3), "headers come at once");
        let head = browser.received.to_lowercase();
        assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
        for header in ["content-type: text/event-stream\r\n", "transfer-encoding: chunked\r\n"] {
            assert!(head.contains(header), "{head}");
        }
        browser.read_until("3\r\n:\n\n\r\n", 4).await;
        assert!(begun.elapsed() >= Duration::from_secs(60), "longer than any limit of the server");
        assert_eq!(publish(&router, "a%0Ab").await, 200);
        browser.read_until("F\r\ndata:a\ndata:b\n\n\r\n", 1).await;
        stop.cancel();
        browser.read_until("\r\n0\r\n\r\n", 1).await;
        let stopped = Instant::now();
        assert_eq!(in_time("the end", browser.socket.read(&mut [0])).await.unwrap(), 0);
        assert!(stopped.elapsed() < Duration::from_secs(1), "nothing had to be cut off");
    };
    let (ran, ()) = tokio::join!(running, listening);
    ran.unwrap();
}

#[tokio::test]
async fn a_browser_that_is_gone_leaves_its_place() {
    let feed = feed(Scripted::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Stop::new();
    let running = chassis::run(vec![vec![service(&feed, PREFIX).on(listener)]], stop.clone());
    let listening = async {
        let mut browser = Browser::register(address).await;
        browser.read_until("\r\n\r\n", 1).await;
        assert_eq!(feed.open_streams(), 1);
        drop(browser);
        eventually("the place is free", || feed.open_streams() == 0).await;
        stop.cancel();
    };
    let (ran, ()) = tokio::join!(running, listening);
    ran.unwrap();
}
