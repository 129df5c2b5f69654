//! Every mode, against a server that answers with what it is sent.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

/// A door to a server that sends everything back.
async fn echo() -> (Proxy, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::open().unwrap();
    proxy.lead_to(Some(listener.local_addr().unwrap()));
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections.spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    (proxy, serving)
}

async fn connect(proxy: &Proxy) -> std::io::Result<TcpStream> {
    timeout(PATIENCE, TcpStream::connect(proxy.address())).await.unwrap()
}

async fn ask(stream: &mut TcpStream, text: &str) -> std::io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    let mut answer = vec![0; text.len()];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap()?;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn bytes_and_ends_pass() {
    let (proxy, _server) = echo().await;
    let mut stream = connect(&proxy).await.unwrap();
    assert_eq!(ask(&mut stream, "hello").await.unwrap(), "hello");
    stream.shutdown().await.unwrap();
    let mut rest = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut rest)).await.unwrap().unwrap();
    assert_eq!(rest, "");
}

#[tokio::test]
async fn addresses_are_exchanged_on_the_way_back() {
    let (proxy, _server) = echo().await;
    proxy.swap(vec![Swap { from: b"there".into(), to: b"here!".into() }]);
    let mut stream = connect(&proxy).await.unwrap();
    assert_eq!(ask(&mut stream, "over there").await.unwrap(), "over here!");
}

#[tokio::test]
async fn a_slow_link_takes_its_time_for_each_piece() {
    let (proxy, _server) = echo().await;
    let mut stream = connect(&proxy).await.unwrap();
    proxy.set(Mode::Slow { pause: Duration::from_millis(10), bytes: 2 });
    let began = Instant::now();
    assert_eq!(ask(&mut stream, "12345678").await.unwrap(), "12345678");
    // Four pieces there and at least one back.
    assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_black_hole_gives_back_what_it_took() {
    let (proxy, _server) = echo().await;
    let mut old = connect(&proxy).await.unwrap();
    ask(&mut old, "alive").await.unwrap();
    proxy.set(Mode::BlackHole);
    old.write_all(b"old").await.unwrap();
    let mut new = connect(&proxy).await.unwrap();
    new.write_all(b"new").await.unwrap();
    let mut answer = [0; 3];
    let silence = Duration::from_millis(50);
    assert!(timeout(silence, old.read_exact(&mut answer)).await.is_err());
    assert!(timeout(silence, new.read_exact(&mut answer)).await.is_err());
    proxy.set(Mode::Pass);
    timeout(PATIENCE, old.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"old");
    timeout(PATIENCE, new.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"new");
}

#[tokio::test]
async fn a_reset_breaks_old_and_new_connections() {
    let (proxy, _server) = echo().await;
    let mut old = connect(&proxy).await.unwrap();
    ask(&mut old, "alive").await.unwrap();
    proxy.set(Mode::Reset);
    let cause = timeout(PATIENCE, old.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionReset);
    let mut new = connect(&proxy).await.unwrap();
    timeout(PATIENCE, new.read_u8()).await.unwrap().unwrap_err();
    proxy.set(Mode::Pass);
    assert_eq!(ask(&mut connect(&proxy).await.unwrap(), "again").await.unwrap(), "again");
}

#[tokio::test]
async fn nobody_listens_while_it_refuses_and_the_port_is_kept() {
    let (proxy, _server) = echo().await;
    let mut old = connect(&proxy).await.unwrap();
    ask(&mut old, "alive").await.unwrap();
    proxy.set(Mode::Refuse);
    timeout(PATIENCE, old.read_u8()).await.unwrap().unwrap_err();
    let cause = connect(&proxy).await.unwrap_err();
    assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionRefused);
    proxy.set(Mode::Pass);
    let deadline = Instant::now() + PATIENCE;
    let mut again = loop {
        match connect(&proxy).await {
            Ok(stream) => break stream,
            Err(_) => assert!(Instant::now() < deadline),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(ask(&mut again, "again").await.unwrap(), "again");
}

#[tokio::test]
async fn a_door_that_leads_nowhere_breaks_connections() {
    let (proxy, _server) = echo().await;
    proxy.lead_to(None);
    let mut stream = connect(&proxy).await.unwrap();
    timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap_err();
}
