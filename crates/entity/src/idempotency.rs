//! Remembers which request was answered with which entity, so that a caller who does not know whether its request came
//! through can send it again (`Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header).

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use axum::http::HeaderMap;
use chassis::{Outside, Problem, Stop};
use database::{
    Changes, Column, DatabaseRef, Direction, Id, IdKind, Kind, Page, Row, Sort, Table, Value, Write,
};
use jiff::Timestamp;
use tracing::{debug, warn};

/// Where keys are kept. A database that serves a resource has this table.
pub const TABLE: Table = Table {
    name: Cow::Borrowed("milena_idempotency"),
    id: IdKind::ObjectId,
    key: Cow::Borrowed("id"),
    class: None,
    columns: Cow::Borrowed(&[
        column("entity", Kind::Text),
        column("fingerprint", Kind::Text),
        column("created", Kind::Instant),
    ]),
};

/// Where in the table's columns the time stands.
const CREATED: usize = 2;

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name: Cow::Borrowed(name), kind, required: true }
}

const HEADER: &str = "idempotency-key";
/// The longest key, and the longest name of a caller: OpenID Connect's bound for a subject.
const LONGEST: usize = 255;
/// How long a key is remembered.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How often keys are looked through for old ones.
const CLEANING: Duration = Duration::from_secs(60 * 60);
/// How many keys are removed at a time.
const PORTION: u32 = 500;

/// The name of a row: who asked for which collection with which key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key(String);

/// What a key was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The entity that was made.
    pub(crate) id: Id,
    /// What the caller had sent.
    pub(crate) fingerprint: String,
}

/// The keys of one resource.
pub(crate) struct Keys {
    collection: String,
    database: DatabaseRef,
    running: Mutex<HashSet<Key>>,
}

/// A request with a key is being handled as long as this lives.
pub(crate) struct Running<'a> {
    keys: &'a Keys,
    key: Key,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.keys.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Keys {
    pub(crate) fn new(collection: &str, database: DatabaseRef) -> Self {
        Keys { collection: collection.to_owned(), database, running: Mutex::default() }
    }

    /// The key of a request; none when the caller sent none.
    ///
    /// # Errors
    /// 400 when it is empty, too long, or there are several.
    pub(crate) fn key(&self, headers: &HeaderMap, caller: &str) -> Result<Option<Key>, Problem> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let key = value.to_str().unwrap_or_default().trim();
        // The draft has it in quotes; many leave them out.
        let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
        if key.is_empty() || key.len() > LONGEST || values.next().is_some() {
            let detail = format!("Idempotency-Key must be one text of 1 to {LONGEST} characters");
            return Err(Problem::bad_request(detail));
        }
        if caller.len() > LONGEST {
            let detail = "Idempotency-Key cannot be used by a caller with such a long name";
            return Err(Problem::bad_request(detail));
        }
        // The length keeps apart where the key ends and the name begins.
        Ok(Some(Key(format!("{}/{}/{key}/{caller}", self.collection, key.len()))))
    }

    /// Begins to handle a request with this key, unless one is being handled.
    pub(crate) fn begin(&self, key: &Key) -> Option<Running<'_>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(key.clone()).then(|| Running { keys: self, key: key.clone() })
    }

    /// What the key was used for.
    pub(crate) async fn find(&self, key: &Key) -> anyhow::Result<Option<Kept>> {
        let row = self.database.get(&TABLE, &Id::Text(key.0.clone())).await?;
        row.map(kept).transpose()
    }

    /// The write that remembers what a key was used for; a `Conflict` when it was used before.
    pub(crate) fn remember(&self, key: &Key, kept: &Kept, now: Timestamp) -> Write {
        let entity = match &kept.id {
            Id::Text(text) => format!("t{text}"),
            Id::Integer(number) => format!("i{number}"),
        };
        let values =
            vec![Value::Text(entity), Value::Text(kept.fingerprint.clone()), Value::Instant(now)];
        Write::Insert { table: TABLE, id: Id::Text(key.0.clone()), values }
    }
}

fn kept(row: Row) -> anyhow::Result<Kept> {
    let [Value::Text(entity), Value::Text(fingerprint), Value::Instant(_)] = &row.values[..] else {
        bail!("a row of {} is not as it was written", TABLE.name);
    };
    let id = match entity.split_at_checked(1) {
        Some(("t", text)) => Id::Text(text.to_owned()),
        Some(("i", number)) => Id::Integer(number.parse().context("read a number of an entity")?),
        _ => bail!("{entity:?} is no id of an entity"),
    };
    Ok(Kept { id, fingerprint: fingerprint.clone() })
}

/// Removes keys that are older than 24 hours, every hour until `stop`. Used again, they count as new.
///
/// # Errors
/// None: what fails is tried again the next time.
pub async fn clean(database: DatabaseRef, outside: Outside, stop: Stop) -> anyhow::Result<()> {
    loop {
        let before = outside.now() - KEPT;
        let cleaned = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            cleaned = remove_older(&database, before) => cleaned,
        };
        match cleaned {
            Ok(count) => debug!("removed {count} idempotency keys"),
            Err(cause) => warn!("old idempotency keys stay for now: {cause:#}"),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(CLEANING) => {}
        }
    }
}

/// Removes keys that were first used before this time, oldest first; returns how many.
async fn remove_older(database: &DatabaseRef, before: Timestamp) -> anyhow::Result<usize> {
    let oldest = Page {
        sort: vec![Sort { column: Some(CREATED), direction: Direction::Ascending }],
        ..Page::first(PORTION)
    };
    let mut count = 0;
    loop {
        let rows = database.list(&TABLE, &oldest).await.context("list idempotency keys")?.rows;
        let old = rows.into_iter().take_while(
            |row| matches!(row.values.get(CREATED), Some(Value::Instant(at)) if *at < before),
        );
        let (mut changes, mut removed) = (Changes::new(), 0);
        for row in old {
            changes = changes.write(Write::Delete { table: TABLE, id: row.id, version: None });
            removed += 1;
        }
        if removed == 0 {
            return Ok(count);
        }
        database.commit(changes).await.context("remove idempotency keys")?;
        count += removed;
    }
}

#[cfg(test)]
mod tests;
