//! Ids of messages that were handled. The server says when: an empty time stamp becomes its own time.

use jiff::Timestamp;
use mongodb::{
    Collection,
    bson::{Bson, Document, RawBsonRef, Timestamp as BsonTimestamp, doc},
};

pub(super) const COLLECTION: &str = "inbox";
/// When a message was handled.
pub(super) const HANDLED: &str = "handled";
/// How many ids are removed at a time.
const FORGET: i64 = 5_000;

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

/// Removes some of the notes that meet the filter; returns how many.
pub(super) async fn forget(
    collection: &Collection<Document>,
    filter: Document,
) -> mongodb::error::Result<u64> {
    let find = collection.find(filter).projection(doc! { "_id": 1 }).limit(FORGET);
    let (mut found, mut ids) = (find.await?, Vec::<Bson>::new());
    while found.advance().await? {
        ids.extend(Bson::try_from(found.current().get("_id")?.unwrap_or(RawBsonRef::Null)).ok());
    }
    if ids.is_empty() {
        return Ok(0);
    }
    let forgotten = collection.delete_many(doc! { "_id": { "$in": ids } }).await?;
    Ok(forgotten.deleted_count)
}
