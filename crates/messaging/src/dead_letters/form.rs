//! A dead letter as a row. Bytes are kept in base64 within JSON: any database keeps that, whatever the bytes are.

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use database::{Id, Row, Value};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::DeadLetter;
use crate::Header;

#[derive(Serialize, Deserialize)]
struct Content {
    key: Option<String>,
    headers: Vec<(String, String)>,
    payload: Option<String>,
}

/// The values of a row.
pub(super) fn values(letter: &DeadLetter) -> anyhow::Result<Vec<Value>> {
    let encode = |bytes: &Vec<u8>| BASE64_STANDARD.encode(bytes);
    let headers = letter.headers.iter();
    let content = Content {
        key: letter.key.as_ref().map(encode),
        headers: headers.map(|it| (it.name.clone(), encode(&it.value))).collect(),
        payload: letter.payload.as_ref().map(encode),
    };
    let (partition, position) = match letter.place {
        Some((partition, offset)) => (Value::Integer(partition.into()), Value::Integer(offset)),
        None => (Value::Null, Value::Null),
    };
    Ok(vec![
        letter.channel.as_str().into(),
        Value::Text(serde_json::to_string(&letter.message).context("write an id as JSON")?),
        letter.topic.as_str().into(),
        partition,
        position,
        letter.reason.as_str().into(),
        Value::Integer(letter.attempts.into()),
        Value::Instant(letter.first),
        Value::Instant(letter.last),
        Value::Text(letter.created.to_string()),
        Value::Text(serde_json::to_string(&content).context("write a dead letter as JSON")?),
    ])
}

/// Reads a row.
pub(super) fn letter(row: &Row) -> anyhow::Result<DeadLetter> {
    let [
        channel,
        message,
        topic,
        partition,
        position,
        reason,
        attempts,
        first,
        last,
        created,
        content,
    ] = row.values.as_slice()
    else {
        bail!("it has {} values", row.values.len());
    };
    let Id::Text(id) = &row.id else { bail!("its id is a number") };
    let content: Content = serde_json::from_str(plain(content)?).context("its content")?;
    let decode = |text: String| BASE64_STANDARD.decode(text).context("bytes in its content");
    let headers = content.headers.into_iter();
    Ok(DeadLetter {
        id: id.clone(),
        channel: plain(channel)?.to_owned(),
        // An id from outside may hold what a database does not take.
        message: serde_json::from_str(plain(message)?).context("the id of its message")?,
        topic: plain(topic)?.to_owned(),
        place: match (partition, position) {
            (Value::Integer(partition), Value::Integer(offset)) => {
                Some((i32::try_from(*partition)?, *offset))
            }
            _ => None,
        },
        reason: plain(reason)?.to_owned(),
        attempts: match attempts {
            Value::Integer(attempts) => u32::try_from(*attempts)?,
            _ => 1,
        },
        first: instant(first)?,
        last: instant(last)?,
        created: plain(created)?.parse().context("the time of its message")?,
        key: content.key.map(decode).transpose()?,
        headers: headers
            .map(|(name, value)| Ok(Header { name, value: decode(value)? }))
            .collect::<anyhow::Result<_>>()?,
        payload: content.payload.map(decode).transpose()?,
    })
}

fn plain(value: &Value) -> anyhow::Result<&str> {
    match value {
        Value::Text(text) => Ok(text),
        other => bail!("{other:?} where a text is expected"),
    }
}

fn instant(value: &Value) -> anyhow::Result<Timestamp> {
    match value {
        Value::Instant(instant) => Ok(*instant),
        other => bail!("{other:?} where a time is expected"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    #[test]
    fn a_letter_survives_being_kept_to_the_byte() {
        let bytes: Vec<u8> = (0..=255).collect();
        let whole = DeadLetter {
            message: "m\0\"1".into(),
            created: Timestamp::MIN,
            key: Some(bytes.clone()),
            headers: vec![Header { name: "a".into(), value: bytes.clone() }],
            payload: Some(bytes),
            ..example()
        };
        let bare = DeadLetter {
            place: None,
            key: None,
            headers: Vec::new(),
            payload: None,
            ..whole.clone()
        };
        for expected in [whole, bare] {
            let values = values(&expected).unwrap();
            assert_eq!(values.len(), super::super::TABLE.columns.len());
            let row = Row { id: Id::Text(expected.id.clone()), version: 1, values };
            assert_eq!(letter(&row).unwrap(), expected);
        }
    }
}
