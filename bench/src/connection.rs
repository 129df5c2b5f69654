//! One kept HTTP/1.1 connection for requests whose bytes are made beforehand: the load generator shares the machine with
//! the system under test, and whatever it spends is missing there.

mod answer;
mod line;
mod peer;

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use self::peer::PATIENCE;
pub(crate) use self::{line::Line, peer::Peer};

/// The largest answer, its head included, unless another limit is asked for.
const ANSWER_LIMIT: usize = 64 * 1024;

/// How much of a refusal is shown.
const EXCERPT: usize = 600;

/// A connection to a peer. After an error it is of no use any more.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
}

/// An answer that is here as a whole.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// How many bytes the body has, without the frames of chunks.
    pub(crate) length: usize,
    /// The other side will take no further request on this connection.
    pub(crate) last: bool,
    raw: &'a [u8],
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(peer: &Peer) -> anyhow::Result<Connection> {
        Connection::for_answers_up_to(ANSWER_LIMIT, peer).await
    }

    /// Connects to a peer whose answers have at most so many bytes each, with their heads.
    async fn for_answers_up_to(limit: usize, peer: &Peer) -> anyhow::Result<Connection> {
        let stream = timeout(PATIENCE, TcpStream::connect(&peer.addresses[..]))
            .await
            .with_context(|| {
                format!("connect to {}: no answer in {} s", peer.authority, PATIENCE.as_secs())
            })?
            .with_context(|| format!("connect to {}", peer.authority))?;
        stream.set_nodelay(true).context("send without delay")?;
        Ok(Connection { stream, buffer: vec![0; limit].into() })
    }

    /// Sends a request and reads its answer, whatever the status. The caller limits the time.
    ///
    /// # Errors
    /// When the connection ends before the answer does, or the answer is no HTTP, too large, or longer than it says.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await.context("send the request")?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                bail!("the answer is larger than {filled} bytes");
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await;
            match read.context("read the answer")? {
                0 => bail!("the connection was closed in the middle of an answer"),
                read => filled += read,
            }
            // Nearly always the first read brings the whole answer, so that beginning again costs nothing.
            if let Some(found) = answer::parse(&self.buffer[..filled])? {
                if found.end != filled {
                    bail!("{} bytes came after the answer", filled - found.end);
                }
                let answer::Found { status, length, last, .. } = found;
                return Ok(Answer { status, length, last, raw: &self.buffer[..filled] });
            }
        }
    }
}

impl Answer<'_> {
    /// The value of the first header with this name.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let lines = self.raw.split(|byte| *byte == b'\n').skip(1);
        let head = lines.map(<[u8]>::trim_ascii).take_while(|line| !line.is_empty());
        let mut headers = head.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        });
        headers
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Whether these bytes occur in the answer as it came.
    pub(crate) fn contains(&self, wanted: &[u8]) -> bool {
        self.raw.windows(wanted.len()).any(|window| window == wanted)
    }

    /// The end of the answer as it came, where its body is, for a message.
    pub(crate) fn excerpt(&self) -> String {
        let shown = &self.raw[self.raw.len().saturating_sub(EXCERPT)..];
        String::from_utf8_lossy(shown).trim().to_owned()
    }
}

#[cfg(test)]
mod tests;
