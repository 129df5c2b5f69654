//! A signal stops the program in good order and soon; a second one at once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::program::{Ended, Program, System};

/// How long a stop may take.
const STOP: Duration = Duration::from_secs(5);

/// How long a caller waits for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// The exit code after a second signal.
const ABORTED: i32 = 130;

/// A `PUT` whose body has come halfway.
struct HalfSent {
    connection: TcpStream,
    rest: Vec<u8>,
}

impl HalfSent {
    /// Sends it to a part, below whose prefix the store service's own paths are.
    async fn begin(system: &System, part: &str, prefix: &str, token: &str) -> HalfSent {
        let id = system.api.create_store(token, "Candle Shop").await;
        let body = format!(
            r#"{{"id":"{id}","name":"Late Shop","address":"1 Wax Street","createTimestamp":"2022-09-05T18:08:31.546Z"}}"#
        );
        let address = host(system, part);
        let head = format!(
            "PUT {prefix}/api/stores/{id} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            body.len()
        );
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        // The server asks for the body when its handler waits for it: from then on the request is in flight.
        let asked = read_until(&mut connection, "\r\n\r\n").await;
        assert!(asked.starts_with("HTTP/1.1 100 "), "{asked}");
        let (half, rest) = body.as_bytes().split_at(body.len() / 2);
        connection.write_all(half).await.unwrap();
        HalfSent { connection, rest: rest.to_vec() }
    }

    /// Sends the rest, and answers the first line of the response.
    async fn finish(mut self) -> String {
        self.connection.write_all(&self.rest).await.unwrap();
        let head = read_until(&mut self.connection, "\r\n\r\n").await;
        head.lines().next().unwrap_or_default().to_owned()
    }
}

fn host<'a>(system: &'a System, part: &str) -> &'a str {
    system.api.at(part).trim_start_matches("http://")
}

async fn read_until(connection: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let byte = timeout(ANSWER, connection.read_u8()).await.expect("an answer in time");
        let Ok(byte) = byte else { break };
        text.push(byte.into());
    }
    text
}

/// A connection that has had an answer and stays open.
async fn idle(system: &System, part: &str) -> TcpStream {
    let address = host(system, part);
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /management/health HTTP/1.1\r\nHost: {address}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let answer = read_until(&mut connection, "}").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    connection
}

async fn ended_in_time(program: Program, begun: Instant, limit: Duration) -> Ended {
    let ended = program.end().await;
    let took = begun.elapsed();
    assert!(took <= limit, "took {took:?}: {}", ended.err);
    ended
}

/// Stops a system to which connections of every kind are open, one of them with a request in flight.
async fn stop_with(signal: Signal, finishes: bool) {
    let folder = tempfile::tempdir().unwrap();
    let system = System::start(folder.path(), &[], &[]).await;
    let token = system.api.token().await;
    let idle = [idle(&system, "store").await, idle(&system, "gateway").await];
    let silent = TcpStream::connect(host(&system, "alert")).await.unwrap();
    let mut mail = TcpStream::connect(system.api.at("smtp")).await.unwrap();
    assert!(read_until(&mut mail, "\r\n").await.starts_with("220 "));
    let request = HalfSent::begin(&system, "store", "", &token).await;

    let begun = Instant::now();
    system.program.signal(signal);
    system.program.says("stopping").await;
    let program = system.program;
    let ended = if finishes {
        assert_eq!(request.finish().await, "HTTP/1.1 200 OK", "what is in flight is finished");
        ended_in_time(program, begun, STOP).await
    } else {
        let ended = ended_in_time(program, begun, STOP).await;
        drop(request);
        ended
    };
    assert_eq!(ended.code, Some(0), "{signal:?} {finishes}: {}", ended.err);
    drop((idle, silent, mail));
    if finishes {
        announced_after_the_next_start(folder.path()).await;
    }
}

/// What was committed while the program was stopping is not forgotten.
async fn announced_after_the_next_start(folder: &std::path::Path) {
    let system = System::start(folder, &[], &[]).await;
    let token = system.api.token().await;
    crate::program::until("the alert of the last request", async || {
        system.api.alerts(&token).await.contains(&"Late Shop".to_owned()).then_some(())
    })
    .await;
    system.stop().await;
}

#[tokio::test]
async fn terminate_finishes_what_is_in_flight() {
    stop_with(Signal::TERM, true).await;
}

#[tokio::test]
async fn interrupt_finishes_what_is_in_flight() {
    stop_with(Signal::INT, true).await;
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_up_the_stop() {
    stop_with(Signal::TERM, false).await;
}

#[tokio::test]
async fn connections_without_a_request_do_not_hold_up_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::start(folder.path(), &[], &[]).await;
    let _idle = [idle(&system, "store").await, idle(&system, "gateway").await];
    let _silent = TcpStream::connect(host(&system, "alert")).await.unwrap();
    let begun = Instant::now();
    system.program.signal(Signal::TERM);
    let ended = ended_in_time(system.program, begun, Duration::from_secs(2)).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}

/// A `GET` through the gateway whose headers have come halfway.
async fn half_a_head(system: &System, token: &str) -> TcpStream {
    let mut connection = TcpStream::connect(host(system, "gateway")).await.unwrap();
    let half =
        format!("GET /services/store/api/stores HTTP/1.1\r\nAuthorization: Bearer {token}\r\n");
    connection.write_all(half.as_bytes()).await.unwrap();
    connection
}

#[tokio::test]
async fn what_is_in_flight_at_the_gateway_still_finds_the_services() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::start(folder.path(), &[], &[]).await;
    let token = system.api.token().await;
    let mut head = half_a_head(&system, &token).await;
    let body = HalfSent::begin(&system, "gateway", "/services/store", &token).await;
    let begun = Instant::now();
    system.program.signal(Signal::TERM);
    crate::program::until("the gateway takes no new callers", async || {
        TcpStream::connect(host(&system, "gateway")).await.is_err().then_some(())
    })
    .await;
    head.write_all(b"Host: x\r\n\r\n").await.unwrap();
    let answer = read_until(&mut head, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(body.finish().await, "HTTP/1.1 200 OK");
    drop(head);
    let ended = ended_in_time(system.program, begun, STOP).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    announced_after_the_next_start(folder.path()).await;
}

fn mails(folder: &std::path::Path) -> usize {
    let files = std::fs::read_dir(folder.join("data/mails")).unwrap();
    files
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == "eml"))
        .count()
}

#[tokio::test]
async fn mails_under_way_find_the_mail_server_until_the_end_or_wait_for_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::start(folder.path(), &[], &[]).await;
    let token = system.api.token().await;
    let ids = join_all((0..16).map(|_| system.api.create_store(&token, "Shop"))).await;
    let crowd = join_all(ids.iter().map(async |id| {
        let mut acknowledged = 0;
        while let Ok(answer) = system.api.update_store(&token, id, "Shop").await
            && answer.status().is_success()
        {
            acknowledged += 1;
        }
        acknowledged
    }));
    let stopping = async {
        crate::program::until("mails flow", async || (mails(folder.path()) >= 20).then_some(()))
            .await;
        system.program.signal(Signal::TERM);
    };
    let (acknowledged, ()) = tokio::join!(crowd, stopping);
    let acknowledged: usize = acknowledged.into_iter().sum();
    let ended = system.program.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for trouble in ["refused", "failed", "cut off"] {
        assert!(!ended.err.contains(trouble), "{trouble}: {}", ended.err);
    }
    let system = System::start(folder.path(), &[], &[]).await;
    crate::program::until("every mail", async || {
        (mails(folder.path()) >= acknowledged).then_some(())
    })
    .await;
    system.stop().await;
}

#[tokio::test]
async fn a_second_signal_aborts_at_once() {
    for (first, second) in [(Signal::INT, Signal::INT), (Signal::TERM, Signal::INT)] {
        let folder = tempfile::tempdir().unwrap();
        let system = System::start(folder.path(), &[], &[]).await;
        let token = system.api.token().await;
        let _request = HalfSent::begin(&system, "store", "", &token).await;
        system.program.signal(first);
        system.program.says("a second signal aborts").await;
        let begun = Instant::now();
        system.program.signal(second);
        let ended = ended_in_time(system.program, begun, Duration::from_secs(1)).await;
        assert_eq!(ended.code, Some(ABORTED), "{}", ended.err);
    }
}
