//! Positions in the outbox: numbers that grow. Several processes may put messages into one outbox, and a smaller position
//! may become visible after a greater one; a reader who goes on from the greatest that he has seen would never see it.
//! Therefore whoever takes positions notes the first of them in the same document until its messages are there or never
//! will be, and a reader does not look past the smallest note. A note that is ten seconds old is of a process that died.
//!
//! Nobody waits until positions are on disk. What a stand-alone server forgets when it is killed may have been delivered from
//! the outbox, and a message in the same place would be taken for delivered: so positions are never behind the clock, which
//! nobody may set back while such a server is down.
//!
//! Commits of one moment take positions together, under one note, which the last of them removes: the one document would
//! have every commit wait for every other, and each that comes in between makes the server begin again.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use mongodb::{
    Database,
    bson::{Document, RawDocumentBuf, doc, oid::ObjectId},
    error::{Error, Result},
    options::ReturnDocument,
};

use super::together::Together;

const COLLECTION: &str = "milena_positions";
const OUTBOX: &str = "outbox";
/// How many milliseconds a note counts.
const PATIENCE: i64 = 10_000;
/// How many positions there are for each millisecond; more than are taken, so that the clock is ahead again before a server
/// that was killed runs.
const PER_MILLISECOND: i64 = 1_000;

/// Who takes positions in this process.
#[derive(Debug)]
pub(super) struct Positions {
    /// Takes positions for numbers of messages.
    taking: Together<usize, Result<Reservation>>,
    /// Removes notes.
    removing: Together<ObjectId, Result<()>>,
    abandoned: Abandoned,
}

/// Notes that nobody looks after any more: to be removed.
type Abandoned = Arc<Mutex<Vec<ObjectId>>>;

/// Positions that were taken; noted until they are released.
#[derive(Debug)]
pub(super) struct Reservation {
    /// The first of them.
    pub(super) first: i64,
    /// The position behind which there are none but these; nothing when something before them is not decided.
    pub(super) after: Option<i64>,
    note: Arc<Note>,
}

/// A note, from the moment on when it may be there.
#[derive(Debug)]
struct Note {
    id: ObjectId,
    /// Channels of messages that readers will find when it is removed.
    channels: Mutex<BTreeSet<String>>,
    abandoned: Abandoned,
    removed: bool,
}

/// Up to where the outbox is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decided {
    /// Nothing will come at this position or before it any more.
    pub(super) last: i64,
    /// Whether greater positions were taken.
    pub(super) is_behind: bool,
}

impl Positions {
    pub(super) fn new() -> Self {
        let (taking, removing) = (Together::new(), Together::new());
        Positions { taking, removing, abandoned: Abandoned::default() }
    }

    /// Takes positions, one after the other.
    pub(super) async fn reserve(&self, database: &Database, count: usize) -> Result<Reservation> {
        let take = |counts: Vec<usize>| async move {
            let taken = self.take(database, counts.iter().sum()).await;
            let mut next = taken.as_ref().map_or(0, |taken| taken.first);
            let is_one = counts.len() == 1;
            let place = |count: usize| {
                let first = next;
                next += i64::try_from(count).unwrap_or_default();
                let Reservation { after, note, .. } = taken.as_ref().map_err(Error::clone)?;
                Ok(Reservation { first, after: after.filter(|_| is_one), note: note.clone() })
            };
            counts.into_iter().map(place).collect()
        };
        self.taking.ask(count, take).await
    }

    /// Takes positions under a note of their own.
    async fn take(&self, database: &Database, count: usize) -> Result<Reservation> {
        let note = Note::new(self.abandoned.clone());
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let next = doc! { "$ifNull": ["$next", 1_i64] };
        let clock = doc! { "$multiply": [{ "$toLong": "$$NOW" }, PER_MILLISECOND] };
        let first = doc! { "$max": [&next, clock] };
        let noted = doc! { "note": note.id, "first": &first, "at": "$$NOW" };
        let update = doc! { "$set": {
            "before": next,
            "next": { "$add": [first, count] },
            "moving": { "$concatArrays": [fresh(), [noted]] },
        } };
        let reserved = database
            .collection::<RawDocumentBuf>(COLLECTION)
            .find_one_and_update(doc! { "_id": OUTBOX }, vec![update])
            .upsert(true)
            .return_document(ReturnDocument::After)
            .projection(doc! { "before": 1, "next": 1, "moving.first": 1 })
            .await?
            .unwrap_or_default();
        let first = reserved.get_i64("next").unwrap_or_default() - count;
        let notes = reserved.get_array("moving").map_or(0, |notes| notes.into_iter().count());
        let before = reserved.get_i64("before").ok().filter(|_| notes == 1);
        Ok(Reservation { first, after: before.map(|before| before - 1), note: Arc::new(note) })
    }

    /// The messages of these channels are there, or never will be. When they were the last under their note, lets readers
    /// pass; answers the channels in which they find more now.
    pub(super) async fn release(
        &self,
        reservation: Reservation,
        database: &Database,
        channels: impl Iterator<Item = &str>,
    ) -> Result<BTreeSet<String>> {
        reservation.note.channels().extend(channels.map(str::to_owned));
        let Some(note) = Arc::into_inner(reservation.note) else { return Ok(BTreeSet::new()) };
        let remove = |notes: Vec<ObjectId>| async move {
            let pull = doc! { "$pull": { "moving": { "note": { "$in": &notes } } } };
            let collection = database.collection::<Document>(COLLECTION);
            let pulled = collection.update_one(doc! { "_id": OUTBOX }, pull).await.map(drop);
            notes.iter().map(|_| pulled.clone()).collect()
        };
        self.removing.ask(note.id, remove).await?;
        Ok(note.done())
    }

    /// Removes notes that nobody looks after any more, and those of processes that died.
    pub(super) async fn clean(&self, database: &Database) -> Result<()> {
        let abandoned =
            std::mem::take(&mut *self.abandoned.lock().unwrap_or_else(PoisonError::into_inner));
        let kept = doc! { "$filter": {
            "input": fresh(), "cond": { "$not": [{ "$in": ["$$this.note", &abandoned] }] },
        } };
        let is_old = doc! { "$lt": [{ "$arrayElemAt": ["$moving.at", 0] }, limit()] };
        let filter = doc! { "_id": OUTBOX, "$or": [
            { "moving.note": { "$in": &abandoned } }, { "$expr": is_old },
        ] };
        let collection = database.collection::<Document>(COLLECTION);
        let cleaned =
            collection.update_one(filter, vec![doc! { "$set": { "moving": kept } }]).await;
        if cleaned.is_err() {
            self.abandoned.lock().unwrap_or_else(PoisonError::into_inner).extend(abandoned);
        }
        cleaned.map(drop)
    }
}

/// Looks up to where readers may go.
pub(super) async fn decided(database: &Database) -> Result<Decided> {
    let collection = database.collection::<RawDocumentBuf>(COLLECTION);
    let Some(found) = collection.find_one(doc! { "_id": OUTBOX }).await? else {
        return Ok(Decided { last: 0, is_behind: false });
    };
    let next = found.get_i64("next")?;
    let mut first = next;
    for note in found.get_array("moving")? {
        let noted = note?.as_document().map(|note| note.get_i64("first")).transpose()?;
        first = first.min(noted.unwrap_or(next));
    }
    Ok(Decided { last: first - 1, is_behind: first < next })
}

impl Note {
    fn new(abandoned: Abandoned) -> Self {
        Note { id: ObjectId::new(), channels: Mutex::default(), abandoned, removed: false }
    }

    fn channels(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is removed.
    fn done(mut self) -> BTreeSet<String> {
        self.removed = true;
        std::mem::take(&mut *self.channels())
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if !self.removed {
            let abandoned = self.abandoned.lock();
            abandoned.unwrap_or_else(PoisonError::into_inner).push(self.id);
        }
    }
}

/// The notes that count.
fn fresh() -> Document {
    let notes = doc! { "$ifNull": ["$moving", []] };
    doc! { "$filter": { "input": notes, "cond": { "$gte": ["$$this.at", limit()] } } }
}

fn limit() -> Document {
    doc! { "$subtract": ["$$NOW", PATIENCE] }
}
