//! Messages that can never be processed, kept with their reason until a person decides: a row each, in the database of
//! whoever could not process them.

mod decide;
mod form;
mod look;
mod note;

use std::borrow::Cow;

use anyhow::Context;
use aws_lc_rs::digest::{SHA256, digest};
use database::{
    Changes, Column, CommitError, DatabaseRef, Id, IdKind, Kind, Message, Table, Write,
};
use jiff::Timestamp;

use crate::{Delivery, Header};

pub use decide::{Correction, Decided, correct, discard, replay};
pub use look::{Query, Reason, channels, find, list, reasons};
pub(crate) use note::{Note, take as take_note};

/// How channels begin in which consumed records wait to be handled again; the group's name follows.
pub(crate) const REPLAY: &str = "replay:";

/// Longer reasons are cut.
const REASON: usize = 500;

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name: Cow::Borrowed(name), kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column { name: Cow::Borrowed(name), kind, required: false }
}

/// Where dead letters are kept. A database whose messages may become dead letters needs this table.
pub const TABLE: Table = Table {
    name: Cow::Borrowed("dead_letter"),
    id: IdKind::ObjectId,
    key: Cow::Borrowed("id"),
    class: None,
    columns: Cow::Borrowed(&[
        column("channel", Kind::Text),
        column("message", Kind::Text),
        column("topic", Kind::Text),
        optional("partition", Kind::Integer),
        optional("position", Kind::Integer),
        column("reason", Kind::Text),
        column("attempts", Kind::Integer),
        column("first", Kind::Instant),
        column("last", Kind::Instant),
        column("created", Kind::Text),
        column("content", Kind::Text),
    ]),
};

/// A message that nobody could process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names it for people: 24 hexadecimal digits, made from the channel and the message's id.
    pub id: String,
    /// The outbox channel in which it waits again when it is replayed: that of its destination, or `replay:` and the
    /// group that could not handle it.
    pub channel: String,
    /// The message's id.
    pub message: String,
    /// The topic that it was read from, or on its way to.
    pub topic: String,
    /// Partition and offset, when it was read from a topic.
    pub place: Option<(i32, i64)>,
    /// Why it cannot be processed; one line.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it became a dead letter for the first time.
    pub first: Timestamp,
    /// When it was tried last.
    pub last: Timestamp,
    /// When the message was made.
    pub created: Timestamp,
    /// The key's bytes.
    pub key: Option<Vec<u8>>,
    /// The headers in order.
    pub headers: Vec<Header>,
    /// The content; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
}

impl DeadLetter {
    /// A record that a group could not handle.
    pub(crate) fn of_record(
        group: &str,
        delivery: &Delivery,
        (reason, attempts): (&str, u32),
        now: Timestamp,
    ) -> Self {
        let record = &delivery.record;
        let channel = format!("{REPLAY}{group}");
        DeadLetter {
            id: id(&channel, &delivery.id),
            channel,
            message: delivery.id.clone(),
            topic: record.topic.clone(),
            place: Some((record.partition, record.offset)),
            reason: line(reason),
            attempts,
            first: now,
            last: now,
            created: record.timestamp,
            key: record.key.clone(),
            headers: record.headers.clone(),
            payload: record.payload.clone(),
        }
    }

    /// A message of the outbox that its destination will never take. `note` is what a replay left with it.
    pub(crate) fn of_message(
        message: Message,
        note: Option<Note>,
        reason: &str,
        now: Timestamp,
    ) -> Self {
        let payload = Some(message.payload);
        let key = message.key.map(String::into_bytes);
        let letter = DeadLetter {
            id: id(&message.channel, &message.id),
            channel: message.channel,
            message: message.id,
            topic: message.topic,
            place: None,
            reason: line(reason),
            attempts: 1,
            first: now,
            last: now,
            created: message.created,
            key,
            headers: message.headers,
            payload,
        };
        match note {
            Some(note) => note.onto(letter),
            None => letter,
        }
    }
}

/// Keeps a dead letter, with everything else that is to be made true with it. One that is kept already stays as it is.
pub(crate) async fn keep(
    database: &DatabaseRef,
    letter: &DeadLetter,
    with: Changes,
) -> Result<(), CommitError> {
    let row = Id::Text(letter.id.clone());
    let values = form::values(letter).map_err(CommitError::Unavailable)?;
    let insert = Write::Insert { table: TABLE, id: row, values };
    match database.commit(Changes::new().write(insert).and(with)).await {
        Err(CommitError::Conflict) => Ok(()),
        done => done,
    }
}

fn id(channel: &str, message: &str) -> String {
    let hash = digest(&SHA256, format!("{channel}\0{message}").as_bytes());
    hash.as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// A reason as one bounded line.
fn line(reason: &str) -> String {
    let clean = |letter: char| if letter.is_control() { ' ' } else { letter };
    reason.chars().map(clean).take(REASON).collect()
}

fn letter(row: &database::Row) -> anyhow::Result<DeadLetter> {
    form::letter(row).with_context(|| format!("read dead letter {}", row.id))
}

/// A letter for tests.
#[cfg(test)]
pub(crate) fn example() -> DeadLetter {
    let at: Timestamp = "2026-11-25T10:00:00Z".parse().unwrap_or_default();
    DeadLetter {
        id: "0123456789abcdef01234567".into(),
        channel: "replay:readers".into(),
        message: "m-1".into(),
        topic: "books".into(),
        place: Some((3, 258)),
        reason: "no book".into(),
        attempts: 4,
        first: at,
        last: at,
        created: at,
        key: Some(b"emma".to_vec()),
        headers: vec![Header { name: "own".into(), value: b"1".into() }],
        payload: Some(b"p".to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_named_by_its_channel_and_message() {
        assert_eq!(id("mail", "m-1").len(), 24);
        assert_ne!(id("mail", "m-1"), id("broker", "m-1"));
        assert_ne!(id("a", "b\0c"), id("a\0b", "c").replace('0', "x"));
    }

    #[test]
    fn a_reason_is_one_bounded_line() {
        assert_eq!(line("no\r\nsuch\0thing"), "no  such thing");
        assert_eq!(line(&"é".repeat(1000)).chars().count(), REASON);
    }

    #[tokio::test]
    async fn a_letter_that_is_kept_again_stays_as_it_is() {
        let at: Timestamp = "2026-11-25T10:00:00Z".parse().unwrap();
        let database: DatabaseRef = database::Memory::new(move || at);
        let message = Message {
            id: "m-1".into(),
            channel: "mail".into(),
            topic: "books".into(),
            key: None,
            headers: Vec::new(),
            payload: b"{}".to_vec(),
            created: at,
        };
        let first = DeadLetter::of_message(message.clone(), None, "no book", at);
        let second = DeadLetter { attempts: 7, ..first.clone() };
        // As after a crash between keeping it and removing it from the outbox: what goes with it is not done again either.
        for letter in [&first, &second] {
            let with = Changes::new().send(message.clone());
            keep(&database, letter, with).await.unwrap();
        }
        let (kept, count) =
            list(&database, &Query { limit: 10, ..Query::default() }).await.unwrap();
        assert_eq!((kept, count), (vec![first], 1));
        assert_eq!(database.unsent("mail", 0, 10).await.unwrap().len(), 1);
    }
}
