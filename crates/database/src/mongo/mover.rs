//! Carries messages from the documents that they were committed with to the outbox: at once for what this process
//! commits, later for what was left behind. Safe to do twice: the outbox takes an entry once.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, bail};
use futures_util::StreamExt;
use mongodb::bson::{Bson, Document, RawDocument, RawDocumentBuf, doc, oid::ObjectId};
use tokio::sync::{Mutex, mpsc};
use tracing::warn;

use super::{
    Mongo,
    document::PENDING,
    failure::Failed,
    journal,
    outbox::{self, ENTRY},
};
use crate::{CommitError, channels::wake};

/// How many documents may wait for the loop that moves their messages.
const WAITING: usize = 1024;
/// How many bytes of messages are moved at a time, one document at least.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A document that messages may wait in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) collection: String,
    pub(super) id: Bson,
}

/// Who moves messages in this process.
pub(super) struct Mover {
    pub(super) to_loop: mpsc::Sender<Place>,
    pub(super) waiting: Mutex<mpsc::Receiver<Place>>,
    /// Whether the loop runs.
    pub(super) runs: AtomicBool,
    /// Held by who moves. Two at once could put the messages of one document into the outbox in the wrong order.
    one: Mutex<()>,
}

impl Mover {
    pub(super) fn new() -> Self {
        let (to_loop, waiting) = mpsc::channel(WAITING);
        Mover {
            to_loop,
            waiting: Mutex::new(waiting),
            runs: AtomicBool::new(false),
            one: Mutex::new(()),
        }
    }
}

/// Messages that are being committed with a document. Whatever becomes of the one who commits, the loop looks after them.
pub(super) struct Committing<'a> {
    mongo: &'a Mongo,
    place: Option<Place>,
}

impl<'a> Committing<'a> {
    /// `place` is where they will wait; nothing when there are none.
    pub(super) fn new(mongo: &'a Mongo, place: Option<Place>) -> Self {
        Committing { mongo, place }
    }

    /// They are committed: has them moved, by the loop or, when it does not run or cannot keep up, now.
    pub(super) async fn succeeded(mut self) {
        let Some(place) = self.place.take() else { return };
        let mover = &self.mongo.mover;
        let mine = match mover.runs.load(Ordering::Acquire) {
            true => match mover.to_loop.try_send(place) {
                Ok(()) => return,
                Err(error) => error.into_inner(),
            },
            false => place,
        };
        if let Err(cause) = self.mongo.move_messages(&[mine]).await {
            warn!("messages wait in the document that they were committed with: {cause:#}");
        }
    }

    /// What became of the commit: goes on if it was made. When that is not known, the loop looks after the messages.
    pub(super) fn after(mut self, done: Result<(), Failed>) -> Result<Self, Failed> {
        if matches!(&done, Err(failed) if !matches!(failed, Failed::Told(CommitError::Unavailable(_))))
        {
            self.place = None;
        }
        done.map(|()| self)
    }
}

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            // When there is no room, they are found by the search for what was left behind.
            let _ = self.mongo.mover.to_loop.try_send(place);
        }
    }
}

/// Messages of one document.
struct Found {
    id: Bson,
    messages: Vec<RawDocumentBuf>,
}

impl Mongo {
    /// Moves whatever waits in these documents.
    ///
    /// # Errors
    /// When the database does not answer; they wait on.
    pub(super) async fn move_messages(&self, places: &[Place]) -> anyhow::Result<()> {
        let collections: BTreeSet<&str> =
            places.iter().map(|place| place.collection.as_str()).collect();
        for collection in collections {
            let here = places.iter().filter(|place| place.collection == collection);
            let mut ids: Vec<Bson> = here.map(|place| place.id.clone()).collect();
            while !ids.is_empty() {
                self.move_some(collection, &mut ids).await?;
            }
        }
        Ok(())
    }

    /// Moves what waits in some of the documents and takes them off the list.
    async fn move_some(&self, collection: &str, ids: &mut Vec<Bson>) -> anyhow::Result<()> {
        let _one = self.mover.one.lock().await;
        let (found, is_all) =
            self.waiting_in(collection, ids).await.context("look for messages")?;
        match is_all {
            true => ids.clear(),
            false => ids.retain(|id| found.iter().all(|found| found.id != *id)),
        }
        let messages: Vec<RawDocumentBuf> =
            found.iter().flat_map(|found| found.messages.iter().cloned()).collect();
        if messages.is_empty() {
            return Ok(());
        }
        let reserved = self.positions.reserve(&self.quick, messages.len()).await?;
        outbox::insert(&self.durable, reserved.first, &messages, None)
            .await
            .map_err(CommitError::from)
            .context("move messages to the outbox")?;
        let (removed, released) =
            tokio::join!(self.remove_waiting(collection, &found), reserved.release(&self.quick));
        let channels: BTreeSet<&str> =
            messages.iter().filter_map(|message| message.get_str("channel").ok()).collect();
        for channel in channels {
            wake(&self.channels.counter(channel));
        }
        released?;
        removed
    }

    /// Reads the messages that wait in documents, and whether those are all.
    async fn waiting_in(
        &self,
        collection: &str,
        ids: &[Bson],
    ) -> anyhow::Result<(Vec<Found>, bool)> {
        let collection = self.quick.collection::<RawDocumentBuf>(collection);
        let find = collection.find(doc! { "_id": { "$in": ids } }).projection(doc! { PENDING: 1 });
        let mut batches = find.batch().await?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = batches.next().await {
            for element in batch?.doc_slices()? {
                let Some(document) = element?.as_document() else { continue };
                bytes += document.as_bytes().len();
                found.extend(self::found(document)?);
                if bytes >= BATCH_BYTES {
                    return Ok((found, false));
                }
            }
        }
        Ok((found, true))
    }

    /// Takes messages that were moved out of their documents.
    async fn remove_waiting(&self, collection: &str, found: &[Found]) -> anyhow::Result<()> {
        let command = match collection {
            journal::COLLECTION => {
                let ids: Vec<Bson> = found.iter().map(|found| found.id.clone()).collect();
                let done = doc! { "_id": { "$in": ids }, journal::REDO: { "$exists": false } };
                doc! { "delete": collection, "deletes": [{ "q": done, "limit": 0 }] }
            }
            _ => {
                let updates: Vec<Document> = found.iter().map(without).collect();
                doc! { "update": collection, "updates": updates, "ordered": false }
            }
        };
        let answer = self.quick.run_command(command).await?;
        match answer.get("writeErrors") {
            Some(errors) => bail!("moved messages stay in their documents for now: {errors}"),
            None => Ok(()),
        }
    }
}

/// The messages of a document; nothing when there are none. What others may have put there is left alone.
fn found(document: &RawDocument) -> anyhow::Result<Option<Found>> {
    let id = document.get("_id")?.context("a document has no id")?;
    let mut messages = Vec::new();
    if let Ok(waiting) = document.get_array(PENDING) {
        for message in waiting {
            let Some(message) = message?.as_document() else { continue };
            if message.get_object_id(ENTRY).is_ok() && message.get_str("channel").is_ok() {
                messages.push(message.to_owned());
            }
        }
    }
    Ok(match messages.is_empty() {
        true => None,
        false => Some(Found { id: Bson::try_from(id)?, messages }),
    })
}

/// Takes messages out of a document, and the field too when no others came meanwhile.
fn without(found: &Found) -> Document {
    let moved: Vec<ObjectId> =
        found.messages.iter().filter_map(|message| message.get_object_id(ENTRY).ok()).collect();
    let rest = doc! { "$filter": {
        "input": { "$ifNull": [format!("${PENDING}"), []] },
        "cond": { "$not": [{ "$in": [format!("$$this.{ENTRY}"), moved] }] },
    } };
    let left = doc! { "$cond": [{ "$eq": ["$$rest", []] }, "$$REMOVE", "$$rest"] };
    let update = doc! { "$set": { PENDING: { "$let": { "vars": { "rest": rest }, "in": left } } } };
    doc! { "q": { "_id": &found.id }, "u": [update] }
}

/// Messages as the outbox takes them.
pub(super) fn raw(pending: &[Bson]) -> anyhow::Result<Vec<RawDocumentBuf>> {
    let documents = pending.iter().filter_map(Bson::as_document);
    Ok(documents.map(RawDocumentBuf::try_from).collect::<Result<_, _>>()?)
}
