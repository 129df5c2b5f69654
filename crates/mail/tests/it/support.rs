//! A sink on a port of the system's choice, a client that types commands, and a server that follows a script.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use mail::Mailbox;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes, even on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn instant() -> Timestamp {
    "2026-11-24T00:52:04.123Z".parse().unwrap()
}

pub(crate) async fn open(folder: &Path) -> Mailbox {
    Mailbox::open(folder, Arc::new(instant)).await.unwrap()
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Runs a test beside a sink with an empty mailbox.
pub(crate) async fn with_sink(test: impl AsyncFnOnce(SocketAddr, Mailbox, CancellationToken)) {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = open(folder.path()).await;
    let stop = CancellationToken::new();
    with_mailbox(&mailbox, &stop, async |address| {
        test(address, mailbox.clone(), stop.clone()).await
    })
    .await;
}

/// Runs a test beside a sink, which must come to its end once it is stopped or the test is over.
pub(crate) async fn with_mailbox(
    mailbox: &Mailbox,
    stop: &CancellationToken,
    test: impl AsyncFnOnce(SocketAddr),
) {
    let (listener, address) = listen().await;
    let tested = async {
        test(address).await;
        stop.cancel();
    };
    let both =
        async { tokio::join!(mail::sink::serve(listener, mailbox.clone(), stop.clone()), tested) };
    let (served, ()) = timeout(DEADLINE, both).await.expect("the test and the sink end in time");
    served.unwrap();
}

/// A client, or the server's end of a script.
pub(crate) struct Peer<S> {
    stream: BufReader<S>,
}

impl Peer<TcpStream> {
    /// Connects and takes the greeting.
    pub(crate) async fn greeted(address: SocketAddr) -> Self {
        let mut peer = Peer::connected(address).await;
        assert!(peer.hear().await.starts_with("220 "));
        peer
    }

    pub(crate) async fn connected(address: SocketAddr) -> Self {
        Peer::new(TcpStream::connect(address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn new(stream: S) -> Self {
        Peer { stream: BufReader::new(stream) }
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream.into_inner()
    }

    pub(crate) async fn send(&mut self, text: &str) {
        timeout(DEADLINE, self.stream.write_all(text.as_bytes())).await.unwrap().unwrap();
        self.stream.flush().await.unwrap();
    }

    /// One reply, all of its lines; empty at the end of the connection.
    pub(crate) async fn hear(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line().await;
            reply.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    /// One line with its end; empty at the end of the connection.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(DEADLINE, self.stream.read_line(&mut line)).await.expect("a line in time").unwrap();
        line
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = String::new();
        timeout(DEADLINE, self.stream.read_to_string(&mut rest))
            .await
            .expect("the end in time")
            .unwrap();
        rest
    }

    /// Sends a command and checks how the reply begins.
    pub(crate) async fn ask(&mut self, command: &str, reply: &str) {
        self.send(&format!("{command}\r\n")).await;
        let heard = self.hear().await;
        assert!(
            heard.starts_with(reply),
            "{command:?} was answered with {heard:?} instead of {reply}"
        );
    }

    /// Plays the server: each expected beginning of a line with its reply. `.` stands for the rest of a mail's text. The second
    /// greeting, which asks what the server offers, need not be in the script.
    pub(crate) async fn follow(&mut self, script: &[(&str, &str)]) {
        for (expected, reply) in script {
            let mut line = self.line().await;
            if line.starts_with("EHLO") && *expected != "EHLO" {
                self.send("250 script\r\n").await;
                line = self.line().await;
            }
            while *expected == "." && line != ".\r\n" {
                line = self.line().await;
            }
            assert!(line.starts_with(expected), "heard {line:?} instead of {expected}");
            self.send(&format!("{reply}\r\n")).await;
        }
    }
}

/// Takes one connection and follows a script on it.
pub(crate) async fn scripted(listener: &TcpListener, script: &[(&str, &str)]) -> Peer<TcpStream> {
    let (stream, _) =
        timeout(DEADLINE, listener.accept()).await.expect("a client in time").unwrap();
    let mut peer = Peer::new(stream);
    peer.send("220 script\r\n").await;
    peer.follow(script).await;
    peer
}
