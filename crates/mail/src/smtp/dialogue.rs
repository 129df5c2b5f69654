//! One mail over one connection.

use std::{fmt::Display, time::Duration};

use anyhow::anyhow;
use futures_util::{FutureExt, future::BoxFuture};
use lettre::transport::smtp::{
    client::AsyncSmtpConnection,
    commands::{Data, Mail, Quit, Rcpt, Rset},
    extension::{Extension, MailBodyParameter, MailParameter},
    response::Response,
};
use tokio::time::timeout;

use super::{
    answers::{Trouble, goes_on, stopped, within},
    end::End,
};
use crate::compose::Composed;

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

impl Acceptance {
    /// What the server said, if it has; and the connection, if another mail can follow on it at once.
    pub(super) fn answer(&mut self) -> Option<(Result<(), Trouble>, Option<Connection>)> {
        let (outcome, connection) = (&mut self.0).now_or_never()?;
        let usable = outcome.is_ok();
        Some((outcome, usable.then_some(connection)))
    }
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
}
