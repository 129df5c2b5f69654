//! Bodies of which the recording keeps the beginning only.

use serde_json::Value;

use super::both;

/// How a body is not one with this beginning and this length.
pub(super) fn deviation(beginning: &str, length: usize, came: &str) -> Option<String> {
    if !came.starts_with(beginning) {
        return Some(both(beginning, came));
    }
    (came.len() != length).then(|| format!("expected {length} bytes, came {}", came.len()))
}

/// The JSON of a text that was cut, as far as its last complete member or element.
pub(super) fn completed(text: &str) -> Option<Value> {
    let (mut open, mut in_text, mut escaped) = (String::new(), false, false);
    let mut best = None;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            '{' | '[' => {
                open.push(if letter == '{' { '}' } else { ']' });
                best = Some((at + 1, open.clone()));
            }
            '}' | ']' => {
                open.pop();
                best = Some((at + 1, open.clone()));
            }
            ',' => best = Some((at, open.clone())),
            _ => {}
        }
    }
    let (end, open) = best?;
    let closed: String = text[..end].chars().chain(open.chars().rev()).collect();
    serde_json::from_str(&closed).ok()
}

#[test]
fn a_text_that_was_cut_is_read_as_far_as_it_goes() {
    for (cut, read) in [
        (r#"{"a":1,"b":[{"c":"d,","e":"f"#, r#"{"a":1,"b":[{"c":"d,"}]}"#),
        (r#"{"a":"\"}"#, "{}"),
        (r#"{"a":{"b":{}},"c"#, r#"{"a":{"b":{}}}"#),
        (r#"[1,2"#, "[1]"),
    ] {
        assert_eq!(completed(cut), Some(serde_json::from_str(read).unwrap()), "{cut}");
    }
    assert_eq!(completed("text"), None);
}
