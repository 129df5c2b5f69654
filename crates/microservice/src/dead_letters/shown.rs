//! A dead letter as JSON: bytes as text where they are UTF-8, else as base64 in a member of another name.

use base64::{Engine, prelude::BASE64_STANDARD};
use messaging::dead_letters::DeadLetter;
use serde_json::{Map, Value, json};

/// How many bytes of a payload, a key or a header's value are shown in a list.
const EXCERPT: usize = 1024;
/// How many headers are shown in a list.
const HEADERS: usize = 50;

/// How much of a letter is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// The beginning of what is long; `truncated` tells whether something is missing.
    Excerpt,
}

pub(super) fn json(letter: &DeadLetter, extent: Extent) -> Value {
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    add("id", json!(letter.id));
    add("channel", json!(letter.channel));
    add("message", json!(letter.message));
    add("topic", json!(letter.topic));
    add("partition", json!(letter.place.map(|(partition, _)| partition)));
    add("offset", json!(letter.place.map(|(_, offset)| offset)));
    add("reason", json!(letter.reason));
    add("attempts", json!(letter.attempts));
    add("first", json!(letter.first));
    add("last", json!(letter.last));
    add("created", json!(letter.created));
    let mut truncated = false;
    truncated |= bytes("key", letter.key.as_deref(), extent, &mut members);
    let shown = match extent {
        Extent::Whole => letter.headers.len(),
        Extent::Excerpt => HEADERS,
    };
    truncated |= letter.headers.len() > shown;
    let headers = letter.headers.iter().take(shown).map(|header| {
        let mut members = Map::from_iter([("name".to_owned(), json!(header.name))]);
        truncated |= bytes("value", Some(&header.value), extent, &mut members);
        Value::Object(members)
    });
    let headers = headers.collect();
    members.insert("headers".to_owned(), headers);
    let size = letter.payload.as_ref().map(Vec::len);
    members.insert("size".to_owned(), json!(size));
    truncated |= bytes("payload", letter.payload.as_deref(), extent, &mut members);
    members.insert("truncated".to_owned(), json!(truncated));
    Value::Object(members)
}

/// Adds bytes under a name; true when some of them are missing.
fn bytes(
    name: &str,
    value: Option<&[u8]>,
    extent: Extent,
    members: &mut Map<String, Value>,
) -> bool {
    let Some(value) = value else {
        members.insert(name.to_owned(), Value::Null);
        return false;
    };
    let most = match extent {
        Extent::Whole => value.len(),
        Extent::Excerpt => value.len().min(EXCERPT),
    };
    match std::str::from_utf8(value) {
        Ok(text) => {
            members.insert(name.to_owned(), json!(text[..text.floor_char_boundary(most)]));
        }
        Err(_) => {
            members.insert(format!("{name}Base64"), json!(BASE64_STANDARD.encode(&value[..most])));
        }
    }
    most < value.len()
}

#[cfg(test)]
mod tests {
    use messaging::Header;

    use super::*;

    fn letter(payload: Option<&[u8]>) -> DeadLetter {
        let at = "2026-11-25T10:00:00Z".parse().unwrap();
        DeadLetter {
            id: "0123456789abcdef01234567".into(),
            channel: "replay:readers".into(),
            message: "m-1".into(),
            topic: "books".into(),
            place: Some((3, 7)),
            reason: "no book".into(),
            attempts: 4,
            first: at,
            last: at,
            created: at,
            key: Some(b"emma".to_vec()),
            headers: vec![Header { name: "raw".into(), value: vec![0xff, 0] }],
            payload: payload.map(<[u8]>::to_vec),
        }
    }

    #[test]
    fn a_letter_tells_everything_that_is_known() {
        let at = "2026-11-25T10:00:00Z";
        let expected = json!({
            "id": "0123456789abcdef01234567", "channel": "replay:readers", "message": "m-1", "topic": "books",
            "partition": 3, "offset": 7, "reason": "no book", "attempts": 4, "first": at, "last": at,
            "created": at, "key": "emma", "headers": [{ "name": "raw", "valueBase64": "/wA=" }], "size": 2,
            "payload": "{}", "truncated": false,
        });
        assert_eq!(json(&letter(Some(b"{}")), Extent::Whole), expected);
    }

    fn check(payload: Option<&[u8]>, extent: Extent, member: &str, expected: Value, cut: bool) {
        let shown = json(&letter(payload), extent);
        assert_eq!((&shown[member], &shown["truncated"]), (&expected, &json!(cut)), "{payload:?}");
    }

    #[test]
    fn a_list_shows_the_beginning_of_what_is_long() {
        let long = "ü".repeat(600) + "x";
        check(Some(long.as_bytes()), Extent::Whole, "payload", json!(long), false);
        let cut = json!("ü".repeat(512));
        check(Some(long.as_bytes()), Extent::Excerpt, "payload", cut, true);
        let shifted = format!("x{long}");
        let cut = json!(format!("x{}", "ü".repeat(511)));
        check(Some(shifted.as_bytes()), Extent::Excerpt, "payload", cut, true);
        let base64 = json!(BASE64_STANDARD.encode([0xff; 1024]));
        check(Some(&[0xff; 1025]), Extent::Excerpt, "payloadBase64", base64, true);
        check(None, Extent::Excerpt, "payload", Value::Null, false);
        check(Some(b""), Extent::Excerpt, "payload", json!(""), false);
    }
}
