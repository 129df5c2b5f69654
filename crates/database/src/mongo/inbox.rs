//! Ids of messages that were handled. The server says when: an empty time stamp becomes its own time.

use jiff::Timestamp;
use mongodb::bson::{Document, Timestamp as BsonTimestamp, doc};

pub(super) const COLLECTION: &str = "inbox";
/// When a message was handled.
pub(super) const HANDLED: &str = "handled";

/// The document that notes a message.
pub(super) fn note(consumer: &str, message: &str) -> Document {
    let empty = BsonTimestamp { time: 0, increment: 0 };
    doc! { "_id": { "consumer": consumer, "message": message }, HANDLED: empty }
}

/// What messages meet that were handled before this time.
pub(super) fn handled_before(time: Timestamp) -> Document {
    let seconds = time.as_second().max(0);
    let time = u32::try_from(seconds).unwrap_or(u32::MAX);
    doc! { HANDLED: { "$lt": BsonTimestamp { time, increment: 0 } } }
}
