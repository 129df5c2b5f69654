//! Turns a mail into what goes over the wire: an envelope and a text in the form of RFC 5322.
//! Pure: the same mail, id and instant give the same bytes.

mod parties;
mod text;

use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use lettre::{
    Address,
    message::{
        MessageBuilder,
        header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0, Subject},
    },
};

use crate::posting::Posted;
pub use parties::check_recipients;
pub(crate) use parties::{Sender, address};
use parties::{author, recipients};
use text::body;
pub(crate) use text::{one_line, shortened, subject};

/// In bytes. Each may become three in the one line of its header; a longer id is there as its digest.
const MAX_ID: usize = 300;

/// A mail ready for the server.
#[derive(Debug)]
pub(crate) struct Composed {
    /// The sender in the envelope.
    pub(crate) from: Address,
    /// The recipients in the envelope.
    pub(crate) to: Vec<Address>,
    /// Headers and body; every line ends in CR LF but the last, which has no end.
    pub(crate) content: String,
}

impl Composed {
    /// Whether the server has to speak SMTPUTF8 (RFC 6531) to take this mail.
    pub(crate) fn needs_utf8(&self) -> bool {
        let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        !(self.content.is_ascii() && ascii(&self.from) && self.to.iter().all(ascii))
    }
}

/// Writes a mail. `sender` has the address that a bare name as author gets: a mail without one is refused by many servers.
pub(crate) fn compose(
    posted: &Posted,
    message_id: &str,
    created: Timestamp,
    sender: &Sender,
) -> anyhow::Result<Composed> {
    let Posted { mail, envelope } = posted;
    let from = author(&mail.from, &sender.author).context("the author of the mail")?;
    let to = recipients(&mail.to)?;
    let envelope_from = sender.bounces.clone().unwrap_or_else(|| from.email.clone());
    let envelope_to = match envelope {
        Some(envelope) => vec![address(&envelope.recipient).context("the recipient of the mail")?],
        None => to.iter().map(|party| party.email.clone()).collect(),
    };
    let mail_id = envelope.as_ref().map_or(message_id, |envelope| &envelope.mail_id);

    // A date before 1970 cannot be written; it would be an accident.
    let since_epoch = Duration::from_secs(u64::try_from(created.as_second()).unwrap_or(0));
    let builder = MessageBuilder::new().date(SystemTime::UNIX_EPOCH + since_epoch).from(from);
    let message = to
        .into_iter()
        .fold(builder, MessageBuilder::to)
        .raw_header(message_id_header(mail_id)?)
        .header(Subject::from(subject(&mail.subject)))
        // RFC 3834 §5: keeps holiday notices from answering.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(body(&mail.text))
        .context("build the mail")?;
    let content = String::from_utf8(message.formatted()).context("build the mail")?;
    Ok(Composed { from: envelope_from, to: envelope_to, content })
}

/// Derives the `Message-ID` from the message's id, so that a mail sent twice is recognised as the same.
fn message_id_header(id: &str) -> anyhow::Result<HeaderValue> {
    ensure!(!id.is_empty(), "a message without an id has no Message-ID");
    let mut value = String::from("<");
    if id.len() > MAX_ID {
        let digest = digest(&SHA256, id.as_bytes());
        // '~' does not come from an id.
        value.push('~');
        value.extend(digest.as_ref().iter().map(|byte| format!("{byte:02x}")));
    } else {
        for byte in id.bytes() {
            match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' => {
                    value.push(char::from(byte))
                }
                // '%' itself comes here too, so that different ids stay different.
                _ => value.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    value.push_str("@milena>");
    Ok(HeaderValue::dangerous_new_pre_encoded(
        HeaderName::new_from_ascii_str("Message-ID"),
        value.clone(),
        value,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mail, posting::Envelope};

    fn mail() -> Mail {
        Mail {
            from: "Library".to_owned(),
            to: vec!["reader@example.com".to_owned()],
            subject: "Book: Emma".to_owned(),
            text: "returned".to_owned(),
        }
    }

    fn composed(mail: &Mail) -> anyhow::Result<Composed> {
        sent_by(mail, None, &Sender::new("library@example.com", None).unwrap())
    }

    fn sent_by(
        mail: &Mail,
        envelope: Option<Envelope>,
        sender: &Sender,
    ) -> anyhow::Result<Composed> {
        let posted = Posted { mail: mail.clone(), envelope };
        compose(&posted, "orders/0/17", "2026-11-24T00:49:22.5Z".parse().unwrap(), sender)
    }

    fn check_header(mail: Mail, header: &str) {
        let content = composed(&mail).unwrap().content;
        let (headers, _) = content.split_once("\r\n\r\n").unwrap();
        assert!(
            headers.split("\r\n").any(|line| line == header),
            "{header:?} is not in\n{headers}"
        );
    }

    fn check_refused(mail: Mail, reason: &str) {
        let error = format!("{:#}", composed(&mail).unwrap_err());
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn a_plain_mail_is_written_in_the_recorded_form() {
        assert_eq!(
            composed(&mail()).unwrap().content,
            "Date: Tue, 24 Nov 2026 00:49:22 +0000\r\n\
             From: Library <library@example.com>\r\n\
             To: reader@example.com\r\n\
             Message-ID: <orders%2F0%2F17@milena>\r\n\
             Subject: Book: Emma\r\n\
             Auto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 7bit\r\n\
             \r\n\
             returned"
        );
    }

    #[test]
    fn the_author_is_an_address_or_a_name_before_our_address() {
        check_header(Mail { from: "a@b.example".to_owned(), ..mail() }, "From: a@b.example");
        check_header(
            Mail { from: "The Library <a@b.example>".to_owned(), ..mail() },
            "From: \"The Library\" <a@b.example>",
        );
        check_header(Mail { from: String::new(), ..mail() }, "From: library@example.com");
        check_header(
            Mail { from: "Lib\r\nrary".to_owned(), ..mail() },
            "From: \"Lib rary\" <library@example.com>",
        );
    }

    #[test]
    fn the_settings_may_name_the_author_and_who_hears_of_failures() {
        let sender = Sender::new("The Library <l@b.example>", Some("bounces@b.example")).unwrap();
        let composed = sent_by(&mail(), None, &sender).unwrap();
        assert!(composed.content.contains("\r\nFrom: \"The Library\" <l@b.example>\r\n"));
        assert_eq!(composed.from.to_string(), "bounces@b.example");
        for (author, bounces, reason) in [
            ("nobody", None, "the sender's address for mails without one"),
            ("a@b.example", Some("nobody"), "the sender's address in the envelope"),
        ] {
            let error = Sender::new(author, bounces).unwrap_err();
            assert_eq!(error.to_string(), reason);
        }
    }

    #[test]
    fn a_copy_goes_to_its_recipient_and_says_who_else_got_the_mail() {
        let to = ["a@example.com", "Bea <b@example.com>"].map(str::to_owned).to_vec();
        let envelope = Envelope { mail_id: "o-1".to_owned(), recipient: to[1].clone() };
        let sender = Sender::new("library@example.com", None).unwrap();
        let copy = sent_by(&Mail { to, ..mail() }, Some(envelope), &sender).unwrap();
        assert_eq!(copy.to, ["b@example.com".parse().unwrap()]);
        assert!(copy.content.contains("\r\nTo: a@example.com, Bea <b@example.com>\r\n"));
        assert!(copy.content.contains("\r\nMessage-ID: <o-1@milena>\r\n"));
    }

    #[test]
    fn a_subject_cannot_add_a_header() {
        check_header(
            Mail { subject: "A\r\nBcc: x@example.com".to_owned(), ..mail() },
            "Subject: A Bcc: x@example.com",
        );
        check_header(Mail { subject: String::new(), ..mail() }, "Subject: ");
    }

    #[test]
    fn every_line_keeps_within_the_limit() {
        for subject in ["x".repeat(5000), "x ".repeat(2000), "ü🕯".repeat(1000)] {
            for text in ["y".repeat(5000), "ü".repeat(5000)] {
                let content =
                    composed(&Mail { subject: subject.clone(), text, ..mail() }).unwrap().content;
                assert!(content.is_ascii());
                assert!(content.split("\r\n").all(|line| line.len() <= 998));
            }
        }
    }

    #[test]
    fn lines_of_the_text_end_as_smtp_wants() {
        for text in ["one\ntwo\n", "one\r\ntwo\r\n", "one\rtwo", "one\ntwo"] {
            let content = composed(&Mail { text: text.to_owned(), ..mail() }).unwrap().content;
            assert!(content.ends_with("7bit\r\n\r\none\r\ntwo"), "{content:?}");
        }
    }

    #[test]
    fn a_mail_that_cannot_be_built_says_why() {
        let to = |to: &[&str]| Mail { to: to.iter().map(|&to| to.to_owned()).collect(), ..mail() };
        check_refused(to(&[]), "no recipient");
        check_refused(to(&["reader@example.com", "reader"]), "recipient 2 of the mail");
        check_refused(to(&["a@example.com, b@example.com"]), "not an address");
        check_refused(to(&["a@example.com\r\nBcc: b@example.com"]), "control characters");
        check_refused(to(&["a@example.com"; 101]), "more than 100");
        check_refused(Mail { from: "a@".to_owned(), ..mail() }, "the author of the mail");
    }

    #[test]
    fn different_ids_stay_different() {
        let value = |id: &str| format!("{:?}", message_id_header(id).unwrap());
        assert_ne!(value("a/b"), value("a%2Fb"));
        assert!(message_id_header("").is_err());
        assert!(value(&"/".repeat(MAX_ID)).contains(&"%2F".repeat(MAX_ID)));
        let long = |end: &str| value(&("x".repeat(1000) + end));
        assert_eq!(long("a"), long("a"));
        assert_ne!(long("a"), long("b"));
        assert!(long("a").len() < value(&"x".repeat(MAX_ID)).len());
    }

    #[test]
    fn only_addresses_beyond_ascii_need_smtputf8() {
        let plain = Mail { subject: "Bücher".to_owned(), text: "zurück".to_owned(), ..mail() };
        assert!(!composed(&plain).unwrap().needs_utf8());
        assert!(
            composed(&Mail { to: vec!["jürgen@example.com".to_owned()], ..mail() })
                .unwrap()
                .needs_utf8()
        );
    }
}
