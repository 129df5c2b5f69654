//! Positions in the outbox: numbers that grow. Several processes may put messages into one outbox, and a smaller position
//! may become visible after a greater one; a reader who goes on from the greatest that he has seen would never see it.
//! Therefore whoever takes positions notes the first of them in the same document until its messages are there or never
//! will be, and a reader does not look past the smallest note. A note that is ten seconds old is of a process that died.

use std::sync::{Mutex, PoisonError};

use mongodb::{
    Database,
    bson::{Document, RawDocumentBuf, doc, oid::ObjectId},
    options::ReturnDocument,
};

const COLLECTION: &str = "milena_positions";
const OUTBOX: &str = "outbox";
/// How many milliseconds a note counts.
const PATIENCE: i64 = 10_000;

/// Who takes positions in this process.
#[derive(Debug, Default)]
pub(super) struct Positions {
    /// Notes that nobody looks after any more: to be removed.
    abandoned: Mutex<Vec<ObjectId>>,
}

/// Positions that were taken; noted until they are released.
pub(super) struct Reservation<'a> {
    /// The first of them.
    pub(super) first: i64,
    note: Note<'a>,
}

/// A note, from the moment on when it may be there.
struct Note<'a> {
    positions: &'a Positions,
    id: ObjectId,
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
    /// Takes positions, one after the other.
    pub(super) async fn reserve(
        &self,
        database: &Database,
        count: usize,
    ) -> mongodb::error::Result<Reservation<'_>> {
        let note = Note { positions: self, id: ObjectId::new(), removed: false };
        let next = doc! { "$ifNull": ["$next", 1_i64] };
        let noted = doc! { "note": note.id, "first": next.clone(), "at": "$$NOW" };
        let update = doc! { "$set": {
            "next": { "$add": [next, i64::try_from(count).unwrap_or(i64::MAX)] },
            "moving": { "$concatArrays": [fresh(), [noted]] },
        } };
        let reserved = database
            .collection::<RawDocumentBuf>(COLLECTION)
            .find_one_and_update(doc! { "_id": OUTBOX }, vec![update])
            .upsert(true)
            .return_document(ReturnDocument::After)
            .projection(doc! { "next": 1 })
            .await?;
        let next = reserved.map(|document| document.get_i64("next")).transpose()?;
        let first = next.unwrap_or_default() - i64::try_from(count).unwrap_or_default();
        Ok(Reservation { first, note })
    }

    /// Looks up to where readers may go.
    pub(super) async fn decided(&self, database: &Database) -> mongodb::error::Result<Decided> {
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

    /// Removes notes that nobody looks after any more, and those of processes that died.
    pub(super) async fn clean(&self, database: &Database) -> mongodb::error::Result<()> {
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

impl Reservation<'_> {
    /// Lets readers pass: the messages are there, or never will be.
    pub(super) async fn release(mut self, database: &Database) -> mongodb::error::Result<()> {
        let remove = doc! { "$pull": { "moving": { "note": self.note.id } } };
        let collection = database.collection::<Document>(COLLECTION);
        collection.update_one(doc! { "_id": OUTBOX }, remove).await?;
        self.note.removed = true;
        Ok(())
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        if !self.removed {
            let abandoned = self.positions.abandoned.lock();
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
