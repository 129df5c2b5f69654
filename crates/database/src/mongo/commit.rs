//! How a commit becomes true at once: as one write to one document where that is enough, else by a transaction, or on a
//! server without transactions by a record of what is to be done.

use mongodb::bson::{Bson, Document, doc, oid::ObjectId};

use super::{
    Mongo,
    document::PENDING,
    failure::{Failed, is_duplicate},
    inbox, journal,
    mover::{Committing, raw},
    outbox,
    task::Place,
    write,
};
use crate::{Changes, CommitError, Message, Write};

impl Mongo {
    /// Makes all changes or none.
    pub(super) async fn make(&self, changes: Changes) -> Result<(), Failed> {
        if takes_steps(&changes, self.transactions) {
            return self.in_steps(changes).await;
        }
        let Changes { writes, outgoing, handled } = changes;
        match (writes.as_slice(), handled.as_slice()) {
            ([write, ..], _) => self.one(write, &outgoing).await,
            ([], [(consumer, message), ..]) => {
                let note = inbox::note(consumer, message);
                self.alone(inbox::COLLECTION, note, &outgoing).await.map_err(Failed::of_inbox)
            }
            ([], []) if outgoing.is_empty() => Ok(()),
            ([], []) => {
                let note = doc! { "_id": ObjectId::new() };
                self.alone(journal::COLLECTION, note, &outgoing).await
            }
        }
    }

    /// One write to one row, with its messages.
    async fn one(&self, write: &Write, outgoing: &[Message]) -> Result<(), Failed> {
        let _shared = self.isolation.read().await;
        let (table, id) = write::row(write);
        let place = Place::of(table, id);
        let committing = Committing::new(self, (!outgoing.is_empty()).then_some(place));
        let pending: Vec<Bson> = outgoing.iter().map(outbox::pending).collect();
        let messages = raw(&pending)?;
        let mut are_alone = false;
        let done = self.write(write, pending, &mut None).await.map(|known| are_alone = known);
        committing.after(done)?.succeeded(are_alone.then_some(messages)).await;
        Ok(())
    }

    /// One new document of our own, with messages.
    async fn alone(
        &self,
        collection: &str,
        note: Document,
        outgoing: &[Message],
    ) -> Result<(), Failed> {
        self.record(collection, note, outgoing).await?.succeeded(None).await;
        Ok(())
    }

    /// Adds a document of our own, with messages; one with its id is a conflict.
    pub(super) async fn record(
        &self,
        collection: &str,
        mut note: Document,
        outgoing: &[Message],
    ) -> Result<Committing<'_>, Failed> {
        let id = note.get("_id").cloned().unwrap_or(Bson::Null);
        let place = Place { collection: collection.to_owned(), id };
        let committing = Committing::new(self, (!outgoing.is_empty()).then_some(place));
        if !outgoing.is_empty() {
            let pending: Vec<Bson> = outgoing.iter().map(outbox::pending).collect();
            note.insert(PENDING, pending);
        }
        let inserted = self.durable.collection::<Document>(collection).insert_one(note).await;
        committing.after(match inserted {
            Err(error) if is_duplicate(&error) => Err(CommitError::Conflict.into()),
            inserted => inserted.map(drop).map_err(Failed::from),
        })
    }
}

/// Whether one write to one document does not do it all. Where there are transactions, messages are none of its parts.
fn takes_steps(changes: &Changes, transactions: bool) -> bool {
    let Changes { writes, outgoing, handled } = changes;
    let is_delete = writes.iter().any(|write| write::left(write).is_none());
    writes.len() + handled.len() > 1 || !outgoing.is_empty() && (transactions || is_delete)
}
