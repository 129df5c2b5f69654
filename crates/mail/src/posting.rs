//! How a mail lies in the outbox: as a message of its own for each recipient, so that what becomes of one of them neither
//! delays nor repeats what the others get.

use anyhow::Context;
use database::Message;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    CHANNEL, Mail,
    compose::{address, one_line, shortened, subject},
};

/// The longest text that is sent, in letters. The rest would be read by nobody and kept once per recipient.
const MAX_TEXT: usize = 100_000;

/// The longest key, in letters. Two mails whose keys differ only behind that wait for one another, which costs nothing else.
const MAX_KEY: usize = 400;

/// A mail as a message carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Posted {
    #[serde(flatten)]
    pub(crate) mail: Mail,
    /// Whom of several recipients this message is for. Without it the mail goes to all of them at once, as the first
    /// version of this program wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) envelope: Option<Envelope>,
}

/// What one recipient's copy of a mail has of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Envelope {
    /// Identifies the mail; the same in every copy.
    pub(crate) mail_id: String,
    /// Who gets this copy, as in the mail's list.
    pub(crate) recipient: String,
}

impl Mail {
    /// Makes the messages that carry the mail, one for each recipient; all of them say to whom the mail went.
    ///
    /// `id` becomes the `Message-ID` and `created` the `Date` of each, so that a second delivery is the same mail to the
    /// byte. The message for a single recipient has this `id` too, those for several have it with a number behind it.
    /// Mails of one `key` reach each recipient in order; mails without a key go in no order and wait for nobody.
    ///
    /// # Errors
    /// When the mail cannot be written as JSON.
    pub fn into_messages(
        mut self,
        id: &str,
        key: Option<&str>,
        created: Timestamp,
    ) -> anyhow::Result<Vec<Message>> {
        self.subject = subject(&self.subject);
        self.text = shortened(&self.text, MAX_TEXT);
        // The same address twice would be the same mail twice. Mostly there are few, at most a hundred.
        let mut recipients: Vec<(String, String)> = Vec::new();
        for text in &self.to {
            let address = address(text).map_or_else(|_| text.clone(), |known| known.to_string());
            if recipients.iter().all(|(_, known)| *known != address) {
                recipients.push((text.clone(), address));
            }
        }
        if recipients.len() < 2 {
            let address = recipients.first().map(|(_, address)| address.as_str());
            let message =
                Posted { mail: self, envelope: None }.into_message(id, key, address, created)?;
            return Ok(vec![message]);
        }
        let copies = recipients.into_iter().enumerate().map(|(index, (recipient, address))| {
            let envelope = Some(Envelope { mail_id: id.to_owned(), recipient });
            let copy = Posted { mail: self.clone(), envelope };
            copy.into_message(&format!("{id}/{}", index + 1), key, Some(&address), created)
        });
        copies.collect()
    }

    /// Reads the mail that a message carries.
    ///
    /// # Errors
    /// When the payload is not a mail.
    pub fn from_message(message: &Message) -> anyhow::Result<Self> {
        Posted::read(message).map(|posted| posted.mail)
    }
}

impl Posted {
    pub(crate) fn read(message: &Message) -> anyhow::Result<Self> {
        serde_json::from_slice(&message.payload)
            .with_context(|| format!("the payload of message {} is not a mail", message.id))
    }

    fn into_message(
        self,
        id: &str,
        key: Option<&str>,
        address: Option<&str>,
        created: Timestamp,
    ) -> anyhow::Result<Message> {
        let payload = serde_json::to_vec(&self).context("write a mail as JSON")?;
        // A relay takes messages without a key for messages of one key; the id is a key that no other message has.
        let key = match (key, address) {
            (None, _) => id.to_owned(),
            (Some(key), None) => key.to_owned(),
            // The address comes first, so that a long key does not push it out.
            (Some(key), Some(address)) => format!("{address} {key}"),
        };
        Ok(Message {
            id: id.to_owned(),
            channel: CHANNEL.to_owned(),
            topic: "smtp".to_owned(),
            key: Some(one_line(&key).chars().take(MAX_KEY).collect()),
            headers: Vec::new(),
            payload,
            created,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &[&str]) -> Mail {
        Mail {
            from: "Library".to_owned(),
            to: to.iter().map(|&to| to.to_owned()).collect(),
            subject: "Book: Emma".to_owned(),
            text: "returned".to_owned(),
        }
    }

    fn messages(mail: Mail, key: Option<&str>) -> Vec<Message> {
        mail.into_messages("m-1", key, "2026-11-24T00:49:22Z".parse().unwrap()).unwrap()
    }

    /// Checks ids and keys of the messages for a list of recipients.
    fn check(to: &[&str], key: Option<&str>, expected: &[(&str, &str)]) {
        let messages = messages(mail(to), key);
        let found: Vec<_> = messages
            .iter()
            .map(|message| (message.id.as_str(), message.key.as_deref().unwrap()))
            .collect();
        assert_eq!(found, expected);
        for message in &messages {
            assert_eq!(message.channel, CHANNEL);
            assert_eq!(Mail::from_message(message).unwrap(), mail(to));
        }
    }

    #[test]
    fn every_recipient_has_a_message_and_an_order_of_its_own() {
        check(&["a@x.example"], Some("emma"), &[("m-1", "a@x.example emma")]);
        check(
            &["a@x.example", "Bea <b@x.example>"],
            Some("emma"),
            &[("m-1/1", "a@x.example emma"), ("m-1/2", "b@x.example emma")],
        );
    }

    #[test]
    fn without_a_key_no_mail_waits_for_another() {
        check(&["a@x.example"], None, &[("m-1", "m-1")]);
        check(&["a@x.example", "b@x.example"], None, &[("m-1/1", "m-1/1"), ("m-1/2", "m-1/2")]);
    }

    #[test]
    fn an_address_named_twice_gets_one_mail() {
        check(&["a@x.example", "A <a@x.example>"], Some("k"), &[("m-1", "a@x.example k")]);
        let messages =
            messages(mail(&["a@x.example", "b@x.example", "B <b@x.example>"]), Some("k"));
        assert_eq!(messages.len(), 2);
    }

    #[test]
    fn the_copies_of_a_mail_say_whose_they_are_and_which_mail_they_are() {
        let copies = messages(mail(&["a@x.example", "b@x.example"]), None);
        for (copy, recipient) in copies.iter().zip(["a@x.example", "b@x.example"]) {
            let envelope = Posted::read(copy).unwrap().envelope.unwrap();
            assert_eq!(
                (envelope.mail_id.as_str(), envelope.recipient.as_str()),
                ("m-1", recipient)
            );
        }
    }

    #[test]
    fn a_mail_of_the_first_version_is_read() {
        let payload = br#"{"from":"Library","to":["a@x.example","b@x.example"],"subject":"Book: Emma","text":"returned"}"#;
        let old = Message { payload: payload.to_vec(), ..messages(mail(&["c"]), None).remove(0) };
        let posted = Posted::read(&old).unwrap();
        assert_eq!((posted.mail, posted.envelope), (mail(&["a@x.example", "b@x.example"]), None));
    }

    #[test]
    fn what_a_mail_takes_in_the_outbox_is_bounded() {
        let long = Mail {
            subject: "x".repeat(1_000_000),
            text: "ü".repeat(1_000_000),
            ..mail(&["a@x.example"])
        };
        let message = messages(long, Some(&"k\r\n\0".repeat(1_000_000))).remove(0);
        assert!(message.payload.len() < 210_000, "{}", message.payload.len());
        let key = message.key.unwrap();
        assert!(key.starts_with("a@x.example k k") && key.chars().count() == MAX_KEY, "{key}");
    }

    #[test]
    fn another_payload_is_named_by_its_message() {
        let message =
            Message { payload: b"{\"to\":1}".to_vec(), ..messages(mail(&["c"]), None).remove(0) };
        let error = Mail::from_message(&message).unwrap_err();
        assert_eq!(error.to_string(), "the payload of message m-1 is not a mail");
    }
}
