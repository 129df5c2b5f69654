//! JSON values that differ from run to run, and how they are made comparable.

use serde_json::Value;

/// A text with its values at a path hidden, so that what is left can be compared byte for byte. A time shows its form.
pub(super) fn hidden(text: &str, path: &str) -> String {
    let Ok(body) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    let (holders, member) = path.rsplit_once('.').unwrap_or_else(|| panic!("{path} has no member"));
    let holders: Vec<&Value> = match holders {
        "$" => vec![&body],
        "$[*]" => body.as_array().into_iter().flatten().collect(),
        _ => panic!("{path} is a path that nobody reads yet"),
    };
    holders.into_iter().filter_map(|holder| holder.get(member)).fold(
        text.to_owned(),
        |text, value| {
            let stands = format!("\"{member}\":{value}");
            text.replacen(&stands, &format!("\"{member}\":\"{}\"", form(value)), 1)
        },
    )
}

fn form(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains('T') && text.contains(':') => digits_hidden(text),
        Value::String(_) => "a text".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        other => other.to_string(),
    }
}

/// `2026-11-24T01:49:31.484+00:00` as `0000-00-00T00:00:00.000+00:00`.
pub(super) fn digits_hidden(text: &str) -> String {
    text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect()
}

/// A body without what may stand in another order, so that what is left can be compared member by member.
pub(super) fn settled(mut body: Value) -> Value {
    if let Some(errors) = body.get_mut("fieldErrors").and_then(Value::as_array_mut) {
        errors.sort_by_key(|error| error["field"].as_str().unwrap_or_default().to_owned());
    }
    if let Some(detail) = body.get_mut("detail")
        && detail.as_str().is_some_and(names_a_class)
    {
        *detail = "a text".into();
    }
    body
}

/// Rows in order of their numbers, if they have numbers: those come from SQL, which the original asks for no order.
pub(super) fn ordered(mut body: Value) -> Value {
    if let Some(rows) = body.as_array_mut()
        && rows.iter().all(|row| row["id"].is_number())
    {
        rows.sort_by_key(|row| row["id"].as_i64());
    }
    body
}

/// Whether a sentence is that of a Java exception, which nobody else can say in the same words.
fn names_a_class(text: &str) -> bool {
    ["java.", "javax.", "org.", "com."].iter().any(|package| text.contains(package))
}
