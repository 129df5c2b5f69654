//! One write to one document. With messages it is still one: they are put into the document, under `_outbox`.

use mongodb::{
    ClientSession,
    bson::{Bson, Document, RawDocumentBuf, doc},
    options::ReturnDocument,
};

use super::{
    Mongo,
    document::{self, PENDING},
    failure::{Failed, is_duplicate},
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
            let place = Place { collection: table.name.to_string(), id: document::id(id) };
            self.move_messages(&[place.into()]).await?;
        }
        Err(Failed::Again(anyhow::anyhow!(
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
