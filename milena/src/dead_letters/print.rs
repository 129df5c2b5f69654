//! Dead letters for people: tables and texts that no content can use to play tricks on a terminal.

use std::fmt::Write;

use serde_json::Value;

use super::service::Listing;

/// How many letters of a reason stand in a list.
const REASON: usize = 100;

/// A page as a table, and where the rest is.
pub(super) fn list(listing: &Listing, page: u32) -> String {
    let letters = listing.letters.as_array().map(Vec::as_slice).unwrap_or_default();
    if listing.total == 0 {
        return "there are no dead letters\n".to_owned();
    }
    let mut rows = vec![["ID", "LAST", "TRIES", "CHANNEL", "REASON"].map(str::to_owned)];
    rows.extend(letters.iter().map(|letter| {
        let reason = line(&letter["reason"]);
        let cut = match reason.char_indices().nth(REASON) {
            Some((at, _)) => format!("{}…", &reason[..at]),
            None => reason,
        };
        let [id, last, attempts, channel] =
            ["id", "last", "attempts", "channel"].map(|name| line(&letter[name]));
        [id, seconds(&last), attempts, channel, cut]
    }));
    let mut text = table(&rows);
    if letters.len() as u64 != listing.total {
        let shown = letters.len();
        let _ =
            writeln!(text, "page {page}: {shown} of {}; --page leads to the others", listing.total);
    }
    text
}

/// The reasons as a table.
pub(super) fn reasons(reasons: &Value) -> String {
    let reasons = reasons.as_array().map(Vec::as_slice).unwrap_or_default();
    if reasons.is_empty() {
        return "there are no dead letters\n".to_owned();
    }
    let mut rows = vec![["COUNT", "REASON"].map(str::to_owned)];
    rows.extend(reasons.iter().map(|it| [line(&it["count"]), line(&it["reason"])]));
    table(&rows)
}

/// Everything that is known of one.
pub(super) fn letter(letter: &Value) -> String {
    let mut text = String::new();
    let mut say = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<11}{value}");
    };
    for name in ["id", "channel", "message", "topic", "partition", "offset", "reason"] {
        if !letter[name].is_null() {
            say(name, &line(&letter[name]));
        }
    }
    for name in ["attempts", "first", "last", "created"] {
        say(name, &line(&letter[name]));
    }
    if let Some(key) = bytes(letter, "key") {
        say("key", &key);
    }
    for header in letter["headers"].as_array().into_iter().flatten() {
        let value = bytes(header, "value").unwrap_or_default();
        say("header", &format!("{}: {value}", line(&header["name"])));
    }
    match (&letter["payload"], &letter["payloadBase64"]) {
        (Value::String(payload), _) => {
            let _ = write!(text, "\n{}\n", clean(payload, &['\n', '\t']));
        }
        (_, Value::String(payload)) => {
            let _ = write!(text, "\nin base64:\n{payload}\n");
        }
        _ => text.push_str("\nno payload: a tombstone\n"),
    }
    text
}

/// How many dead letters, in words.
pub(super) fn letters(count: u64) -> String {
    match count {
        1 => "1 dead letter".to_owned(),
        _ => format!("{count} dead letters"),
    }
}

fn bytes(value: &Value, name: &str) -> Option<String> {
    let base64 = format!("{name}Base64");
    match (&value[name], &value[&base64]) {
        (text @ Value::String(_), _) => Some(line(text)),
        (_, Value::String(base64)) => Some(format!("{base64} (base64)")),
        _ => None,
    }
}

/// A value on one line.
fn line(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text, &[]),
        other => other.to_string(),
    }
}

/// A text without control characters but these.
fn clean(text: &str, kept: &[char]) -> String {
    let mut clean = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() && !kept.contains(&letter) {
            true => clean.extend(letter.escape_default()),
            false => clean.push(letter),
        }
    }
    clean
}

/// A time without fractions of a second.
fn seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

/// Rows below one another; the last column may be as wide as it is.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N.saturating_sub(1)).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "{cell:<width$}  ");
        }
        text.push_str(row.last().map(String::as_str).unwrap_or_default());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Value {
        json!({
            "id": "0123456789abcdef01234567", "channel": "mail", "message": "m-1", "topic": "smtp",
            "partition": null, "offset": null, "reason": "no such mailbox", "attempts": 2,
            "first": "2026-11-25T10:00:00.123Z", "last": "2026-11-25T11:00:00.123Z", "created": "2026-11-25T10:00:00Z",
            "key": "a", "headers": [{ "name": "raw", "valueBase64": "/wA=" }], "size": 9,
            "payload": "a\n\u{1b}[2J\tb", "truncated": false,
        })
    }

    #[test]
    fn a_page_is_a_table_that_says_where_the_rest_is() {
        let letters = json!([known()]);
        let expected = "\
ID                        LAST                  TRIES  CHANNEL  REASON
0123456789abcdef01234567  2026-11-25T11:00:00Z  2      mail     no such mailbox
";
        let one = Listing { letters: letters.clone(), total: 1 };
        assert_eq!(list(&one, 0), expected);
        let some = list(&Listing { letters, total: 30 }, 2);
        assert_eq!(some, format!("{expected}page 2: 1 of 30; --page leads to the others\n"));
        let none = Listing { letters: json!([]), total: 0 };
        assert_eq!(list(&none, 0), "there are no dead letters\n");
    }

    #[test]
    fn a_long_reason_is_cut_in_a_list_and_whole_elsewhere() {
        let mut letter = known();
        letter["reason"] = "ü".repeat(200).into();
        let text = list(&Listing { letters: json!([letter]), total: 1 }, 0);
        assert!(text.ends_with(&format!("  {}…\n", "ü".repeat(100))), "{text}");
        let text = reasons(&json!([{ "reason": letter["reason"], "count": 12 }]));
        assert_eq!(text, format!("COUNT  REASON\n12     {}\n", "ü".repeat(200)));
    }

    #[test]
    fn a_letter_is_shown_whole_and_cannot_play_tricks_on_the_terminal() {
        let expected = "\
id         0123456789abcdef01234567
channel    mail
message    m-1
topic      smtp
reason     no such mailbox
attempts   2
first      2026-11-25T10:00:00.123Z
last       2026-11-25T11:00:00.123Z
created    2026-11-25T10:00:00Z
key        a
header     raw: /wA= (base64)

a
\\u{1b}[2J\tb
";
        assert_eq!(letter(&known()), expected);
    }
}
