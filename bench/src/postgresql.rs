//! Just enough of PostgreSQL's protocol (version 3, trusted logins only) to make and drop a database, and to fill a table.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Who owns the databases.
pub(crate) const USER: &str = "postgres";

/// The longest message that is read.
const MESSAGE_LIMIT: usize = 64 * 1024;

/// Version 3.0.
const VERSION: i32 = 196_608;

/// Runs one statement in a database, for no longer than `patience`.
///
/// # Errors
/// Quotes the server's refusal.
pub(crate) async fn execute(
    server: SocketAddr,
    database: &str,
    sql: &str,
    patience: Duration,
) -> anyhow::Result<()> {
    let first_line = sql.trim().lines().next().unwrap_or_default();
    let done = timeout(patience, statement(server, database, sql)).await;
    done.with_context(|| format!("not done in {} s", patience.as_secs()))
        .flatten()
        .with_context(|| format!("PostgreSQL: {first_line}"))
}

async fn statement(server: SocketAddr, database: &str, sql: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(server).await.context("connect")?;
    let start = format!("user\0{USER}\0database\0{database}\0\0");
    stream.write_all(&message(None, &[&VERSION.to_be_bytes(), start.as_bytes()])).await?;
    until_ready(&mut stream).await.context("log in")?;
    stream.write_all(&message(Some(b'Q'), &[sql.as_bytes(), b"\0"])).await?;
    until_ready(&mut stream).await?;
    stream.write_all(&message(Some(b'X'), &[])).await?;
    Ok(())
}

/// A message, whose length counts itself but not its kind.
fn message(kind: Option<u8>, parts: &[&[u8]]) -> Vec<u8> {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut bytes: Vec<u8> = kind.into_iter().collect();
    bytes.extend((length as u32).to_be_bytes());
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

/// Reads until the server is ready for the next statement.
async fn until_ready(stream: &mut TcpStream) -> anyhow::Result<()> {
    let mut refusal = None;
    loop {
        let kind = stream.read_u8().await.context("the connection was closed")?;
        let length = (stream.read_u32().await? as usize).saturating_sub(4);
        if length > MESSAGE_LIMIT {
            bail!("a message of {length} bytes");
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        match kind {
            b'Z' => return refusal.map_or(Ok(()), |text: String| bail!("{text}")),
            b'E' => refusal = Some(String::from_utf8_lossy(&body).replace('\0', " ")),
            b'R' if body != [0; 4] => bail!("the server asks for a password"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{net::TcpListener, task::JoinSet};

    use super::*;

    /// A server that answers a login and a statement with these bytes.
    async fn check(login: &[u8], statement: &[u8], expected: Option<&str>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = [login.to_vec(), statement.to_vec()];
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1000];
            for answer in answers {
                assert!(stream.read(&mut buffer).await.unwrap() > 0);
                stream.write_all(&answer).await.unwrap();
            }
            // Until the other side has gone.
            let _ = stream.read(&mut buffer).await;
        });
        let outcome = execute(address, "there", "create database x", Duration::from_secs(60)).await;
        let cause = outcome.err().map(|cause| format!("{cause:#}"));
        match (&cause, expected) {
            (None, None) => {}
            (Some(cause), Some(expected)) => assert!(cause.contains(expected), "{cause}"),
            _ => panic!("{cause:?}, not {expected:?}"),
        }
    }

    #[tokio::test]
    async fn a_statement_is_done_or_its_refusal_quoted() {
        const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
        check(WELCOME, b"C\0\0\0\x06x\0Z\0\0\0\x05I", None).await;
        check(WELCOME, b"E\0\0\0\x0cno room\0Z\0\0\0\x05I", Some("no room")).await;
        check(b"R\0\0\0\x08\0\0\0\x03", b"", Some("password")).await;
    }

    #[test]
    fn a_message_counts_its_length_but_not_its_kind() {
        assert_eq!(message(Some(b'Q'), &[b"ab", b"\0"]), b"Q\0\0\0\x07ab\0");
        assert_eq!(message(None, &[b"a"]), b"\0\0\0\x05a");
    }
}
