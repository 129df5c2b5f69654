//! What is kept of a mail, read line by line (RFC 5322).

/// How much of a mail's text is kept, in bytes.
const TEXT_LIMIT: usize = 256;

/// How long a header is read on, in bytes.
const HEADER_LIMIT: usize = 4 * 1024;

/// A mail that is here as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) subject: String,
    pub(crate) message_id: String,
    /// The beginning of its text.
    pub(crate) text: String,
    pub(crate) recipients: Vec<String>,
}

/// A mail of which not all lines have come yet.
#[derive(Default)]
pub(super) struct Reading {
    subject: Vec<u8>,
    message_id: Vec<u8>,
    text: Vec<u8>,
    /// Which header the last line belongs to.
    within: Within,
}

#[derive(Clone, Copy, Default)]
enum Within {
    #[default]
    AnyHeader,
    Subject,
    MessageId,
    Text,
}

impl Reading {
    /// Takes the next line, without its end.
    pub(super) fn line(&mut self, line: &[u8]) {
        // A long header goes on in the next line, which then begins with white space (RFC 5322 §2.2.3).
        let goes_on = line.starts_with(b" ") || line.starts_with(b"\t");
        let mut value = line;
        self.within = match self.within {
            Within::Text => Within::Text,
            _ if line.is_empty() => Within::Text,
            within if goes_on => within,
            _ => match (after(line, b"subject:"), after(line, b"message-id:")) {
                (Some(subject), _) => {
                    value = subject;
                    Within::Subject
                }
                (_, Some(id)) => {
                    value = id;
                    Within::MessageId
                }
                _ => Within::AnyHeader,
            },
        };
        match self.within {
            Within::AnyHeader => {}
            Within::Subject => extend(&mut self.subject, value, HEADER_LIMIT),
            Within::MessageId => extend(&mut self.message_id, value, HEADER_LIMIT),
            Within::Text => {
                extend(&mut self.text, value, TEXT_LIMIT);
                extend(&mut self.text, b"\n", TEXT_LIMIT);
            }
        }
    }

    /// The mail, now that its last line is here.
    pub(super) fn end(self) -> Mail {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        Mail {
            subject: text(self.subject),
            message_id: text(self.message_id),
            text: text(self.text),
            recipients: Vec::new(),
        }
    }
}

/// The address of a command such as `RCPT TO:<me@example.com>`.
pub(super) fn address(command: &[u8]) -> Option<String> {
    let command = String::from_utf8_lossy(command);
    let (_, address) = command.split_once('<')?;
    let (address, _) = address.split_once('>')?;
    Some(address.to_owned())
}

fn after<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, value) = line.split_at_checked(name.len())?;
    found.eq_ignore_ascii_case(name).then_some(value)
}

fn extend(kept: &mut Vec<u8>, more: &[u8], limit: usize) {
    kept.extend(more.iter().take(limit.saturating_sub(kept.len())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_id_and_the_beginning_of_the_text_are_kept() {
        let mut reading = Reading::default();
        for line in [
            "To: a@example.com",
            "  Subject: not this",
            "SUBJECT: Notice:",
            " one",
            "Message-Id: <1@here>",
            "Date: today",
            "",
            "Subject: nor this",
        ] {
            reading.line(line.as_bytes());
        }
        reading.line(&[b'x'; 1000]);
        let mail = reading.end();
        assert_eq!((&*mail.subject, &*mail.message_id), ("Notice: one", "<1@here>"));
        assert!(mail.text.starts_with("Subject: nor this\nxxx"), "{}", mail.text);
        assert!(mail.text.len() <= TEXT_LIMIT, "{}", mail.text);
    }

    #[test]
    fn an_address_stands_between_angle_brackets() {
        assert_eq!(address(b"RCPT TO:<a@b> SIZE=1"), Some("a@b".to_owned()));
        assert_eq!(address(b"RCPT TO:a@b"), None);
    }
}
