//! Carries messages from the documents that they were committed with to the outbox: at once for what this process
//! commits, later for what was left behind. Safe to do twice: the outbox takes an entry once.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context, bail};
use faults::crash_point;
use futures_util::StreamExt;
use mongodb::bson::{Bson, Document, RawDocument, RawDocumentBuf, doc, oid::ObjectId};
use tokio::{
    sync::{Mutex, mpsc},
    time::{Instant, timeout},
};
use tracing::warn;

use super::{
    Mongo,
    document::PENDING,
    failure::Failed,
    journal,
    outbox::{self, ENTRY},
    task::{Looked, Place, Task, entries, to_look},
};
use crate::CommitError;

/// How many documents may wait for the loop that moves their messages.
const WAITING: usize = 1024;
/// How long a commit waits for room there.
const ROOM: Duration = Duration::from_secs(2);
/// How many bytes of messages are moved at a time, one document at least.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Who moves messages in this process.
pub(super) struct Mover {
    pub(super) to_loop: mpsc::Sender<Task>,
    pub(super) waiting: Mutex<mpsc::Receiver<Task>>,
    /// Whether the loop runs.
    pub(super) runs: AtomicBool,
    /// Held by who moves. Two at once could put the messages of one document into the outbox in the wrong order.
    one: Mutex<Looked>,
}

impl Mover {
    pub(super) fn new() -> Self {
        let (to_loop, waiting) = mpsc::channel(WAITING);
        Mover {
            to_loop,
            waiting: Mutex::new(waiting),
            runs: AtomicBool::new(false),
            one: Mutex::default(),
        }
    }
}

/// Messages that are being committed with a document. Whatever becomes of the one who commits, the loop looks after them.
pub(super) struct Committing<'a> {
    mongo: &'a Mongo,
    place: Option<Place>,
    began: Instant,
}

impl<'a> Committing<'a> {
    /// `place` is where they will wait; nothing when there are none.
    pub(super) fn new(mongo: &'a Mongo, place: Option<Place>) -> Self {
        Committing { mongo, place, began: Instant::now() }
    }

    /// They are committed: has them moved, by the loop or, when it does not run, now. `alone` are the messages when no others
    /// wait in the document.
    pub(super) async fn succeeded(mut self, alone: Option<Vec<RawDocumentBuf>>) {
        let Some(place) = self.place.take() else { return };
        let task = Task { place, known: alone.map(|messages| (self.began, messages)) };
        let mover = &self.mongo.mover;
        if mover.runs.load(Ordering::Acquire) {
            // Who waits here is not overtaken by a later commit. When the loop is stuck, messages wait in their document.
            if timeout(ROOM, mover.to_loop.send(task)).await.is_err() {
                warn!("messages are committed faster than they are moved to the outbox");
            }
        } else if let Err(cause) = self.mongo.move_messages(&[task]).await {
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
            let _ = self.mongo.mover.to_loop.try_send(place.into());
        }
    }
}

/// Messages of one document.
struct Found<'a> {
    place: &'a Place,
    messages: Cow<'a, [RawDocumentBuf]>,
}

impl Mongo {
    /// Moves whatever waits in these documents: of one document in its order, of several in theirs.
    ///
    /// # Errors
    /// When the database does not answer; they wait on.
    pub(super) async fn move_messages(&self, tasks: &[Task]) -> anyhow::Result<()> {
        let mut looked = self.mover.one.lock().await;
        let (mut rest, mut size, mut look) = (tasks, tasks.len(), false);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(size.min(rest.len()));
            let to_look = to_look(now, look, &looked);
            match self.waiting_in(now, &to_look, &mut looked).await.context("look for messages")? {
                Some(found) if self.move_found(&found).await? => (rest, look) = (later, false),
                // Another process was at it too; whoever comes later than it must take later positions.
                Some(_) => look = true,
                // Too much at once.
                None => size = (now.len() / 2).max(1),
            }
        }
        Ok(())
    }

    /// Moves messages; false when some were in the outbox already, so that the rest has to be looked at again.
    async fn move_found(&self, found: &[Found<'_>]) -> anyhow::Result<bool> {
        let messages: Vec<&RawDocument> =
            found.iter().flat_map(|found| found.messages.iter().map(AsRef::as_ref)).collect();
        if messages.is_empty() {
            return Ok(true);
        }
        crash_point("before-move");
        let reserved = self.positions.reserve(&self.quick, messages.len()).await?;
        let placed = outbox::placed(reserved.first, &messages)?;
        // No wait for the disk: the server writes down in order what it was told, so none of them leaves its document on disk
        // before it is in the outbox there.
        let are_new = outbox::insert(&self.quick, &placed, None)
            .await
            .map_err(CommitError::from)
            .context("move messages to the outbox")?;
        let mut moved: HashSet<ObjectId> =
            found.iter().flat_map(|found| entries(&found.messages)).collect();
        if !are_new {
            moved = outbox::known(&self.quick, &moved).await?;
        }
        let is_shown = are_new && self.show(&reserved, &placed);
        crash_point("before-unset");
        let channels = messages.iter().filter_map(|message| message.get_str("channel").ok());
        let release = async {
            let released = self.positions.release(reserved, &self.quick, channels).await;
            released.map(|channels| {
                if !is_shown {
                    self.readers.announce(&channels)
                }
            })
        };
        let (removed, released) = tokio::join!(self.remove_waiting(found, &moved), release);
        released?;
        removed.map(|()| are_new)
    }

    /// Reads the messages that wait in documents, except those that are known; nothing when those of several documents are
    /// too many.
    async fn waiting_in<'a>(
        &self,
        tasks: &'a [Task],
        to_look: &HashSet<&'a Place>,
        looked: &mut Looked,
    ) -> anyhow::Result<Option<Vec<Found<'a>>>> {
        let known = |task: &'a Task| match &task.known {
            Some((_, messages)) if !to_look.contains(&task.place) => {
                Some(Found { place: &task.place, messages: Cow::Borrowed(messages) })
            }
            _ => None,
        };
        let mut found: Vec<Option<Found<'a>>> = tasks.iter().map(known).collect();
        let mut bytes: usize = found
            .iter()
            .flatten()
            .flat_map(|it| it.messages.iter())
            .map(|it| it.as_bytes().len())
            .sum();
        for (collection, ids) in by_collection(tasks, to_look) {
            let wanted: Vec<&Bson> = ids.keys().copied().collect();
            let documents = self.quick.collection::<RawDocumentBuf>(collection);
            let find =
                documents.find(doc! { "_id": { "$in": wanted } }).projection(doc! { PENDING: 1 });
            let mut batches = find.batch().await?;
            while let Some(batch) = batches.next().await {
                for element in batch?.doc_slices()? {
                    let Some(document) = element?.as_document() else { continue };
                    bytes += document.as_bytes().len();
                    if bytes > BATCH_BYTES && tasks.len() > 1 {
                        return Ok(None);
                    }
                    let id = Bson::try_from(document.get("_id")?.context("a document has no id")?)?;
                    if let Some(at) = ids.get(&id) {
                        let messages = waiting(document)?;
                        looked.add(&messages);
                        let (place, messages) = (&tasks[*at].place, Cow::Owned(messages));
                        found[*at] = Some(Found { place, messages });
                    }
                }
            }
        }
        Ok(Some(found.into_iter().flatten().filter(|found| !found.messages.is_empty()).collect()))
    }

    /// Takes messages that were moved out of their documents.
    async fn remove_waiting(
        &self,
        found: &[Found<'_>],
        moved: &HashSet<ObjectId>,
    ) -> anyhow::Result<()> {
        let mut updates: BTreeMap<&str, Vec<Document>> = BTreeMap::new();
        for found in found {
            let entries = entries(&found.messages);
            let moved: Vec<ObjectId> = entries.filter(|entry| moved.contains(entry)).collect();
            if !moved.is_empty() {
                let update = without(found.place, moved);
                updates.entry(&found.place.collection).or_default().push(update);
            }
        }
        for (collection, updates) in updates {
            let command = doc! { "update": collection, "updates": updates, "ordered": false };
            check(&self.quick.run_command(command).await?)?;
            if collection == journal::COLLECTION {
                let ours = found.iter().filter(|found| found.place.collection == collection);
                let ids: Vec<&Bson> = ours.map(|found| &found.place.id).collect();
                let mut done = doc! { "_id": { "$in": ids } };
                for field in [journal::REDO, PENDING] {
                    done.insert(field, doc! { "$exists": false });
                }
                self.quick.collection::<Document>(collection).delete_many(done).await?;
            }
        }
        Ok(())
    }
}

/// Where the documents of each collection that have to be looked at are in the list; of one that is there twice, its first
/// place.
fn by_collection<'a>(
    tasks: &'a [Task],
    to_look: &HashSet<&Place>,
) -> BTreeMap<&'a str, HashMap<&'a Bson, usize>> {
    let mut collections: BTreeMap<&str, HashMap<&Bson, usize>> = BTreeMap::new();
    let wanted = tasks.iter().map(|task| &task.place).enumerate();
    for (at, place) in wanted.filter(|(_, place)| to_look.contains(place)) {
        collections.entry(&place.collection).or_default().entry(&place.id).or_insert(at);
    }
    collections
}

/// The messages that wait in a document. What others may have put there is left alone.
fn waiting(document: &RawDocument) -> anyhow::Result<Vec<RawDocumentBuf>> {
    let mut messages = Vec::new();
    let Ok(pending) = document.get_array(PENDING) else { return Ok(messages) };
    for message in pending {
        let Some(message) = message?.as_document() else { continue };
        if message.get_object_id(ENTRY).is_ok() && message.get_str("channel").is_ok() {
            messages.push(message.to_owned());
        }
    }
    Ok(messages)
}

fn check(answer: &Document) -> anyhow::Result<()> {
    match answer.get("writeErrors") {
        Some(errors) => bail!("moved messages stay in their documents for now: {errors}"),
        None => Ok(()),
    }
}

/// Takes messages out of a document, and the field too when no others came meanwhile.
fn without(place: &Place, moved: Vec<ObjectId>) -> Document {
    let rest = doc! { "$filter": {
        "input": { "$ifNull": [format!("${PENDING}"), []] },
        "cond": { "$not": [{ "$in": [format!("$$this.{ENTRY}"), moved] }] },
    } };
    let left = doc! { "$cond": [{ "$eq": ["$$rest", []] }, "$$REMOVE", "$$rest"] };
    let update = doc! { "$set": { PENDING: { "$let": { "vars": { "rest": rest }, "in": left } } } };
    doc! { "q": { "_id": &place.id }, "u": [update] }
}

/// Messages as the outbox takes them.
pub(super) fn raw(pending: &[Bson]) -> anyhow::Result<Vec<RawDocumentBuf>> {
    let documents = pending.iter().filter_map(Bson::as_document);
    Ok(documents.map(RawDocumentBuf::try_from).collect::<Result<_, _>>()?)
}
