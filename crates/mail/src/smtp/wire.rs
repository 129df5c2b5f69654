//! The bytes between us and a mail server, watched: the server answers each command once and not without end.
//! What is said before encryption must not be taken for what is said after it, and no answer may fill the memory.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// More than any answer needs, or any chain of certificates.
const MAX_ANSWER: usize = 256 * 1024;

/// A TCP connection to a mail server.
#[derive(Debug)]
pub(super) struct Wire {
    tcp: TcpStream,
    answer: Answer,
}

/// How far the server's answers to our last commands have come.
#[derive(Debug)]
struct Answer {
    received: usize,
    line_start: Vec<u8>,
    /// How many more answers are to come.
    missing: usize,
    encrypting: Encrypting,
    /// It broke the rules. There is nothing more to say then, not even goodbye.
    foul: bool,
}

#[derive(Debug, PartialEq)]
enum Encrypting {
    No,
    /// STARTTLS was the last command.
    Asked,
    /// What comes now is not ours to read.
    Yes,
}

impl Wire {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Wire { tcp, answer: Answer::default() }
    }
}

impl Default for Answer {
    /// The server speaks first.
    fn default() -> Self {
        let (line_start, encrypting) = (Vec::new(), Encrypting::No);
        Answer { received: 0, line_start, missing: 1, encrypting, foul: false }
    }
}

impl Answer {
    fn hear(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.received += bytes.len();
        if self.received > MAX_ANSWER {
            return self.fail("the mail server's answer does not end");
        }
        if self.encrypting == Encrypting::Yes {
            return Ok(());
        }
        for &byte in bytes {
            if self.missing == 0 {
                // Such bytes would be read as the first answer inside TLS, although nobody vouches for them.
                return self.fail("the mail server spoke out of turn");
            }
            match byte {
                b'\n' => {
                    self.missing -= usize::from(self.line_start.get(3) != Some(&b'-'));
                    self.line_start.clear();
                }
                _ if self.line_start.len() < 4 => self.line_start.push(byte),
                _ => {}
            }
        }
        Ok(())
    }

    fn fail(&mut self, reason: &str) -> io::Result<()> {
        self.foul = true;
        Err(io::Error::new(io::ErrorKind::InvalidData, reason))
    }

    fn speak(&mut self, bytes: &[u8]) {
        self.received = 0;
        // Only these are said together with others; the lines of a text have one answer.
        self.missing = match bytes.starts_with(b"MAIL ") {
            true => bytes.iter().filter(|byte| **byte == b'\n').count(),
            false => 1,
        };
        self.line_start.clear();
        self.encrypting = match self.encrypting {
            Encrypting::No if bytes.starts_with(b"STARTTLS") => Encrypting::Asked,
            Encrypting::No => Encrypting::No,
            Encrypting::Asked | Encrypting::Yes => Encrypting::Yes,
        };
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.tcp).poll_read(context, buffer))?;
        Poll::Ready(this.answer.hear(&buffer.filled()[before..]))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.answer.foul {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = ready!(Pin::new(&mut this.tcp).poll_write(context, bytes))?;
        this.answer.speak(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_per_command_is_heard() {
        let mut answer = Answer::default();
        answer.hear(b"220 here\r\n").unwrap();
        answer.speak(b"EHLO [127.0.0.1]\r\n");
        answer.hear(b"250-here\r\n25").unwrap();
        answer.hear(b"0 STARTTLS\r\n").unwrap();
        answer.speak(b"STARTTLS\r\n");
        answer.hear(b"220 go\r\n").unwrap();
        answer.speak(b"\x16\x03\x01");
        answer.hear(b"\n\n\n").unwrap();
    }

    #[test]
    fn commands_sent_at_once_have_an_answer_each() {
        let mut answer = Answer::default();
        answer.hear(b"220 here\r\n").unwrap();
        answer.speak(b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n");
        answer.hear(b"250 ok\r\n250-ok\r\n250 ok\r\n3").unwrap();
        answer.hear(b"54 go\r\n").unwrap();
        answer.speak(b"one\r\ntwo\r\n.\r\n");
        assert!(answer.hear(b"250 kept\r\n250 and more\r\n").is_err());
    }

    #[test]
    fn an_answer_smuggled_in_before_encryption_is_refused() {
        let mut answer = Answer::default();
        answer.speak(b"STARTTLS\r\n");
        let error = answer.hear(b"220 go\r\n250-here\r\n250 AUTH PLAIN\r\n").unwrap_err();
        assert_eq!(error.to_string(), "the mail server spoke out of turn");
    }

    #[test]
    fn an_endless_answer_is_refused() {
        let mut answer = Answer::default();
        answer.speak(b"NOOP\r\n");
        answer.hear(&vec![b'x'; MAX_ANSWER]).unwrap();
        assert!(answer.hear(b"x").is_err());
    }
}
