//! A small SMTP receiver (RFC 5321) that keeps little of a mail, hands that on the moment it is complete, and answers as it
//! is told to.

mod mail;

use std::io;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Duration, sleep, timeout},
};

pub(crate) use self::mail::Mail;

/// RFC 5321 §4.5.3.2.7: a server waits at least five minutes for the next command.
const IDLE: Duration = Duration::from_mins(5);

/// The longest line that is read; RFC 5321 §4.5.3.1.6 asks for 1,000.
const LINE_LIMIT: u64 = 16 * 1024;

/// The largest mail.
const MAIL_LIMIT: usize = 1 << 20;

/// The most recipients of one mail; RFC 5321 §4.5.3.1.8 asks for 100.
const RECIPIENTS_LIMIT: usize = 100;

/// How many may be connected at a time.
const CONNECTIONS: usize = 256;

const GREETING: &[u8] =
    b"250-bench\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 1048576\r\n";

/// What a mail is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accept,
    /// Not now (451).
    Later,
    /// Never (550).
    Refuse,
    /// The connection is closed instead.
    Nothing,
}

/// Receives mails until dropped; `take` gets every one of them and decides how it is answered, and when.
pub(crate) async fn receive<F>(
    listener: TcpListener,
    take: impl Fn(Mail) -> F + Clone + Send + 'static,
) where
    F: Future<Output = Answer> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, take.clone()));
                }
                Err(cause) => {
                    eprintln!("mail receiver: {cause}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            // A connection that breaks is the sending side's to complain about: what it had sent has not arrived.
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse<F: Future<Output = Answer>>(
    stream: TcpStream,
    take: impl Fn(Mail) -> F,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufStream::new(stream);
    reply(&mut stream, b"220 bench\r\n").await?;
    let mut recipients = Vec::new();
    while let Some(line) = next_line(&mut stream).await? {
        let verb: Vec<u8> = line
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .map(u8::to_ascii_uppercase)
            .collect();
        match verb.as_slice() {
            b"EHLO" => reply(&mut stream, GREETING).await?,
            b"RCPT" if recipients.len() == RECIPIENTS_LIMIT => {
                reply(&mut stream, b"452 too many\r\n").await?
            }
            b"RCPT" => {
                recipients.extend(mail::address(&line));
                reply(&mut stream, b"250 ok\r\n").await?
            }
            b"HELO" | b"MAIL" | b"RSET" | b"NOOP" => {
                if verb != b"NOOP" {
                    recipients.clear();
                }
                reply(&mut stream, b"250 ok\r\n").await?
            }
            b"DATA" => {
                reply(&mut stream, b"354 go on\r\n").await?;
                let Some(mut mail) = read_mail(&mut stream).await? else { return Ok(()) };
                mail.recipients = std::mem::take(&mut recipients);
                match take(mail).await {
                    Answer::Accept => reply(&mut stream, b"250 ok\r\n").await?,
                    Answer::Later => reply(&mut stream, b"451 not now\r\n").await?,
                    Answer::Refuse => reply(&mut stream, b"550 never\r\n").await?,
                    Answer::Nothing => return Ok(()),
                }
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

/// The mail that follows, without its recipients, or nothing when the other side left before its end.
async fn read_mail(stream: &mut BufStream<TcpStream>) -> io::Result<Option<Mail>> {
    let (mut reading, mut size) = (mail::Reading::default(), 0);
    while let Some(line) = next_line(stream).await? {
        if line == b"." {
            return Ok(Some(reading.end()));
        }
        size += line.len();
        if size > MAIL_LIMIT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a mail over 1 MiB"));
        }
        reading.line(&line);
    }
    Ok(None)
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
