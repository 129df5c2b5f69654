//! One mail over one connection, and what the server's answers mean for it.

use std::{fmt::Display, time::Duration};

use anyhow::anyhow;
use futures_util::{FutureExt, future::BoxFuture};
use lettre::transport::smtp::{
    self,
    client::AsyncSmtpConnection,
    commands::{Data, Mail, Quit, Rcpt, Rset},
    extension::{Extension, MailBodyParameter, MailParameter},
    response::Response,
};
use tokio::time::timeout;

use super::end::End;
use crate::compose::Composed;

/// Longer words of a server are cut: they end in a log line or beside a kept message.
const MAX_WORDS: usize = 300;

/// Why a mail was not delivered.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server will never take this mail; the connection is good.
    Refused(anyhow::Error),
    /// It was not tried: its turn has not come, or this process stops.
    NoTurn(anyhow::Error),
    /// The server does not take this mail now; the connection is good.
    Later(anyhow::Error),
    /// The connection, or the server, is of no use at the moment.
    Broken(anyhow::Error),
}

/// How far a mail has come.
pub(super) enum Sent {
    /// It is known what became of it.
    Answered(Result<(), Trouble>),
    /// The server has the text and says nothing yet.
    Unanswered(Acceptance),
}

/// The wait for a server's word on a text that it has. Dropping it breaks the connection off.
pub(super) struct Acceptance(BoxFuture<'static, (Result<(), Trouble>, Connection)>);

/// A connection on which mails can be sent, one after the other.
pub(super) struct Connection {
    smtp: AsyncSmtpConnection,
    /// Whether the server takes several commands at once (RFC 2920).
    pipelining: bool,
    /// Whether nobody knows what the server takes the next command for.
    is_out_of_step: bool,
    timeout: Duration,
    accept_timeout: Duration,
}

impl Connection {
    pub(super) fn new(
        smtp: AsyncSmtpConnection,
        pipelining: bool,
        timeout: Duration,
        accept_timeout: Duration,
    ) -> Self {
        Connection { smtp, pipelining, is_out_of_step: false, timeout, accept_timeout }
    }

    /// Sends a mail; gives the connection back if it can be used again. Waits for the last answer no longer than for
    /// any other: a server that takes longer leaves the mail unanswered. At the end of the process there is little time left.
    pub(super) async fn send(mut self, mail: &Composed, end: &End) -> (Sent, Option<Connection>) {
        let patience = self.timeout;
        let prepared = end.or(self.prepare(mail)).await;
        let (outcome, mut connection) = match prepared.unwrap_or_else(|| Err(stopped())) {
            Err(trouble) => (Err(trouble), self),
            Ok(refused) => {
                let mut acceptance = self.hand_over(mail.content.clone(), refused);
                let answer = timeout(patience, &mut acceptance.0);
                match end.or(answer).await {
                    Some(Ok(answered)) => answered,
                    Some(Err(_)) | None => return (Sent::Unanswered(acceptance), None),
                }
            }
        };
        let usable = match outcome {
            Ok(()) => true,
            Err(Trouble::Refused(_) | Trouble::Later(_) | Trouble::NoTurn(_)) => {
                !connection.is_out_of_step && connection.ask("RSET", Rset).await.is_ok()
            }
            Err(Trouble::Broken(_)) => false,
        };
        (Sent::Answered(outcome), usable.then_some(connection))
    }

    /// Says goodbye as RFC 5321 §4.1.1.10 wants; the answer does not matter.
    pub(super) async fn close(mut self) {
        let _ = self.ask("QUIT", Quit).await;
    }

    /// Says everything before the text; answers why some of the recipients were refused.
    async fn prepare(&mut self, mail: &Composed) -> Result<Refusals, Trouble> {
        let from = Mail::new(Some(mail.from.clone()), self.parameters(mail)?);
        let (total, mut reasons) = (mail.to.len(), Vec::new());
        match &mail.to[..] {
            [recipient] if self.pipelining => {
                self.at_once(from, Rcpt::new(recipient.clone(), Vec::new())).await?;
            }
            _ => {
                self.ask("MAIL", from).await?;
                reasons = self.name_recipients(mail).await?;
                goes_on(&self.ask("DATA", Data).await?)?;
            }
        }
        Ok(Refusals { total, reasons })
    }

    /// Says everything before the text in one piece, so that the server is waited for once, and not three times.
    async fn at_once(&mut self, from: Mail, to: Rcpt) -> Result<(), Trouble> {
        let sender = self.ask("MAIL", format!("{from}{to}{Data}")).await;
        if matches!(sender, Err(Trouble::Broken(_))) {
            return sender.map(drop);
        }
        let recipient = self.hear("RCPT").await;
        if matches!(recipient, Err(Trouble::Broken(_))) {
            self.is_out_of_step = true;
            return sender.and(recipient).map(drop);
        }
        let (is_named, data) = (recipient.is_ok(), self.hear("DATA").await);
        let Err(refused) = sender.and(recipient) else { return goes_on(&data?) };
        self.is_out_of_step = match data {
            // It takes the text of a mail for nobody, and has to be given one (RFC 2920 §3.1).
            Ok(_) if !is_named => {
                matches!(self.ask("the end", ".\r\n").await, Err(Trouble::Broken(_)))
            }
            Ok(_) | Err(Trouble::Broken(_)) => true,
            Err(_) => false,
        };
        Err(refused)
    }

    /// Sends the text, whose answer may take long (RFC 5321 §4.5.3.2.6).
    fn hand_over(mut self, content: String, refused: Refusals) -> Acceptance {
        let answered = async move {
            let limit = self.accept_timeout;
            let answer = self.ask_within(limit, "the mail", Content(&content)).await;
            (answer.and_then(|_| refused.outcome()), self)
        };
        Acceptance(answered.boxed())
    }

    fn parameters(&self, mail: &Composed) -> Result<Vec<MailParameter>, Trouble> {
        if !mail.needs_utf8() {
            return Ok(Vec::new());
        }
        let server = self.smtp.server_info();
        if !(server.supports_feature(Extension::SmtpUtfEight)
            && server.supports_feature(Extension::EightBitMime))
        {
            return Err(Trouble::Refused(anyhow!(
                "an address of the mail is not ASCII, and the mail server does not offer SMTPUTF8"
            )));
        }
        Ok(vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)])
    }

    /// Names the recipients, of whom there is more than one only in mails of the first version; answers why some of them were
    /// refused, unless all of them were.
    async fn name_recipients(&mut self, mail: &Composed) -> Result<Vec<String>, Trouble> {
        let total = mail.to.len();
        let mut refused = Vec::new();
        for (index, recipient) in mail.to.iter().enumerate() {
            match self.ask("RCPT", Rcpt::new(recipient.clone(), Vec::new())).await {
                Ok(_) => {}
                Err(Trouble::Refused(error)) if total > 1 => {
                    refused.push(format!("recipient {} of {total}: {error:#}", index + 1))
                }
                Err(other) => return Err(other),
            }
        }
        if refused.len() == total {
            return Err(Trouble::Refused(anyhow!(refused.join("; "))));
        }
        Ok(refused)
    }

    async fn ask(&mut self, what: &str, command: impl Display) -> Result<Response, Trouble> {
        self.ask_within(self.timeout, what, command).await
    }

    async fn ask_within(
        &mut self,
        limit: Duration,
        what: &str,
        command: impl Display,
    ) -> Result<Response, Trouble> {
        within(limit, what, self.smtp.command(command)).await
    }

    /// The answer to one of several commands that were sent at once.
    async fn hear(&mut self, what: &str) -> Result<Response, Trouble> {
        within(self.timeout, what, self.smtp.read_response()).await
    }
}

async fn within(
    limit: Duration,
    what: &str,
    answer: impl Future<Output = Result<Response, smtp::Error>>,
) -> Result<Response, Trouble> {
    match timeout(limit, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(understand(what, &error)),
        Err(_) => {
            Err(Trouble::Broken(anyhow!("the mail server did not answer {what} within {limit:?}")))
        }
    }
}

/// Whether the text can follow on the answer to DATA.
fn goes_on(answer: &Response) -> Result<(), Trouble> {
    match answer.has_code(354) {
        true => Ok(()),
        false => {
            Err(Trouble::Broken(anyhow!("the mail server answered DATA with {}", answer.code())))
        }
    }
}

impl Acceptance {
    /// What the server said, if it has; and the connection, if another mail can follow on it at once.
    pub(super) fn answer(&mut self) -> Option<(Result<(), Trouble>, Option<Connection>)> {
        let (outcome, connection) = (&mut self.0).now_or_never()?;
        let usable = outcome.is_ok();
        Some((outcome, usable.then_some(connection)))
    }
}

pub(super) fn stopped() -> Trouble {
    Trouble::Broken(anyhow!("this process stops"))
}

/// Recipients that the server did not take, of all.
struct Refusals {
    total: usize,
    reasons: Vec<String>,
}

impl Refusals {
    /// What it means for the mail once the server has it.
    fn outcome(self) -> Result<(), Trouble> {
        if self.reasons.is_empty() {
            return Ok(());
        }
        let (delivered, total) = (self.total - self.reasons.len(), self.total);
        Err(Trouble::Refused(anyhow!(
            "delivered to {delivered} of {total} recipients: {}",
            self.reasons.join("; ")
        )))
    }
}

/// The text of a mail as DATA carries it (RFC 5321 §4.5.2), written in one piece: a last line in a segment of its
/// own would wait for the acknowledgement of the one before.
struct Content<'a>(&'a str);

impl Display for Content<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.starts_with('.') {
            formatter.write_str(".")?;
        }
        write!(formatter, "{}\r\n.\r\n", self.0.replace("\r\n.", "\r\n.."))
    }
}

/// Decides what a failed command means (RFC 5321 §4.2.1, RFC 4954 §6).
fn understand(what: &str, error: &smtp::Error) -> Trouble {
    let Some(code) = error.status().map(u16::from) else {
        return Trouble::Broken(anyhow!("{what} failed: {}", words(&error.to_string())));
    };
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let reason = anyhow!("the mail server answered {what} with {code} {}", words(&said));
    match code {
        // The server is leaving.
        421 => Trouble::Broken(reason),
        // It wants encryption, a password or another one: the settings' fault, not the mail's.
        523 | 524 | 530 | 534 | 535 | 538 => Trouble::Broken(reason.context(
            "the mail server wants encryption or a password (spring.mail.username, SPRING_MAIL_PASSWORD)",
        )),
        400..=499 => Trouble::Later(reason),
        // So many mails for today (RFC 3463 §3.5: mail system congestion), as Google has it. It is not this mail's fault.
        _ if said.starts_with("5.4.5") => Trouble::Later(reason),
        _ => Trouble::Refused(reason),
    }
}

/// What a server said, fit for a log: one bounded line without addresses.
pub(super) fn words(said: &str) -> String {
    let words: Vec<&str> = said
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| if word.contains('@') { "<address>" } else { word })
        .collect();
    words.join(" ").chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_at_the_start_of_a_line_are_doubled() {
        for (text, wire) in [
            ("one", "one\r\n.\r\n"),
            ("one\r\n.\r\ntwo", "one\r\n..\r\ntwo\r\n.\r\n"),
            (".a\r\n..b", "..a\r\n...b\r\n.\r\n"),
        ] {
            assert_eq!(Content(text).to_string(), wire);
        }
    }

    #[test]
    fn words_of_a_server_carry_no_address_and_no_line_break() {
        assert_eq!(
            words("5.1.1 <a@example.com>: no\r\n such user"),
            "5.1.1 <address> no such user"
        );
        assert_eq!(words(&"x".repeat(1000)).len(), MAX_WORDS);
    }
}
