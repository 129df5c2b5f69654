//! Writes a document as YAML, in the style of the Java services.

use serde_json::{Map, Value};

pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => mapping(members, 0, false, &mut text),
        Value::Array(items) if !items.is_empty() => sequence(items, 0, &mut text),
        value => {
            text.push_str(&scalar(value));
            text.push('\n');
        }
    }
    text
}

/// Writes members, the first of them on the line that has begun, if one has.
fn mapping(members: &Map<String, Value>, depth: usize, mut begun: bool, text: &mut String) {
    for (name, value) in members {
        if !std::mem::take(&mut begun) {
            indent(depth, text);
        }
        text.push_str(&quoted(name));
        text.push(':');
        match value {
            Value::Object(members) if !members.is_empty() => {
                text.push('\n');
                mapping(members, depth + 1, false, text);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                sequence(items, depth, text);
            }
            value => {
                text.push(' ');
                text.push_str(&scalar(value));
                text.push('\n');
            }
        }
    }
}

fn sequence(items: &[Value], depth: usize, text: &mut String) {
    for item in items {
        indent(depth, text);
        text.push('-');
        match item {
            Value::Object(members) if !members.is_empty() => {
                text.push(' ');
                mapping(members, depth + 1, true, text);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                sequence(items, depth + 1, text);
            }
            value => {
                text.push(' ');
                text.push_str(&scalar(value));
                text.push('\n');
            }
        }
    }
}

fn indent(depth: usize, text: &mut String) {
    text.push_str(&"  ".repeat(depth));
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        // Empty collections, numbers, truth values and null are the same in JSON.
        value => value.to_string(),
    }
}

/// A text without quotes where it cannot be taken for anything else.
fn quoted(text: &str) -> String {
    if text.is_empty() || is_something_else(text) || text.chars().any(char::is_control) {
        return Value::from(text).to_string();
    }
    let begins = !text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@` ".contains(c));
    let plain =
        begins && !text.contains(": ") && !text.contains(" #") && !text.ends_with([':', ' ']);
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Whether a reader would take the text for a number, a truth value, nothing or a time.
fn is_something_else(text: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "~"];
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_start_matches(['-', '+']);
    let time = text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains(['-', ':'])
        && text.bytes().all(|c| c.is_ascii_digit() || b"-:.TZtz+ ".contains(&c));
    WORDS.contains(&lower.as_str())
        || lower.parse::<f64>().is_ok()
        || number.starts_with("0x")
        || number.starts_with("0o")
        || time
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_could_be_taken_for_something_else_is_quoted() {
        for (given, expected) in [
            ("plain text, as it is", "plain text, as it is"),
            ("http://localhost:8082", "http://localhost:8082"),
            ("0.0.1", "0.0.1"),
            ("$ref", "$ref"),
            ("", "\"\""),
            ("200", "\"200\""),
            ("1e3", "\"1e3\""),
            ("0x1F", "\"0x1F\""),
            ("No", "\"No\""),
            ("null", "\"null\""),
            ("2026-01-01", "\"2026-01-01\""),
            ("two\nlines", "\"two\\nlines\""),
            ("*/*", "'*/*'"),
            ("#/components", "'#/components'"),
            ("format: this", "'format: this'"),
            ("it's: so", "'it''s: so'"),
            ("a #b", "'a #b'"),
            ("- x", "'- x'"),
            ("end:", "'end:'"),
        ] {
            assert_eq!(quoted(given), expected);
        }
    }

    #[test]
    fn collections_are_indented() {
        let value = json!({
            "a": { "b": [1, true, null, { "c": "x", "d": [] }], "e": {} },
            "f": [[1, 2], ["x"]],
        });
        let expected = "a:\n  b:\n  - 1\n  - true\n  - null\n  - c: x\n    d: []\n  e: {}\nf:\n-\n  - 1\n  - 2\n-\n  - x\n";
        assert_eq!(text(&value), expected);
        assert_eq!(text(&json!([])), "[]\n");
    }
}
