//! Values out of JSON tokens, with Jackson's conversions: numbers and truth values where a text is wanted, texts where a
//! number is wanted, positions where a name is wanted.

use database::{Id, IdKind, Value};
use serde_json::value::RawValue;

use crate::{FieldKind, instant};

/// A JSON value, not taken apart any further.
pub(super) enum Token<'a> {
    Null,
    Boolean(bool),
    /// As it was written.
    Number(&'a str),
    Text(String),
    /// An object or an array, which no field holds.
    Nested,
}

impl<'a> Token<'a> {
    /// # Errors
    /// For a text with half a surrogate pair, which only Java keeps.
    pub(super) fn of(raw: &'a RawValue) -> serde_json::Result<Self> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'n') => Token::Null,
            Some(b't' | b'f') => Token::Boolean(text == "true"),
            Some(b'"') => Token::Text(serde_json::from_str(text)?),
            Some(b'{' | b'[') => Token::Nested,
            _ => Token::Number(text),
        })
    }
}

/// Reads an id; the inner nothing is null.
pub(super) fn id(kind: IdKind, token: Token<'_>) -> Option<Option<Id>> {
    match (kind, token) {
        (_, Token::Null) => Some(None),
        (IdKind::ObjectId, token) => text(token).map(|text| Some(Id::Text(text))),
        (IdKind::Sequence, token) => match whole(token)? {
            Value::Integer(number) => Some(Some(Id::Integer(number))),
            _ => Some(None),
        },
    }
}

/// Reads a value of a field.
pub(super) fn value(kind: &FieldKind, token: Token<'_>) -> Option<Value> {
    if matches!(token, Token::Null) {
        return Some(Value::Null);
    }
    match kind {
        FieldKind::String => text(token).map(Value::Text),
        FieldKind::Integer => whole(token).filter(|value| match value {
            Value::Integer(number) => i32::try_from(*number).is_ok(),
            _ => true,
        }),
        FieldKind::Long => whole(token),
        FieldKind::Double => real(token),
        FieldKind::Boolean => boolean(token),
        FieldKind::Instant => match token {
            Token::Text(text) if text.trim().is_empty() => Some(Value::Null),
            Token::Text(text) => instant::from_text(&text).map(Value::Instant),
            Token::Number(text) => instant::from_seconds(text).map(Value::Instant),
            _ => None,
        },
        FieldKind::Enum(names) => {
            let at = |position: &str| names.get(position.parse::<usize>().ok()?);
            let name = match &token {
                Token::Text(text) => {
                    let name = text.trim();
                    names.iter().find(|known| *known == name).or_else(|| at(name))
                }
                Token::Number(text) => at(text),
                _ => None,
            };
            name.map(|name| Value::Text(name.clone().into_owned()))
        }
    }
}

fn text(token: Token<'_>) -> Option<String> {
    match token {
        Token::Text(text) => Some(text),
        Token::Number(text) => Some(text.to_owned()),
        Token::Boolean(truth) => Some(truth.to_string()),
        Token::Null | Token::Nested => None,
    }
}

/// A text that stands for no value where a number or a truth value is wanted.
fn is_empty(text: &str) -> bool {
    matches!(text, "" | "null")
}

fn whole(token: Token<'_>) -> Option<Value> {
    match token {
        Token::Text(text) if is_empty(text.trim()) => Some(Value::Null),
        Token::Text(text) => text.trim().parse().ok().map(Value::Integer),
        // A fraction is cut off.
        Token::Number(text) if text.contains(['.', 'e', 'E']) => {
            let number: f64 = text.parse().ok()?;
            // The bounds of 64 bits; the upper one is the first that does not fit.
            let fits =
                (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
            fits.then_some(Value::Integer(number as i64))
        }
        Token::Number(text) => text.parse().ok().map(Value::Integer),
        _ => None,
    }
}

/// JSON has no numbers that are none, so that what Java reads as `NaN` or infinite is refused.
fn real(token: Token<'_>) -> Option<Value> {
    let text = match &token {
        Token::Text(text) if is_empty(text.trim()) => return Some(Value::Null),
        Token::Text(text) => text.trim(),
        Token::Number(text) => text,
        _ => return None,
    };
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Real)
}

fn boolean(token: Token<'_>) -> Option<Value> {
    let truth = match token {
        Token::Boolean(truth) => truth,
        Token::Number(text) => text.parse::<i64>().ok()? != 0,
        Token::Text(text) => match text.trim() {
            "" | "null" => return Some(Value::Null),
            "true" | "True" | "TRUE" => true,
            "false" | "False" | "FALSE" => false,
            _ => return None,
        },
        Token::Null | Token::Nested => return None,
    };
    Some(Value::Boolean(truth))
}
