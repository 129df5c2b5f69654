//! Turns a mail into what goes over the wire: an envelope and a text in the form of RFC 5322.
//! Pure: the same mail, id and instant give the same bytes.

use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use jiff::Timestamp;
use lettre::{
    Address,
    message::{
        Mailbox as Party, MessageBuilder,
        header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0, Subject},
    },
};

use crate::Mail;

/// RFC 5321 §4.5.3.1.8: what every server takes in one transaction.
const MAX_RECIPIENTS: usize = 100;

/// A line may have 998 octets (RFC 5322 §2.1.1), and a long word cannot be folded.
const MAX_SUBJECT: usize = 500;

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

/// Writes a mail. `sender` is the address that a bare name as author gets: a mail without one is refused by many servers.
pub(crate) fn compose(
    mail: &Mail,
    id: &str,
    created: Timestamp,
    sender: &Address,
) -> anyhow::Result<Composed> {
    let from = author(&mail.from, sender).context("the author of the mail")?;
    let to = recipients(&mail.to)?;
    let envelope_from = from.email.clone();
    let envelope_to = to.iter().map(|party| party.email.clone()).collect();

    // A date before 1970 cannot be written; it would be an accident.
    let since_epoch = Duration::from_secs(u64::try_from(created.as_second()).unwrap_or(0));
    let builder = MessageBuilder::new().date(SystemTime::UNIX_EPOCH + since_epoch).from(from);
    let message = to
        .into_iter()
        .fold(builder, MessageBuilder::to)
        .raw_header(message_id(id)?)
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

/// Looks whether mails can go to these recipients: 1 to 100, each `a@example.com` or `Name <a@example.com>`.
///
/// # Errors
/// Says what is wrong with which.
pub fn check_recipients(to: &[String]) -> anyhow::Result<()> {
    recipients(to).map(drop)
}

fn recipients(to: &[String]) -> anyhow::Result<Vec<Party>> {
    ensure!(!to.is_empty(), "the mail has no recipient");
    ensure!(to.len() <= MAX_RECIPIENTS, "the mail has more than {MAX_RECIPIENTS} recipients");
    let parties = to.iter().enumerate().map(|(index, text)| {
        party(text).with_context(|| format!("recipient {} of the mail", index + 1))
    });
    parties.collect()
}

/// Reads the author; a bare name is shown as it is, in front of the transport's own address.
fn author(text: &str, sender: &Address) -> anyhow::Result<Party> {
    if text.contains('@') {
        return party(text);
    }
    let name = one_line(text);
    Ok(Party::new((!name.is_empty()).then_some(name), sender.clone()))
}

/// Reads `a@example.com` or `Name <a@example.com>`, and nothing else: a list in one text would lose all but the first.
fn party(text: &str) -> anyhow::Result<Party> {
    ensure!(!text.chars().any(char::is_control), "the address contains control characters");
    let text = text.trim();
    let Some((name, address)) = text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<'))
    else {
        return Ok(Party::new(None, text.parse().context("not an address")?));
    };
    let name = name.trim().trim_matches('"').to_owned();
    let address = address.trim().parse().context("not an address")?;
    Ok(Party::new((!name.is_empty()).then_some(name), address))
}

/// Derives the `Message-ID` from the message's id, so that a mail sent twice is recognised as the same.
fn message_id(id: &str) -> anyhow::Result<HeaderValue> {
    if id.is_empty() || id.len() > 200 {
        bail!(
            "a message id needs 1 to 200 bytes to become a Message-ID, this one has {}",
            id.len()
        );
    }
    let mut value = String::from("<");
    for byte in id.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' => {
                value.push(char::from(byte))
            }
            // '%' itself comes here too, so that different ids stay different.
            _ => value.push_str(&format!("%{byte:02X}")),
        }
    }
    value.push_str("@milena>");
    Ok(HeaderValue::dangerous_new_pre_encoded(
        HeaderName::new_from_ascii_str("Message-ID"),
        value.clone(),
        value,
    ))
}

/// Makes one line of bounded length, so that a subject can neither add a header nor break the line limit.
fn subject(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(MAX_SUBJECT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Turns every run of control characters into one space.
fn one_line(text: &str) -> String {
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Ends lines with CR LF, except the last, which the transport ends. A NUL may not travel (RFC 5322 §2.3).
fn body(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}");
    text.strip_suffix('\n').unwrap_or(&text).replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            from: "Library".to_owned(),
            to: vec!["reader@example.com".to_owned()],
            subject: "Book: Emma".to_owned(),
            text: "returned".to_owned(),
        }
    }

    fn composed(mail: &Mail) -> anyhow::Result<Composed> {
        let sender = "library@example.com".parse().unwrap();
        compose(mail, "orders/0/17", "2026-11-24T00:49:22.5Z".parse().unwrap(), &sender)
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
    fn a_subject_cannot_add_a_header() {
        check_header(
            Mail { subject: "A\r\nBcc: x@example.com".to_owned(), ..mail() },
            "Subject: A Bcc: x@example.com",
        );
        check_header(Mail { subject: "A\n\r\t\u{b}B\r".to_owned(), ..mail() }, "Subject: A B");
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
        let value = |id: &str| format!("{:?}", message_id(id).unwrap());
        assert_ne!(value("a/b"), value("a%2Fb"));
        assert!(message_id("").is_err());
        assert!(message_id(&"x".repeat(201)).is_err());
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
