//! A mail is a message whose destination is SMTP: what it says, the transport that delivers it, and a sink that keeps
//! what is delivered. Knows nothing of who writes mails or why.

mod compose;
mod mailbox;
pub mod sink;
mod smtp;

use anyhow::Context;
use database::Message;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use compose::check_recipients;
pub use mailbox::{Clock, Letter, Mailbox};
pub use smtp::{Mailer, Password, Security, SmtpSettings};

/// The outbox channel of mails.
pub const CHANNEL: &str = "mail";

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The author: `a@example.com`, `Name <a@example.com>`, or a bare name, to which the transport adds its own address.
    pub from: String,
    /// Who gets it, each `a@example.com` or `Name <a@example.com>`.
    pub to: Vec<String>,
    /// One line; line breaks in it become spaces.
    pub subject: String,
    /// The plain text.
    pub text: String,
}

impl Mail {
    /// Makes the message that carries the mail. `id` becomes its `Message-ID`, `created` its `Date`, so that a second
    /// delivery is the same mail to the byte; mails of one `key` arrive in order.
    ///
    /// # Errors
    /// When the mail cannot be written as JSON.
    pub fn into_message(
        self,
        id: String,
        key: Option<String>,
        created: Timestamp,
    ) -> anyhow::Result<Message> {
        let payload = serde_json::to_vec(&self).context("write a mail as JSON")?;
        Ok(Message {
            id,
            channel: CHANNEL.to_owned(),
            topic: "smtp".to_owned(),
            key,
            headers: Vec::new(),
            payload,
            created,
        })
    }

    /// Reads the mail that a message carries.
    ///
    /// # Errors
    /// When the payload is not a mail.
    pub fn from_message(message: &Message) -> anyhow::Result<Self> {
        serde_json::from_slice(&message.payload)
            .with_context(|| format!("the payload of message {} is not a mail", message.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_survives_the_way_through_the_outbox() {
        let mail = Mail {
            from: "Library".to_owned(),
            to: vec!["reader@example.com".to_owned()],
            subject: "Book: Emma".to_owned(),
            text: "returned".to_owned(),
        };
        let created: Timestamp = "2026-11-24T00:49:22Z".parse().unwrap();
        let message =
            mail.clone().into_message("m-1".to_owned(), Some("emma".to_owned()), created).unwrap();
        assert_eq!(
            (message.channel.as_str(), message.key.as_deref(), message.created),
            (CHANNEL, Some("emma"), created)
        );
        assert_eq!(Mail::from_message(&message).unwrap(), mail);
    }

    #[test]
    fn another_payload_is_named_by_its_message() {
        let message = Message {
            id: "m-2".to_owned(),
            channel: CHANNEL.to_owned(),
            topic: String::new(),
            key: None,
            headers: Vec::new(),
            payload: b"{\"to\":1}".to_vec(),
            created: Timestamp::UNIX_EPOCH,
        };
        let error = Mail::from_message(&message).unwrap_err();
        assert_eq!(error.to_string(), "the payload of message m-2 is not a mail");
    }
}
