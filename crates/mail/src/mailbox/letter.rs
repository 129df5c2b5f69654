//! What a kept mail says, decoded: encoded words of RFC 2047, quoted-printable, base64.

use jiff::Timestamp;
use mail_parser::{Address, Message, MessageParser};

use super::Name;

/// A received mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its name in the mailbox.
    pub name: String,
    /// When it arrived.
    pub received: Timestamp,
    /// The author as the mail says; the envelope's sender if it says nothing.
    pub from: String,
    /// The recipients as the mail says; the envelope's if it says nothing.
    pub to: Vec<String>,
    /// The subject, decoded.
    pub subject: String,
    /// The `Message-ID` without its angle brackets.
    pub message_id: Option<String>,
    /// The first plain text, decoded; made from HTML when there is no other.
    pub text: String,
    /// The file.
    pub raw: Vec<u8>,
}

impl Letter {
    /// Reads a whole file.
    pub(super) fn whole(name: &Name, raw: Vec<u8>) -> Self {
        let message = MessageParser::new().parse(&raw);
        let text = message
            .as_ref()
            .and_then(|message| message.body_text(0))
            .unwrap_or_default()
            .into_owned();
        let letter = Letter { text, ..Letter::from_parsed(name, message.as_ref()) };
        Letter { raw, ..letter }
    }

    /// Reads the headers at the beginning of a file.
    pub(super) fn headers(name: &Name, head: &[u8]) -> Self {
        Letter::from_parsed(name, MessageParser::new().parse_headers(head).as_ref())
    }

    fn from_parsed(name: &Name, message: Option<&Message<'_>>) -> Self {
        let envelope = |header| -> Vec<String> {
            let message = message.into_iter();
            message
                .flat_map(|message| message.header_values(header))
                .filter_map(|value| value.as_text())
                .map(bare)
                .collect()
        };
        let or_envelope =
            |named: Vec<String>, header| if named.is_empty() { envelope(header) } else { named };
        Letter {
            name: name.as_str().to_owned(),
            received: name.received(),
            from: or_envelope(people(message.and_then(Message::from)), "X-Envelope-From")
                .join(", "),
            to: or_envelope(people(message.and_then(Message::to)), "X-Envelope-To"),
            subject: message.and_then(Message::subject).unwrap_or_default().to_owned(),
            message_id: message.and_then(Message::message_id).map(str::to_owned),
            text: String::new(),
            raw: Vec::new(),
        }
    }
}

/// The subject of a mail that just came in, fit for a log line: bounded, no control characters.
pub(crate) fn subject_line(content: &[u8]) -> String {
    let message = MessageParser::new().parse_headers(content);
    let subject = message.as_ref().and_then(Message::subject).unwrap_or_default();
    subject
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(200)
        .collect()
}

fn people(address: Option<&Address<'_>>) -> Vec<String> {
    let people = address.into_iter().flat_map(Address::iter);
    people
        .filter_map(|person| match (person.name(), person.address()) {
            (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
            (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
            (None, None) => None,
        })
        .collect()
}

fn bare(address: &str) -> String {
    address.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(raw: &str) -> Letter {
        let name = Name::parse("0000000001-20261124T005204.000Z.eml").unwrap();
        Letter::whole(&name, raw.as_bytes().to_vec())
    }

    #[test]
    fn words_and_text_are_decoded() {
        let letter = letter(
            "Received: from x\r\nX-Envelope-From: <l@example.com>\r\nX-Envelope-To: <hidden@example.com>\r\n\
             From: =?UTF-8?Q?B=C3=BCcherei?= <l@example.com>\r\nTo: a@example.com, B <b@example.com>\r\n\
             Subject: =?UTF-8?B?QsO8Y2hlciA=?=\r\n =?UTF-8?B?8J+Vrw==?=\r\nMessage-ID: <m-1@milena>\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nzur=C3=BCck\r\n",
        );
        assert_eq!(letter.from, "Bücherei <l@example.com>");
        assert_eq!(letter.to, ["a@example.com", "B <b@example.com>"]);
        assert_eq!(letter.subject, "Bücher 🕯");
        assert_eq!(letter.message_id.as_deref(), Some("m-1@milena"));
        assert_eq!(letter.text, "zurück\r\n");
    }

    #[test]
    fn an_author_without_a_domain_is_shown() {
        assert_eq!(letter("From: Library\r\nTo: a@example.com\r\n\r\nx\r\n").from, "Library");
    }

    #[test]
    fn the_envelope_speaks_where_the_mail_is_silent() {
        let letter = letter(
            "X-Envelope-From: <Library>\r\nX-Envelope-To: <a@example.com>\r\nX-Envelope-To: <b@example.com>\r\n\r\nx\r\n",
        );
        assert_eq!((letter.from.as_str(), letter.subject.as_str()), ("Library", ""));
        assert_eq!(letter.to, ["a@example.com", "b@example.com"]);
    }

    #[test]
    fn a_file_without_sense_is_still_a_letter() {
        assert_eq!(letter("").subject, "");
        assert_eq!(letter("\u{0}\u{1}\r\nno header\r\n").to, Vec::<String>::new());
    }

    #[test]
    fn a_subject_for_the_log_is_one_bounded_line() {
        let content = format!("Subject: =?UTF-8?B?YQpiDWM=?= {}\r\n\r\n", "x".repeat(500));
        let line = subject_line(content.as_bytes());
        assert!(line.starts_with("a b c"), "{line}");
        assert_eq!(line.chars().count(), 200);
    }
}
