//! Cuts what a client sends into command lines. Only CR LF ends a line (RFC 5321 §2.3.8), and no line fills the memory.

/// RFC 5321 §4.5.3.1.4 grants 512 octets; the parameters of extensions come on top.
const MAX_LINE: usize = 1024;

/// How much of a line that is too long is passed over before we give up.
const MAX_PASSED_OVER: usize = 256 * 1024;

/// A command line, or what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Without its end, without control characters.
    Text(String),
    /// Too long; it has been passed over.
    TooLong,
    /// Neither text in UTF-8 nor free of control characters, bare CR and LF among them.
    Malformed,
    /// So long that its end is not worth waiting for.
    Endless,
}

/// What has arrived and has not been looked at.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Bytes in order of arrival.
    pub(super) pending: Vec<u8>,
    passed_over: usize,
}

impl Lines {
    /// The next line, if all of it has arrived.
    pub(super) fn next(&mut self) -> Option<Line> {
        let Some(end) = self.pending.windows(2).position(|pair| pair == b"\r\n") else {
            return self.pass_over();
        };
        let line: Vec<u8> = self.pending.drain(..end + 2).take(end).collect();
        if std::mem::take(&mut self.passed_over) > 0 || end > MAX_LINE {
            return Some(Line::TooLong);
        }
        match String::from_utf8(line) {
            Ok(text) if !text.chars().any(char::is_control) => Some(Line::Text(text)),
            _ => Some(Line::Malformed),
        }
    }

    /// Forgets the beginning of a line that is already too long, but for its last byte, which may be the CR of its end.
    fn pass_over(&mut self) -> Option<Line> {
        if self.pending.len() > MAX_LINE + 1 {
            self.passed_over += self.pending.len();
            self.pending.drain(..self.pending.len() - 1);
        }
        (self.passed_over > MAX_PASSED_OVER).then_some(Line::Endless)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], lines: &[Line]) {
        for size in [1, 7, bytes.len()] {
            let mut cut = Lines::default();
            let mut found = Vec::new();
            for chunk in bytes.chunks(size) {
                cut.pending.extend_from_slice(chunk);
                while let Some(line) = cut.next() {
                    found.push(line);
                }
            }
            assert_eq!(found, lines, "in chunks of {size}");
        }
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn only_cr_lf_ends_a_line() {
        check(b"NOOP\r\nRSET\r\nQU", &[text("NOOP"), text("RSET")]);
        check(b"NOOP\nRSET\r\n", &[Line::Malformed]);
        check(b"NOOP\rRSET\r\n\r\n", &[Line::Malformed, text("")]);
        check(b"NO\0P\r\n", &[Line::Malformed]);
        check(b"NO\xffP\r\n", &[Line::Malformed]);
    }

    #[test]
    fn a_line_too_long_is_passed_over_to_its_end() {
        let mut bytes = vec![b'x'; 5000];
        bytes.extend_from_slice(b"\r\nNOOP\r\n");
        check(&bytes, &[Line::TooLong, text("NOOP")]);
        let mut bytes = vec![b'x'; MAX_LINE];
        bytes.extend_from_slice(b"\r\n");
        check(&bytes, &[text(&"x".repeat(MAX_LINE))]);
        bytes.insert(0, b'x');
        check(&bytes, &[Line::TooLong]);
    }

    #[test]
    fn a_line_without_end_is_given_up_and_takes_no_memory() {
        let mut lines = Lines::default();
        let mut given_up = false;
        for _ in 0..300 {
            lines.pending.extend_from_slice(&[b'x'; 4096]);
            given_up |= lines.next() == Some(Line::Endless);
            assert!(lines.pending.len() <= MAX_LINE + 1);
        }
        assert!(given_up);
    }
}
