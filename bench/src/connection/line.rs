//! A line to a peer: a kept connection, and a new one when the peer has ended it in good order.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use tokio::time::timeout;

use super::{ANSWER_LIMIT, Answer, Connection, Peer};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A line to a peer, over which one request is answered after the other.
pub(crate) struct Line {
    peer: Arc<Peer>,
    connection: Connection,
    /// The connection takes no further request.
    ended: bool,
    limit: usize,
}

impl Line {
    /// Connects.
    pub(crate) async fn open(peer: &Arc<Peer>) -> anyhow::Result<Line> {
        Line::for_answers_up_to(ANSWER_LIMIT, peer).await
    }

    /// Connects to a peer whose answers have at most so many bytes each, with their heads.
    pub(crate) async fn for_answers_up_to(limit: usize, peer: &Arc<Peer>) -> anyhow::Result<Line> {
        let connection = Connection::for_answers_up_to(limit, peer).await?;
        Ok(Line { peer: Arc::clone(peer), connection, ended: false, limit })
    }

    /// Sends a request and reads its answer, whatever the status, within ten seconds.
    ///
    /// # Errors
    /// As [`Connection::exchange`]; the next request then goes over a new connection.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        let asking = timeout(PATIENCE, self.exchange(request)).await;
        asking.with_context(|| format!("no answer in {} s", PATIENCE.as_secs()))?
    }

    /// As [`Line::ask`], without a limit of time, which the caller sets.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        if self.ended {
            self.connection = Connection::for_answers_up_to(self.limit, &self.peer).await?;
        }
        // Stays so when the exchange fails, or is given up in its middle.
        self.ended = true;
        let answer = self.connection.exchange(request).await?;
        self.ended = answer.last;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Asks twice; each connection of the peer answers once with `answer` and then waits. Returns the statuses.
    async fn ask_twice(answer: &str) -> [Option<u16>; 2] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Peer::find(&format!("http://{}", listener.local_addr().unwrap())).await.unwrap();
        let answering = async {
            let mut connections = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.read_exact(&mut [0; 4]).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                connections.push(stream);
            }
        };
        let asking = async {
            let mut line = Line::open(&Arc::new(peer)).await.unwrap();
            let mut statuses = [None; 2];
            for status in &mut statuses {
                *status = line.ask(b"ping").await.ok().map(|answer| answer.status);
            }
            statuses
        };
        tokio::join!(answering, asking).1
    }

    #[tokio::test]
    async fn a_connection_that_ended_is_replaced() {
        let last = "HTTP/1.1 204 \r\nconnection: close\r\n\r\n";
        assert_eq!(ask_twice(last).await, [Some(204), Some(204)]);
        assert_eq!(ask_twice("250 ok\r\n\r\n").await, [None, None]);
    }
}
