//! A small SMTP receiver (RFC 5321) that keeps nothing of a mail but its subject, handed on the moment it is complete.

use std::io;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Duration, sleep, timeout},
};

/// RFC 5321 §4.5.3.2.7: a server waits at least five minutes for the next command.
const IDLE: Duration = Duration::from_mins(5);

/// The longest line that is read; RFC 5321 §4.5.3.1.6 asks for 1,000.
const LINE_LIMIT: u64 = 16 * 1024;

/// The largest mail.
const MAIL_LIMIT: usize = 1 << 20;

/// How many may be connected at a time.
const CONNECTIONS: usize = 256;

const GREETING: &[u8] = b"250-bench\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 1048576\r\n";

/// Receives mails until dropped and hands every subject to `note`.
pub(crate) async fn receive(listener: TcpListener, note: impl Fn(String) + Clone + Send + 'static) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, note.clone()));
                }
                Err(cause) => {
                    eprintln!("mail receiver: {cause}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(ended) = connections.join_next() => {
                if let Ok(Err(cause)) = ended {
                    eprintln!("mail receiver: a connection broke: {cause}");
                }
            }
        }
    }
}

async fn converse(stream: TcpStream, note: impl Fn(String)) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufStream::new(stream);
    reply(&mut stream, b"220 bench\r\n").await?;
    while let Some(line) = next_line(&mut stream).await? {
        let verb: Vec<u8> = line
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .map(u8::to_ascii_uppercase)
            .collect();
        match verb.as_slice() {
            b"EHLO" => reply(&mut stream, GREETING).await?,
            b"HELO" | b"MAIL" | b"RCPT" | b"RSET" | b"NOOP" => {
                reply(&mut stream, b"250 ok\r\n").await?
            }
            b"DATA" => {
                reply(&mut stream, b"354 go on\r\n").await?;
                let Some(subject) = read_mail(&mut stream).await? else { return Ok(()) };
                note(subject);
                reply(&mut stream, b"250 ok\r\n").await?;
            }
            b"QUIT" => return reply(&mut stream, b"221 bye\r\n").await,
            _ => reply(&mut stream, b"502 not here\r\n").await?,
        }
    }
    Ok(())
}

async fn reply(stream: &mut BufStream<TcpStream>, text: &[u8]) -> io::Result<()> {
    stream.write_all(text).await?;
    stream.flush().await
}

/// The subject of the mail that follows, or nothing when the other side left before its end.
async fn read_mail(stream: &mut BufStream<TcpStream>) -> io::Result<Option<String>> {
    let mut subject = Vec::new();
    let (mut size, mut in_header, mut in_subject) = (0, true, false);
    while let Some(line) = next_line(stream).await? {
        if line == b"." {
            return Ok(Some(String::from_utf8_lossy(&subject).trim().to_owned()));
        }
        size += line.len();
        if size > MAIL_LIMIT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a mail over 1 MiB"));
        }
        in_header &= !line.is_empty();
        // A long subject goes on in the next line, which then begins with white space (RFC 5322 §2.2.3).
        in_subject = in_header
            && if line.starts_with(b" ") || line.starts_with(b"\t") {
                in_subject
            } else {
                is_subject(&line)
            };
        if in_subject {
            subject.extend_from_slice(line.get(8..).filter(|_| is_subject(&line)).unwrap_or(&line));
        }
    }
    Ok(None)
}

fn is_subject(line: &[u8]) -> bool {
    line.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"subject:"))
}

/// The next line without its end, or nothing when the other side has closed.
async fn next_line(stream: &mut BufStream<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut limited = stream.take(LINE_LIMIT);
    timeout(IDLE, limited.read_until(b'\n', &mut line)).await??;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a line that is too long or has no end",
        ));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}
