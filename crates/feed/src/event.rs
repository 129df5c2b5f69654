//! Texts as events of a stream (HTML Living Standard, §9.2, server-sent events).

use bytes::Bytes;

/// A comment, which says nothing and shows proxies that the stream is alive.
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// Writes a text as one event: `data:`, the text, an empty line, as the Java services do. Each further line of the text
/// gets a `data:` of its own, and a space in front of a line gets a companion, because readers drop the first: otherwise
/// a text could lose lines, or come out as several events.
pub(crate) fn event(text: &str) -> Bytes {
    let mut event = String::with_capacity(text.len() + 16);
    let text = text.replace("\r\n", "\n");
    for line in text.split(['\n', '\r']) {
        event.push_str("data:");
        if line.starts_with(' ') {
            event.push(' ');
        }
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    Bytes::from(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(event(text), expected.as_bytes(), "{text:?}");
    }

    #[test]
    fn a_text_is_one_event_whatever_is_in_it() {
        check("hello", "data:hello\n\n");
        check("Küche 🕯", "data:Küche 🕯\n\n");
        check("", "data:\n\n");
        check("a\nb", "data:a\ndata:b\n\n");
        check("a\r\nb\rc\n", "data:a\ndata:b\ndata:c\ndata:\n\n");
        check("x\n\nevent:y\ndata:z", "data:x\ndata:\ndata:event:y\ndata:data:z\n\n");
        check(" indented", "data:  indented\n\n");
    }
}
