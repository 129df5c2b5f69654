//! Messages as documents: in the collection `outbox`, where `_id` is the position, and before that inside the document
//! that they were committed with.

use std::collections::HashSet;

use anyhow::Context;
use futures_util::StreamExt;
use mongodb::{
    ClientSession, Collection, Database,
    bson::{
        Binary, Bson, RawBsonRef, RawDocument, RawDocumentBuf, doc, oid::ObjectId, rawdoc,
        spec::BinarySubtype,
    },
    options::Hint,
};

use super::{
    document,
    failure::{Failed, is_duplicate},
    read,
};
use crate::{Header, Message};

pub(super) const COLLECTION: &str = "outbox";
/// Tells messages apart while they are moved, whatever ids they have.
pub(super) const ENTRY: &str = "entry";
/// How many bytes of payloads are read from the outbox at a time, one message at least.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// A message as part of a document.
pub(super) fn pending(message: &Message) -> Bson {
    let headers: Vec<Bson> = message
        .headers
        .iter()
        .map(|header| Bson::Document(doc! { "name": &header.name, "value": binary(&header.value) }))
        .collect();
    let mut document = doc! {
        ENTRY: ObjectId::new(),
        "channel": &message.channel,
        "id": &message.id,
        "topic": &message.topic,
    };
    if let Some(key) = &message.key {
        document.insert("key", key);
    }
    document.insert("headers", headers);
    document.insert("payload", binary(&message.payload));
    document.insert("created", document::date(message.created));
    Bson::Document(document)
}

/// Puts messages with their positions into the outbox; stops at one that is there already, and answers whether there was
/// none.
pub(super) async fn insert(
    database: &Database,
    placed: &[RawDocumentBuf],
    session: Option<&mut ClientSession>,
) -> Result<bool, Failed> {
    let collection = database.collection::<RawDocumentBuf>(COLLECTION);
    let insert = collection.insert_many(placed);
    let inserted = match session {
        Some(session) => insert.session(session).await,
        None => insert.await,
    };
    match inserted {
        Err(error) if is_duplicate(&error) => Ok(false),
        inserted => Ok(inserted.map(|_| true)?),
    }
}

/// Which of these entries are in the outbox.
pub(super) async fn known(
    database: &Database,
    entries: &HashSet<ObjectId>,
) -> anyhow::Result<HashSet<ObjectId>> {
    let collection = database.collection::<RawDocumentBuf>(COLLECTION);
    let entries: Vec<&ObjectId> = entries.iter().collect();
    let find = collection.find(doc! { ENTRY: { "$in": entries } });
    let mut found = find.projection(doc! { "_id": 0, ENTRY: 1 }).await?;
    let mut known = HashSet::new();
    while found.advance().await? {
        known.insert(found.current().get_object_id(ENTRY)?);
    }
    Ok(known)
}

/// Messages, as parts of documents, with positions from this one on.
pub(super) fn placed(first: i64, messages: &[&RawDocument]) -> anyhow::Result<Vec<RawDocumentBuf>> {
    let place = |(position, message): (i64, &&RawDocument)| {
        let mut placed = rawdoc! { "_id": position };
        for element in message.iter_elements() {
            let element = element?;
            placed.append(element.key(), element.value()?);
        }
        Ok(placed)
    };
    (first..).zip(messages).map(place).collect()
}

/// Reads messages of a channel between two positions, oldest first; and whether these are all.
pub(super) async fn unsent(
    collection: &Collection<RawDocumentBuf>,
    channel: &str,
    (after, last): (i64, i64),
    limit: u32,
) -> anyhow::Result<(Vec<(i64, Message)>, bool)> {
    if limit == 0 {
        return Ok((Vec::new(), false));
    }
    let filter = doc! { "channel": channel, "_id": { "$gt": after, "$lte": last } };
    // By the other index, messages that wait in another channel would all be read.
    let found = collection.find(filter).hint(Hint::Keys(doc! { "channel": 1, "_id": 1 }));
    // All of them in one batch, as far as they fit; otherwise the first one has a hundred.
    let found = found.sort(doc! { "_id": 1 }).limit(i64::from(limit)).batch_size(limit);
    let mut batches = found.batch().await?;
    let (mut messages, mut bytes) = (Vec::new(), 0);
    while let Some(batch) = batches.next().await {
        for element in batch?.doc_slices()? {
            let element = element?;
            let document = element.as_document().context("the outbox holds no document")?;
            let (position, message) = message(document)?;
            bytes += message.payload.len();
            messages.push((position, message));
            if bytes >= BATCH_BYTES {
                return Ok((messages, false));
            }
        }
    }
    let are_all = messages.len() < usize::try_from(limit).unwrap_or(usize::MAX);
    Ok((messages, are_all))
}

/// How many messages each channel has.
pub(super) async fn waiting(database: &Database) -> anyhow::Result<Vec<(String, u64)>> {
    let by_channel = [
        doc! { "$sort": { "channel": 1, "_id": 1 } },
        doc! { "$group": { "_id": "$channel", "count": { "$sum": 1_i64 } } },
    ];
    let collection = database.collection::<RawDocumentBuf>(COLLECTION);
    let count = collection.aggregate(by_channel);
    // The index has all that is asked for.
    let mut counts = count.hint(Hint::Keys(doc! { "channel": 1, "_id": 1 })).await?;
    let mut waiting = Vec::new();
    while counts.advance().await? {
        let found = counts.current();
        let count = found.get_i64("count")?.unsigned_abs();
        waiting.push((found.get_str("_id")?.to_owned(), count));
    }
    Ok(waiting)
}

/// Reads a message of the outbox and its position.
pub(super) fn message(document: &RawDocument) -> anyhow::Result<(i64, Message)> {
    let position = document.get_i64("_id")?;
    let read = || -> anyhow::Result<Message> {
        let mut headers = Vec::new();
        for header in document.get_array("headers")? {
            let header = header?;
            let header = header.as_document().context("a header is no document")?;
            headers.push(Header {
                name: header.get_str("name")?.to_owned(),
                value: header.get_binary("value")?.bytes.to_vec(),
            });
        }
        let key = document.get("key")?.and_then(RawBsonRef::as_str).map(str::to_owned);
        Ok(Message {
            id: document.get_str("id")?.to_owned(),
            channel: document.get_str("channel")?.to_owned(),
            topic: document.get_str("topic")?.to_owned(),
            key,
            headers,
            payload: document.get_binary("payload")?.bytes.to_vec(),
            created: read::instant(document.get_datetime("created")?.timestamp_millis()),
        })
    };
    Ok((position, read().with_context(|| format!("read message {position} of the outbox"))?))
}

fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}
