//! What a replayed message carries beside itself, so that it is known again if it dies a second time. It never leaves
//! the outbox.

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use database::Message;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::DeadLetter;
use crate::{Delivery, Header, Record};

/// The last header of a replayed message in the outbox.
const NOTE: &str = "milena-replayed";

/// How a dead letter was before it was replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    attempts: u32,
    first: Timestamp,
    place: Option<(i32, i64)>,
    /// In base64: a message's key is text, a record's any bytes.
    key: Option<String>,
    tombstone: bool,
}

impl Note {
    /// Makes the message that a dead letter was, with a note.
    pub(super) fn message(letter: &DeadLetter) -> anyhow::Result<Message> {
        let note = Note {
            attempts: letter.attempts,
            first: letter.first,
            place: letter.place,
            key: letter.key.as_ref().map(|key| BASE64_STANDARD.encode(key)),
            tombstone: letter.payload.is_none(),
        };
        let mut headers = letter.headers.clone();
        let value = serde_json::to_vec(&note).context("write the note of a replayed message")?;
        headers.push(Header { name: NOTE.to_owned(), value });
        Ok(Message {
            id: letter.message.clone(),
            channel: letter.channel.clone(),
            topic: letter.topic.clone(),
            key: letter.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
            headers,
            payload: letter.payload.clone().unwrap_or_default(),
            created: letter.created,
        })
    }

    /// A letter of the same message that has died again.
    pub(super) fn onto(self, letter: DeadLetter) -> DeadLetter {
        let payload = letter.payload.filter(|payload| !self.tombstone || !payload.is_empty());
        DeadLetter {
            attempts: self.attempts.saturating_add(letter.attempts),
            first: self.first,
            place: self.place,
            key: self.key().or(letter.key),
            payload,
            ..letter
        }
    }

    /// The record that a message was read as.
    pub(crate) fn delivery(self, message: Message) -> Delivery {
        let (partition, offset) = self.place.unwrap_or_default();
        let key = self.key();
        let payload = message.payload;
        let record = Record {
            topic: message.topic,
            partition,
            offset,
            key,
            headers: message.headers,
            payload: (!self.tombstone || !payload.is_empty()).then_some(payload),
            timestamp: message.created,
        };
        Delivery { id: message.id, record }
    }

    fn key(&self) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(self.key.as_ref()?).ok()
    }
}

/// Takes the note off a message that has one.
pub(crate) fn take(message: &mut Message) -> Option<Note> {
    let last = message.headers.last().filter(|header| header.name == NOTE)?;
    let note = serde_json::from_slice(&last.value).ok()?;
    message.headers.pop();
    Some(note)
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    #[test]
    fn a_record_comes_out_of_its_message_as_it_went_in() {
        for (key, payload) in
            [(Some(vec![0xff, 0]), None), (None, Some(Vec::new())), (None, Some(vec![1]))]
        {
            let letter = DeadLetter { key, payload, ..example() };
            let mut message = Note::message(&letter).unwrap();
            let note = take(&mut message).unwrap();
            assert_eq!(take(&mut message), None, "there is one");
            let Delivery { id, record } = note.delivery(message);
            assert_eq!(
                (id, Some((record.partition, record.offset))),
                (letter.message, letter.place)
            );
            assert_eq!((record.topic, record.timestamp), (letter.topic, letter.created));
            assert_eq!((record.key, record.headers), (letter.key, letter.headers));
            assert_eq!(record.payload, letter.payload);
        }
    }
}
