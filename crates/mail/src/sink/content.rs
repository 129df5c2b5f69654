//! Takes in the text of a mail up to the line that holds only a dot (RFC 5321 §4.1.1.4, §4.5.2).
//! Nothing but CR LF . CR LF ends it, so that no second mail can hide in the first.

/// How much beyond the limit is passed over while we wait for the end.
const MAX_PASSED_OVER: usize = 16 * 1024 * 1024;

/// What is wrong with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is larger than the limit.
    TooLarge,
    /// It holds a CR or LF that is not part of a CR LF. Servers that disagree about these can be played off
    /// against one another, so the sender is to be told.
    BareLineBreak,
}

/// How far a mail has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Everything was taken in; there is more to come.
    More,
    /// The end came after so many bytes of the last piece.
    Ended(usize),
    /// So much came beyond the limit that the end is not worth waiting for.
    Endless,
}

/// The text of a mail as it comes in.
#[derive(Debug)]
pub(super) struct Content {
    bytes: Vec<u8>,
    limit: usize,
    passed_over: usize,
    fault: Option<Fault>,
    position: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    LineStart,
    /// After a dot at the start of a line.
    Dot,
    /// After a dot at the start of a line and a CR.
    DotCr,
    Line,
    /// After a CR.
    Cr,
}

impl Content {
    pub(super) fn new(limit: usize) -> Self {
        Content {
            bytes: Vec::new(),
            limit,
            passed_over: 0,
            fault: None,
            position: Position::LineStart,
        }
    }

    /// Takes in the next piece.
    pub(super) fn take(&mut self, piece: &[u8]) -> Progress {
        for (index, &byte) in piece.iter().enumerate() {
            if self.position == Position::DotCr && byte == b'\n' {
                return Progress::Ended(index + 1);
            }
            self.position = self.advance(byte);
        }
        if self.passed_over > MAX_PASSED_OVER { Progress::Endless } else { Progress::More }
    }

    /// The text without its doubled dots and its end.
    pub(super) fn finish(self) -> Result<Vec<u8>, Fault> {
        self.fault.map_or(Ok(self.bytes), Err)
    }

    fn advance(&mut self, byte: u8) -> Position {
        match (self.position, byte) {
            (Position::LineStart, b'.') => Position::Dot,
            (Position::Dot, b'\r') => Position::DotCr,
            (Position::Cr, b'\n') => {
                self.push(b"\r\n");
                Position::LineStart
            }
            (Position::LineStart | Position::Line, b'\r') => Position::Cr,
            (Position::Cr | Position::DotCr, b'\r') => {
                self.bare(b'\r');
                Position::Cr
            }
            (Position::Cr | Position::DotCr, _) => {
                self.bare(b'\r');
                self.push(&[byte]);
                Position::Line
            }
            (_, b'\n') => {
                self.bare(b'\n');
                Position::Line
            }
            (_, _) => {
                self.push(&[byte]);
                Position::Line
            }
        }
    }

    fn bare(&mut self, byte: u8) {
        self.fault.get_or_insert(Fault::BareLineBreak);
        self.push(&[byte]);
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.passed_over > 0 || self.bytes.len() + bytes.len() > self.limit {
            self.fault = Some(Fault::TooLarge);
            self.passed_over += bytes.len();
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes in `wire` in pieces of several sizes; `rest` is what is left after the end.
    fn check(wire: &[u8], text: Result<&[u8], Fault>, rest: &[u8]) {
        for size in [1, 2, 3, wire.len()] {
            let mut content = Content::new(20);
            let mut seen = 0;
            let mut ended = None;
            for piece in wire.chunks(size) {
                if let Progress::Ended(used) = content.take(piece) {
                    ended = Some(seen + used);
                    break;
                }
                seen += piece.len();
            }
            assert_eq!(ended.map(|end| &wire[end..]), Some(rest), "in pieces of {size}");
            assert_eq!(content.finish(), text.map(<[u8]>::to_vec), "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_with_a_dot_ends_the_text() {
        check(b".\r\n", Ok(b""), b"");
        check(b"one\r\n.\r\nQUIT\r\n", Ok(b"one\r\n"), b"QUIT\r\n");
        check(b"a.b\r\n.\r\n", Ok(b"a.b\r\n"), b"");
    }

    #[test]
    fn doubled_dots_become_one() {
        check(b"..\r\n..a\r\n...\r\n.\r\n", Ok(b".\r\n.a\r\n..\r\n"), b"");
        check(b".a\r\n.\r\n", Ok(b"a\r\n"), b"");
    }

    #[test]
    fn no_other_line_break_ends_the_text() {
        let bare = Err(Fault::BareLineBreak);
        check(b"a\n.\nb\r\n.\r\n", bare, b"");
        check(b"a\n.\r\nb\r\n.\r\n", bare, b"");
        check(b"a\r\n.\nb\r\n.\r\n", bare, b"");
        check(b"a\r.\r\r\n.\r\n", bare, b"");
        check(b"a\r\n.\r\r\n.\r\n", bare, b"");
        check(b".\rb\r\n.\r\n", bare, b"");
    }

    #[test]
    fn a_text_over_the_limit_is_read_to_its_end() {
        check(b"123456789012345678\r\n.\r\n", Ok(b"123456789012345678\r\n"), b"");
        check(b"1234567890123456789\r\n.\r\nQUIT\r\n", Err(Fault::TooLarge), b"QUIT\r\n");
    }

    #[test]
    fn a_text_without_end_is_given_up() {
        let mut content = Content::new(20);
        let piece = vec![b'x'; 1024 * 1024];
        let pieces = (0..100).take_while(|_| content.take(&piece) == Progress::More).count();
        assert_eq!(pieces, 16);
    }
}
