//! One client's connection: commands in their order, and the transaction they build up.

use std::{io, net::SocketAddr};

use tokio::net::TcpStream;
use tracing::{error, info};

use super::{
    command::{self, Command},
    content::Fault,
    lines::Line,
    talk::{Ending, Stopping, Talk},
};
use crate::mailbox::{Envelope, Mailbox, subject_line};

/// The largest mail.
const MAX_SIZE: usize = 1024 * 1024;

/// RFC 5321 §4.5.3.1.8.
const MAX_RECIPIENTS: usize = 100;

/// A client that makes more mistakes is not one.
const MAX_MISTAKES: u32 = 20;

/// A connection with a client.
pub(super) struct Session<'a> {
    talk: Talk<'a>,
    peer: SocketAddr,
    mailbox: &'a Mailbox,
    hello: Option<Hello>,
    transaction: Option<Transaction>,
    mistakes: u32,
}

struct Hello {
    client: String,
    extended: bool,
}

struct Transaction {
    from: String,
    to: Vec<String>,
    utf8: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        mailbox: &'a Mailbox,
        stopping: &'a Stopping,
    ) -> Self {
        Session {
            talk: Talk::new(stream, stopping),
            peer,
            mailbox,
            hello: None,
            transaction: None,
            mistakes: 0,
        }
    }

    /// Converses until one side has had enough.
    pub(super) async fn serve(mut self) -> io::Result<()> {
        match self.converse().await {
            Ending::Done => self.talk.flush().await,
            Ending::Farewell(reply) => {
                self.talk.reply(reply);
                self.talk.flush().await
            }
            Ending::Lost(error) => Err(error),
        }
    }

    async fn converse(&mut self) -> Ending {
        self.talk.reply("220 localhost ESMTP mail sink ready");
        loop {
            let line = match self.transaction {
                None => self.talk.line().await,
                Some(_) => self.talk.line_of_transaction().await,
            };
            let line = match line {
                Ok(line) => line,
                Err(ending) => return ending,
            };
            let handled = match line {
                Line::Text(line) => self.obey(&line).await,
                Line::TooLong => self.mistake("500 5.5.2 line too long"),
                Line::Malformed => self.mistake(
                    "500 5.5.2 control characters, bare line breaks or bad UTF-8 in a command",
                ),
                Line::Endless => {
                    Err(Ending::Farewell("421 4.7.0 line too long, closing the connection"))
                }
            };
            if let Err(ending) = handled {
                return ending;
            }
        }
    }

    async fn obey(&mut self, line: &str) -> Result<(), Ending> {
        match command::parse(line) {
            Err(refusal) => self.mistake(refusal),
            Ok(Command::Hello { extended, client }) => {
                self.transaction = None;
                self.hello = Some(Hello { client, extended });
                self.talk.reply(if extended { EXTENSIONS } else { "250 localhost" });
                Ok(())
            }
            Ok(Command::Mail { from, size, utf8 }) => self.begin(from, size, utf8),
            Ok(Command::Recipient(to)) => self.add(to),
            Ok(Command::Data) => self.data().await,
            Ok(Command::Reset) => {
                self.transaction = None;
                self.talk.reply("250 2.0.0 forgotten");
                Ok(())
            }
            Ok(Command::Noop) => self.answer("250 2.0.0 nothing done"),
            Ok(Command::Verify) => self.answer("252 2.5.0 cannot verify, but will take the mail"),
            Ok(Command::Help) => self.answer(
                "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT; see RFC 5321",
            ),
            Ok(Command::Quit) => {
                self.talk.reply("221 2.0.0 goodbye");
                Err(Ending::Done)
            }
        }
    }

    fn begin(&mut self, from: String, size: Option<u64>, utf8: bool) -> Result<(), Ending> {
        if self.hello.is_none() {
            return self.mistake("503 5.5.1 say EHLO first");
        }
        if self.transaction.is_some() {
            return self.mistake("503 5.5.1 a mail has begun already; RSET forgets it");
        }
        if size.is_some_and(|size| size > MAX_SIZE as u64) {
            return self.answer(TOO_LARGE);
        }
        if !utf8 && !from.is_ascii() {
            return self.answer(NEEDS_UTF8);
        }
        self.transaction = Some(Transaction { from, to: Vec::new(), utf8 });
        self.answer("250 2.1.0 sender noted")
    }

    fn add(&mut self, to: String) -> Result<(), Ending> {
        let Some(transaction) = &mut self.transaction else {
            return self.mistake("503 5.5.1 say MAIL first");
        };
        if transaction.to.len() >= MAX_RECIPIENTS {
            return self.answer("452 4.5.3 too many recipients");
        }
        if !transaction.utf8 && !to.is_ascii() {
            return self.answer(NEEDS_UTF8);
        }
        transaction.to.push(to);
        self.answer("250 2.1.5 recipient noted")
    }

    async fn data(&mut self) -> Result<(), Ending> {
        if self.transaction.as_ref().is_none_or(|transaction| transaction.to.is_empty()) {
            return self.mistake("503 5.5.1 say MAIL and RCPT first");
        }
        self.talk.reply("354 end with a line that holds only a dot");
        let content = self.talk.content(MAX_SIZE).await?;
        match content.finish() {
            Ok(bytes) => self.keep(&bytes).await,
            Err(fault) => {
                self.transaction = None;
                self.answer(match fault {
                    Fault::TooLarge => TOO_LARGE,
                    Fault::BareLineBreak => {
                        "554 5.6.0 the mail holds a bare CR or LF, which RFC 5321 section 2.3.8 forbids"
                    }
                })
            }
        }
    }

    async fn keep(&mut self, content: &[u8]) -> Result<(), Ending> {
        let (Some(transaction), Some(hello)) = (self.transaction.take(), &self.hello) else {
            return self.mistake("503 5.5.1 say MAIL and RCPT first");
        };
        let protocol = match (transaction.utf8, hello.extended) {
            (true, _) => "UTF8SMTP",
            (false, true) => "ESMTP",
            (false, false) => "SMTP",
        };
        let envelope = Envelope {
            client: hello.client.clone(),
            peer: self.peer.ip().to_string(),
            protocol,
            from: transaction.from,
            to: transaction.to,
        };
        match self.mailbox.keep(&envelope, content).await {
            Ok(name) => {
                let subject = subject_line(content);
                info!(target: "Mail", { mail.file = %name }, "accepted mail {subject}");
                self.talk.reply(&format!("250 2.0.0 kept as {name}"));
            }
            Err(error) => {
                error!("the mail sink could not keep a mail, the client may try again: {error:#}");
                self.talk.reply("451 4.3.0 could not keep the mail");
            }
        }
        Ok(())
    }

    fn mistake(&mut self, reply: &'static str) -> Result<(), Ending> {
        self.mistakes += 1;
        if self.mistakes > MAX_MISTAKES {
            return Err(Ending::Farewell("421 4.7.0 too many mistakes, closing the connection"));
        }
        self.answer(reply)
    }

    fn answer(&mut self, reply: &'static str) -> Result<(), Ending> {
        self.talk.reply(reply);
        Ok(())
    }
}

/// RFC 1870, 2034, 2920, 6152, 6531; the sink takes any octet, so the last two cost nothing.
const EXTENSIONS: &str = "250-localhost\r\n250-PIPELINING\r\n250-SIZE 1048576\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
                          250-ENHANCEDSTATUSCODES\r\n250 HELP";
const TOO_LARGE: &str = "552 5.3.4 the mail is larger than 1048576 octets";
const NEEDS_UTF8: &str = "553 5.6.7 an address beyond ASCII needs MAIL with SMTPUTF8";
