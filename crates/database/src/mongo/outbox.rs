//! Messages as documents: in the collection `outbox`, where `_id` is the position, and before that inside the document
//! that they were committed with.

use anyhow::{Context, bail};
use futures_util::StreamExt;
use mongodb::{
    ClientSession, Collection, Database,
    bson::{
        Binary, Bson, Document, RawArrayBuf, RawBsonRef, RawDocument, RawDocumentBuf, cstr, doc,
        oid::ObjectId, rawdoc, spec::BinarySubtype,
    },
};

use super::{document, read};
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

/// Puts messages, as parts of documents, into the outbox, from this position on. Those that are there already stay as they
/// are. Durable, unless it is part of a transaction.
pub(super) async fn insert(
    database: &Database,
    first: i64,
    messages: &[RawDocumentBuf],
    session: Option<&mut ClientSession>,
) -> anyhow::Result<()> {
    let mut documents = RawArrayBuf::new();
    for (position, message) in (first..).zip(messages) {
        let mut placed = rawdoc! { "_id": position };
        for element in message.iter_elements() {
            let element = element?;
            placed.append(element.key(), element.value()?);
        }
        documents.push(placed);
    }
    let mut command = rawdoc! { "insert": COLLECTION };
    command.append(cstr!("documents"), documents);
    command.append(cstr!("ordered"), session.is_some());
    let answer = match session {
        Some(session) => database.run_raw_command(command).session(session).await?,
        None => {
            command.append(cstr!("writeConcern"), rawdoc! { "w": "majority", "j": true });
            database.run_raw_command(command).await?
        }
    };
    check(&answer, &[11000])
}

/// Makes sure that a command that writes several documents has written them all, but for those with an expected error.
pub(super) fn check(answer: &Document, expected: &[i32]) -> anyhow::Result<()> {
    for error in answer.get_array("writeErrors").into_iter().flatten() {
        let code = error.as_document().and_then(|error| error.get_i32("code").ok());
        if !code.is_some_and(|code| expected.contains(&code)) {
            bail!("MongoDB did not write a document: {error}");
        }
    }
    match answer.get("writeConcernError") {
        Some(error) => bail!("MongoDB does not know whether it was written: {error}"),
        None => Ok(()),
    }
}

/// Reads messages of a channel between two positions, oldest first.
pub(super) async fn unsent(
    collection: &Collection<RawDocumentBuf>,
    channel: &str,
    (after, last): (i64, i64),
    limit: u32,
) -> anyhow::Result<Vec<(i64, Message)>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let filter = doc! { "channel": channel, "_id": { "$gt": after, "$lte": last } };
    let found = collection.find(filter).sort(doc! { "_id": 1 }).limit(-i64::from(limit));
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
                return Ok(messages);
            }
        }
    }
    Ok(messages)
}

/// Reads a message of the outbox and its position.
fn message(document: &RawDocument) -> anyhow::Result<(i64, Message)> {
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
