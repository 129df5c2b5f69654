//! A commit of several parts on a server without transactions: all that is to be done is written into one document, which
//! is the moment of truth, and then done. Each step names what it expects to find, so that to do it again, by whoever
//! finds the record of a process that died, changes nothing that somebody else has changed meanwhile.
//!
//! What this cannot do: until all steps are done, readers may see some of them; and what another process, or a Java
//! service, changes between our look and our step stays as if it had been changed after it.

use std::collections::HashMap;

use anyhow::{Context, anyhow};
use mongodb::bson::{
    Binary, Bson, Document, RawDocument, RawDocumentBuf, doc, oid::ObjectId, spec::BinarySubtype,
};

use super::{
    Mongo,
    document::{self, PENDING},
    failure::{Failed, is_duplicate},
    inbox, read,
    task::Place,
    version, write,
};
use crate::{Changes, CommitError, Write};

pub(super) const COLLECTION: &str = "milena_journal";
/// The steps that are to be done, in a document of the journal or of the inbox.
pub(super) const REDO: &str = "redo";

const ONE_AT_A_TIME: &str = "MongoDB without a replica set handles one message at a time";

/// What a row is by now, in the middle of a commit.
enum State {
    Absent,
    Present { filter: Document, version: i64 },
}

impl Mongo {
    /// Makes all changes, by way of a record.
    pub(super) async fn journaled(&self, changes: &Changes) -> Result<(), Failed> {
        // Nobody in this process changes what we look at before it is done.
        let _alone = self.isolation.write().await;
        let (collection, mut record) = match changes.handled.as_slice() {
            [(consumer, message)] => (inbox::COLLECTION, inbox::note(consumer, message)),
            [] => (COLLECTION, doc! { "_id": ObjectId::new() }),
            // The record of a handled message is its note in the inbox, which can stand for one message only.
            _ => return Err(CommitError::Refused(ONE_AT_A_TIME.to_owned()).into()),
        };
        let id = record.get("_id").cloned().unwrap_or(Bson::Null);
        if !changes.handled.is_empty() {
            let inbox = self.durable.collection::<RawDocumentBuf>(collection);
            if inbox.find_one(doc! { "_id": &id }).await?.is_some() {
                return Err(CommitError::AlreadyHandled.into());
            }
        }
        let steps = self.plan(&changes.writes).await?;
        record.insert(REDO, steps);
        let place = Place { collection: collection.to_owned(), id };
        let committing = self.record(collection, record, &changes.outgoing).await;
        let committing = committing.map_err(Failed::of_inbox)?;
        self.redo(&place).await.context("the changes are on record and will be made later")?;
        committing.succeeded(None).await;
        Ok(())
    }

    /// The steps of a commit, if the rows are as its writes expect them.
    async fn plan(&self, writes: &[Write]) -> Result<Vec<Document>, Failed> {
        let mut states: HashMap<(&str, &crate::Id), State> = HashMap::new();
        let mut steps = Vec::new();
        for write in writes {
            let (table, id) = write::row(write);
            let key = (table.name.as_ref(), id);
            let state = match states.remove(&key) {
                Some(state) => state,
                None => match self.document(table, id, &mut None).await? {
                    None => State::Absent,
                    Some(found) => State::Present {
                        filter: read::unchanged(table, &found)?,
                        version: read::row(table, &found)?.map_or(0, |row| row.version),
                    },
                },
            };
            steps.extend(step(write, &state)?);
            let next = match write::left(write) {
                None => State::Absent,
                Some(values) => State::Present {
                    filter: document::unchanged(table, id, values),
                    version: version::of(values),
                },
            };
            states.insert(key, next);
        }
        Ok(steps)
    }

    /// Does what a record says, and takes it off the record.
    pub(super) async fn redo(&self, place: &Place) -> anyhow::Result<()> {
        let records = self.quick.collection::<RawDocumentBuf>(&place.collection);
        let Some(record) = records.find_one(doc! { "_id": &place.id }).await? else {
            return Ok(());
        };
        if let Ok(steps) = record.get_array(REDO) {
            for step in steps {
                let step = step?;
                let step = step.as_document().context("a record holds what is no step")?;
                self.take(step).await.context("make a change that is on record")?;
            }
        }
        let records = self.durable.collection::<Document>(&place.collection);
        let is_done = place.collection == COLLECTION && record.get(PENDING)?.is_none();
        match is_done {
            true => records.delete_one(doc! { "_id": &place.id }).await.map(drop)?,
            false => {
                let done = doc! { "$unset": { REDO: "" } };
                records.update_one(doc! { "_id": &place.id }, done).await.map(drop)?;
            }
        }
        Ok(())
    }

    /// Takes one step, unless it was taken before.
    async fn take(&self, step: &RawDocument) -> anyhow::Result<()> {
        let collection = self.durable.collection::<Document>(step.get_str("collection")?);
        if let Some(document) = part(step, "insert")? {
            return match collection.insert_one(document).await {
                Err(error) if is_duplicate(&error) => Ok(()),
                inserted => Ok(inserted.map(drop)?),
            };
        }
        let mut filter = part(step, "filter")?.context("a step without a filter")?;
        if let Some(update) = part(step, "update")? {
            let stages = update.get_array("stages")?.iter().filter_map(Bson::as_document).cloned();
            collection.update_one(filter, stages.collect::<Vec<_>>()).await?;
            return Ok(());
        }
        let id = filter.get("_id").and_then(only).context("a step without an id")?;
        let place = Place { collection: collection.name().to_owned(), id };
        filter.insert(format!("{PENDING}.0"), doc! { "$exists": false });
        self.move_messages(&[place.into()]).await?;
        collection.delete_one(filter).await?;
        Ok(())
    }
}

/// What a write comes to; nothing when there is nothing to do.
fn step(write: &Write, state: &State) -> Result<Option<Document>, Failed> {
    let (table, id) = write::row(write);
    let collection = table.name.as_ref();
    let expected = match write {
        Write::Replace { version, .. } => Some(*version),
        Write::Delete { version, .. } => *version,
        Write::Insert { .. } | Write::Overwrite { .. } => None,
    };
    let filter = match (write, state) {
        (Write::Insert { values, .. }, State::Absent) => {
            let document = document::row(table, id, values, Vec::new());
            return Ok(Some(doc! { "collection": collection, "insert": bytes(&document)? }));
        }
        (Write::Delete { version: None, .. }, State::Absent) => return Ok(None),
        (Write::Insert { .. }, _) | (_, State::Absent) => return Err(CommitError::Conflict.into()),
        (_, State::Present { filter, version }) if expected.is_none_or(|it| it == *version) => {
            filter
        }
        _ => return Err(CommitError::Conflict.into()),
    };
    let mut step = doc! { "collection": collection, "filter": bytes(filter)? };
    if let Some(values) = write::left(write) {
        let stages = document::replacement(table, values, Vec::new());
        step.insert("update", bytes(&doc! { "stages": stages })?);
    }
    Ok(Some(step))
}

/// A document as bytes: as a part of another one, its names that begin with `$` might be refused.
fn bytes(document: &Document) -> anyhow::Result<Binary> {
    let bytes = document.to_vec().map_err(|error| anyhow!("write a step down: {error}"))?;
    Ok(Binary { subtype: BinarySubtype::Generic, bytes })
}

fn part(step: &RawDocument, name: &str) -> anyhow::Result<Option<Document>> {
    let Some(part) = step.get(name)? else { return Ok(None) };
    let part = part.as_binary().with_context(|| format!("{name} of a step is not binary"))?;
    Ok(Some(RawDocument::from_bytes(part.bytes)?.try_into()?))
}

/// The id in a filter: as it is, or under `$eq`.
fn only(id: &Bson) -> Option<Bson> {
    match id {
        Bson::Document(filter) if filter.len() == 1 => filter.get("$eq").cloned(),
        id => Some(id.clone()),
    }
}
