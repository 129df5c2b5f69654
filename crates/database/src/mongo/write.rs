//! One write to one document. With messages it is still one: they are put into the document, under `_outbox`.

use std::collections::BTreeMap;

use anyhow::anyhow;
use mongodb::{
    ClientSession,
    bson::{Bson, Document, RawDocumentBuf, doc},
    error::Error,
    options::ReturnDocument,
};

use super::{
    Mongo,
    document::{self, PENDING},
    failure::{Failed, code, explained, is_duplicate},
    outbox::ENTRY,
    read,
    task::Place,
};
use crate::{CommitError, Id, Table, Value, Write};

/// How often a document that is to be removed may turn out to hold messages again.
const ATTEMPTS: usize = 5;

/// A transaction, or none.
pub(super) type Session<'a> = Option<&'a mut ClientSession>;

impl Mongo {
    /// Makes one write, of which messages may be a part; answers whether it is known that no others wait in the document.
    pub(super) async fn write(
        &self,
        write: &Write,
        pending: Vec<Bson>,
        session: &mut Session<'_>,
    ) -> Result<bool, Failed> {
        match write {
            Write::Insert { table, id, values } => {
                let document = document::row(table, id, values, pending);
                self.insert(&table.name, document, session).await.map(|()| true)
            }
            Write::Overwrite { table, id, values } => {
                let filter = doc! { "_id": document::id(id) };
                self.replace(table, filter, values, pending, session).await
            }
            Write::Replace { table, id, version, values } => {
                if let Some(seen) = self.seen.take(table, id, *version) {
                    let filter = read::unchanged(table, &seen)?;
                    let replace = self.replace(table, filter, values, pending.clone(), session);
                    match replace.await {
                        Err(Failed::Told(CommitError::Conflict)) => {}
                        replaced => return replaced,
                    }
                }
                let filter = self.in_version(table, id, *version, session).await?;
                self.replace(table, filter, values, pending, session).await
            }
            Write::Delete { table, id, version } => {
                self.delete(table, id, *version, session).await.map(|()| false)
            }
        }
    }

    /// Makes writes to different rows, of which none removes one, with a command for each collection and kind. A row that is
    /// not as one of them wants it, or cannot be written, is in the way of all.
    pub(super) async fn write_together(
        &self,
        writes: impl Iterator<Item = &Write>,
        session: &mut ClientSession,
    ) -> Result<(), Failed> {
        let mut inserts: BTreeMap<&str, Vec<Document>> = BTreeMap::new();
        let mut updates: BTreeMap<&str, Vec<Document>> = BTreeMap::new();
        for write in writes {
            let (table, id) = row(write);
            let filter = match write {
                Write::Insert { values, .. } => {
                    let document = document::row(table, id, values, Vec::new());
                    inserts.entry(&table.name).or_default().push(document);
                    continue;
                }
                Write::Replace { version, .. } => match self.seen.take(table, id, *version) {
                    Some(seen) => read::unchanged(table, &seen)?,
                    None => self.in_version(table, id, *version, &mut Some(&mut *session)).await?,
                },
                Write::Overwrite { .. } | Write::Delete { .. } => doc! { "_id": document::id(id) },
            };
            let values = left(write).ok_or_else(|| anyhow!("a group removes nothing"))?;
            let update = document::replacement(table, values, Vec::new());
            updates.entry(&table.name).or_default().push(doc! { "q": filter, "u": update });
        }
        for (collection, documents) in inserts {
            let collection = self.durable.collection::<Document>(collection);
            collection.insert_many(documents).session(&mut *session).await.map_err(of_one)?;
        }
        for (collection, updates) in updates {
            let count = i32::try_from(updates.len()).ok();
            let command = doc! { "update": collection, "updates": updates };
            let update = self.durable.run_command(command).session(&mut *session);
            let answer = update.await.map_err(of_one)?;
            if answer.contains_key("writeErrors") || answer.get_i32("n").ok() != count {
                return Err(Failed::Again(anyhow!("one of several rows cannot be written")));
            }
        }
        Ok(())
    }

    /// Adds a document; one with its id is a conflict.
    async fn insert(
        &self,
        collection: &str,
        document: Document,
        session: &mut Session<'_>,
    ) -> Result<(), Failed> {
        let collection = self.durable.collection::<Document>(collection);
        let insert = collection.insert_one(document);
        let inserted = match session {
            Some(session) => insert.session(&mut **session).await,
            None => insert.await,
        };
        match inserted {
            Err(error) if is_duplicate(&error) => Err(CommitError::Conflict.into()),
            inserted => Ok(inserted.map(drop)?),
        }
    }

    /// Gives a document new values, and messages; it is a conflict when none meets the filter.
    async fn replace(
        &self,
        table: &Table,
        filter: Document,
        values: &[Value],
        pending: Vec<Bson>,
        session: &mut Session<'_>,
    ) -> Result<bool, Failed> {
        let sent = pending.len();
        let update = document::replacement(table, values, pending);
        let collection = self.durable.collection::<RawDocumentBuf>(&table.name);
        let waiting = match session {
            Some(session) => {
                let updated = collection.update_one(filter, update).session(&mut **session).await?;
                (updated.matched_count > 0).then_some(0)
            }
            None => collection
                .find_one_and_update(filter, update)
                .return_document(ReturnDocument::After)
                .projection(doc! { "_id": 0, format!("{PENDING}.{ENTRY}"): 1 })
                .await?
                .map(|left| {
                    left.get_array(PENDING).map_or(0, |waiting| waiting.into_iter().count())
                }),
        };
        waiting.map(|waiting| waiting == sent).ok_or_else(|| CommitError::Conflict.into())
    }

    /// Removes a document, after the messages that wait in it have been moved.
    async fn delete(
        &self,
        table: &Table,
        id: &Id,
        version: Option<i64>,
        session: &mut Session<'_>,
    ) -> Result<(), Failed> {
        let collection = self.durable.collection::<Document>(&table.name);
        for _ in 0..ATTEMPTS {
            let mut filter = match version {
                Some(version) => self.in_version(table, id, version, session).await?,
                None => doc! { "_id": document::id(id) },
            };
            filter.insert(format!("{PENDING}.0"), doc! { "$exists": false });
            let delete = collection.delete_one(filter);
            let deleted = match session {
                Some(session) => delete.session(&mut **session).await?,
                None => delete.await?,
            };
            if deleted.deleted_count > 0 {
                return Ok(());
            }
            // It is gone, or it was changed, which the next look will tell, or messages wait in it.
            if version.is_none() && self.document(table, id, session).await?.is_none() {
                return Ok(());
            }
            let place = Place::of(table, id);
            self.move_messages(&[place.into()]).await?;
        }
        Err(Failed::Again(anyhow!(
            "messages are put into {} {id} all the time, so that it cannot be removed",
            table.name
        )))
    }

    /// What the document meets as long as it is what it is now, provided that this is a row's version.
    async fn in_version(
        &self,
        table: &Table,
        id: &Id,
        version: i64,
        session: &mut Session<'_>,
    ) -> Result<Document, Failed> {
        let document = self.document(table, id, session).await?.ok_or(CommitError::Conflict)?;
        let row = read::row(table, &document)?.ok_or(CommitError::Conflict)?;
        match row.version == version {
            true => Ok(read::unchanged(table, &document)?),
            false => Err(CommitError::Conflict.into()),
        }
    }

    /// The document of a row.
    pub(super) async fn document(
        &self,
        table: &Table,
        id: &Id,
        session: &mut Session<'_>,
    ) -> Result<Option<RawDocumentBuf>, Failed> {
        let collection = self.durable.collection::<RawDocumentBuf>(&table.name);
        let find = collection.find_one(doc! { "_id": document::id(id) });
        Ok(match session {
            Some(session) => find.session(&mut **session).await?,
            None => find.await?,
        })
    }
}

/// What the server says about several writes may be meant for one of them only.
fn of_one(error: Error) -> Failed {
    match code(&error) {
        Some(_) => Failed::Again(explained(&error)),
        None => Failed::from(error),
    }
}

/// The values of a write that leaves a row.
pub(super) fn left(write: &Write) -> Option<&[Value]> {
    match write {
        Write::Insert { values, .. }
        | Write::Replace { values, .. }
        | Write::Overwrite { values, .. } => Some(values),
        Write::Delete { .. } => None,
    }
}

/// The row of a write.
pub(super) fn row(write: &Write) -> (&Table, &Id) {
    match write {
        Write::Insert { table, id, .. }
        | Write::Replace { table, id, .. }
        | Write::Overwrite { table, id, .. }
        | Write::Delete { table, id, .. } => (table, id),
    }
}
