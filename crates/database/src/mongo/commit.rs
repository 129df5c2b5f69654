//! How a commit becomes true at once: as one write to one document where that is enough, else by a transaction, or on a
//! server without transactions by a record of what is to be done.

use mongodb::bson::{Bson, Document, doc, oid::ObjectId};

use super::{
    Mongo, document,
    failure::{Failed, is_duplicate},
    inbox, journal,
    document::PENDING,
    mover::{Committing, Place},
    outbox, transaction, write,
};
use crate::{Changes, CommitError, Write};

impl Mongo {
    /// Makes all changes or none.
    pub(super) async fn make(&self, changes: &Changes) -> Result<(), Failed> {
        let Changes { writes, outgoing, handled } = changes;
        match (writes.as_slice(), handled) {
            ([], None) if outgoing.is_empty() => Ok(()),
            _ if self.transactions && !is_single(changes) => {
                transaction::commit(self, changes).await
            }
            ([], None) => {
                let note = doc! { "_id": ObjectId::new() };
                self.alone(journal::COLLECTION, note, changes).await
            }
            ([], Some((consumer, message))) => {
                let note = inbox::note(consumer, message);
                self.alone(inbox::COLLECTION, note, changes).await.map_err(|failed| match failed {
                    Failed::Told(CommitError::Conflict) => CommitError::AlreadyHandled.into(),
                    failed => failed,
                })
            }
            ([write], None) if outgoing.is_empty() || write::left(write).is_some() => {
                self.one(write, changes).await
            }
            _ => self.journaled(changes).await,
        }
    }

    /// One write to one row, with its messages.
    async fn one(&self, write: &Write, changes: &Changes) -> Result<(), Failed> {
        let _shared = self.isolation.read().await;
        let pending: Vec<Bson> = changes.outgoing.iter().map(outbox::pending).collect();
        let place = (!pending.is_empty()).then(|| {
            let (table, id) = write::row(write);
            Place { collection: table.name.to_string(), id: document::id(id) }
        });
        let committing = Committing::new(self, place);
        let done = self.write(write, pending, &mut None).await;
        settle(committing, done).await
    }

    /// One new document of our own, with its messages.
    pub(super) async fn alone(
        &self,
        collection: &str,
        mut note: Document,
        changes: &Changes,
    ) -> Result<(), Failed> {
        let pending: Vec<Bson> = changes.outgoing.iter().map(outbox::pending).collect();
        let id = note.get("_id").cloned().unwrap_or(Bson::Null);
        let place = Place { collection: collection.to_owned(), id };
        let committing = Committing::new(self, (!pending.is_empty()).then_some(place));
        if !pending.is_empty() {
            note.insert(PENDING, pending);
        }
        let inserted = self.durable.collection::<Document>(collection).insert_one(note).await;
        let done = match inserted {
            Err(error) if is_duplicate(&error) => Err(CommitError::Conflict.into()),
            inserted => inserted.map(drop).map_err(Failed::from),
        };
        settle(committing, done).await
    }
}

/// Whether one plain write does it all.
fn is_single(changes: &Changes) -> bool {
    changes.writes.len() + usize::from(changes.handled.is_some()) == 1
        && changes.outgoing.is_empty()
}

/// Looks after the messages of a write that was made, or may have been.
async fn settle(committing: Committing<'_>, done: Result<(), Failed>) -> Result<(), Failed> {
    match &done {
        Ok(()) => committing.succeeded().await,
        Err(Failed::Told(CommitError::Unavailable(_))) => drop(committing),
        Err(_) => committing.failed(),
    }
    done
}
