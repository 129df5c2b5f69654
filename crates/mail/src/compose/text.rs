//! Texts as a mail can carry them: one line or many, without what would break or trick whoever reads them.

/// In letters. A line may have 998 octets (RFC 5322 §2.1.1), and a long word cannot be folded.
const MAX_SUBJECT: usize = 500;

/// Makes one line of bounded length, so that a subject can neither add a header nor break the line limit.
pub(crate) fn subject(text: &str) -> String {
    shortened(&one_line(text), MAX_SUBJECT)
}

/// As many letters of a text, and a sign that there were more.
pub(crate) fn shortened(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Turns every run of line ends and other control characters into one space.
pub(crate) fn one_line(text: &str) -> String {
    let ends = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    text.split(ends).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Ends lines with CR LF, except the last, which the transport ends. A NUL may not travel (RFC 5322 §2.3), and other
/// control characters would be orders to the terminal of whoever reads the mail there.
pub(super) fn body(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let ordinary = |letter: char| matches!(letter, '\n' | '\t') || !letter.is_control();
    let text: String =
        text.chars().map(|letter| if ordinary(letter) { letter } else { '\u{fffd}' }).collect();
    text.strip_suffix('\n').unwrap_or(&text).replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        for (text, line) in [
            ("A\r\nBcc: x@example.com", "A Bcc: x@example.com"),
            ("A\n\r\t\u{b}B\r", "A B"),
            ("A\0\u{2028}B\u{85}\u{7f}C", "A B C"),
            ("\r\n", ""),
        ] {
            assert_eq!(subject(text), line);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_letters_and_says_so() {
        assert_eq!(shortened("üüü", 3), "üüü");
        assert_eq!(shortened("üüüü", 3), "üüü…");
        assert_eq!(subject(&subject(&"x".repeat(1000))), subject(&"x".repeat(1000)));
    }

    #[test]
    fn a_text_gives_no_orders_to_a_terminal() {
        assert_eq!(body("a\0b\u{1b}[2J\tc\n"), "a\u{fffd}b\u{fffd}[2J\tc");
    }
}
