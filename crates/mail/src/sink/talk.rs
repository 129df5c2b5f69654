//! The two directions of a client's connection: lines and mails in, replies out, and when to give up.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    content::{Content, Progress},
    lines::{Line, Lines},
};

/// RFC 5321 §4.5.3.2.7.
const PATIENCE: Duration = Duration::from_secs(300);

const STOPPING: &str = "421 4.3.2 the mail sink is stopping";

/// Tells sessions to end.
#[derive(Debug)]
pub(super) struct Stopping {
    /// After the transaction that has begun.
    pub(super) soon: CancellationToken,
    /// At once.
    pub(super) now: CancellationToken,
}

/// Why a conversation ends.
pub(super) enum Ending {
    /// Nothing more to say.
    Done,
    /// With a last word.
    Farewell(&'static str),
    /// The connection is gone.
    Lost(io::Error),
}

/// A connection with a client.
pub(super) struct Talk<'a> {
    stream: TcpStream,
    stopping: &'a Stopping,
    lines: Lines,
    replies: Vec<u8>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(stream: TcpStream, stopping: &'a Stopping) -> Self {
        Talk { stream, stopping, lines: Lines::default(), replies: Vec::new() }
    }

    /// Says something; it goes out when nothing is left to read, so that a client may send commands in one piece
    /// (RFC 2920).
    pub(super) fn reply(&mut self, reply: &str) {
        self.replies.extend_from_slice(reply.as_bytes());
        self.replies.extend_from_slice(b"\r\n");
    }

    /// The next line, while no transaction has begun.
    pub(super) async fn line(&mut self) -> Result<Line, Ending> {
        let stop = &self.stopping.soon;
        if stop.is_cancelled() {
            return Err(Ending::Farewell(STOPPING));
        }
        self.next_line(stop).await
    }

    /// The next line of a transaction, which may come to its end after the stop.
    pub(super) async fn line_of_transaction(&mut self) -> Result<Line, Ending> {
        self.next_line(&self.stopping.now).await
    }

    /// Reads a mail's text up to its end.
    pub(super) async fn content(&mut self, limit: usize) -> Result<Content, Ending> {
        let mut content = Content::new(limit);
        loop {
            match content.take(&self.lines.pending) {
                Progress::More => self.lines.pending.clear(),
                Progress::Ended(used) => {
                    self.lines.pending.drain(..used);
                    return Ok(content);
                }
                Progress::Endless => {
                    return Err(Ending::Farewell(
                        "421 4.3.4 mail too large, closing the connection",
                    ));
                }
            }
            self.more(&self.stopping.now).await?;
        }
    }

    /// Sends what is to be sent.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        let replies = std::mem::take(&mut self.replies);
        timeout(PATIENCE, self.stream.write_all(&replies)).await?
    }

    async fn next_line(&mut self, stop: &CancellationToken) -> Result<Line, Ending> {
        loop {
            if let Some(line) = self.lines.next() {
                return Ok(line);
            }
            self.more(stop).await?;
        }
    }

    /// Sends what is to be sent and waits for more to read.
    async fn more(&mut self, stop: &CancellationToken) -> Result<(), Ending> {
        self.flush().await.map_err(Ending::Lost)?;
        let read = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Ending::Farewell(STOPPING)),
            read = timeout(PATIENCE, self.stream.read_buf(&mut self.lines.pending)) => read,
        };
        match read {
            Ok(Ok(0)) => Err(Ending::Done),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Ending::Lost(error)),
            Err(_) => Err(Ending::Farewell(
                "421 4.4.2 nothing heard for five minutes, closing the connection",
            )),
        }
    }
}
