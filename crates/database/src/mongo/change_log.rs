//! Change units as Mongock notes them, so that a Java service which starts later on this database finds its own executed,
//! and so that what one has executed is not executed again.

use std::borrow::Cow;

use anyhow::anyhow;
use mongodb::{
    Database,
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
};
use tracing::info;

use super::{
    connect::{Kind, index, refused},
    document::CLASS,
    failure::is_duplicate,
};
use crate::ConnectError;

const LOG: &str = "mongockChangeLog";
const LOCK: &str = "mongockLock";

/// A change that a Java service has executed once in the life of a database, and that we execute in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeUnit {
    /// Its id.
    pub id: Cow<'static, str>,
    /// Who has written it.
    pub author: Cow<'static, str>,
    /// The class that holds it there.
    pub class: Cow<'static, str>,
    /// The method.
    pub method: Cow<'static, str>,
    /// The documents that it makes.
    pub documents: Vec<Seed>,
}

/// A document that a change unit makes: an id and a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// Its collection.
    pub collection: Cow<'static, str>,
    /// Its id, a text.
    pub id: Cow<'static, str>,
    /// What Spring Data reads it into.
    pub class: Cow<'static, str>,
}

/// Executes the units that the log does not know.
pub(super) async fn execute(
    database: &Database,
    units: &[ChangeUnit],
    host: &str,
) -> Result<(), ConnectError> {
    if units.is_empty() {
        return Ok(());
    }
    let refused = |error| refused(&error);
    let keys = doc! { "executionId": 1, "author": 1, "changeId": 1 };
    index(database, LOG, keys, Kind::Unique).await.map_err(refused)?;
    index(database, LOCK, doc! { "key": 1 }, Kind::Unique).await.map_err(refused)?;
    for unit in units {
        if is_executed(database, unit).await.map_err(refused)? {
            continue;
        }
        if is_locked(database).await.map_err(refused)? {
            return Err(ConnectError::Unavailable(anyhow!(
                "another service holds Mongock's lock and may execute change unit {} itself",
                unit.id
            )));
        }
        execute_one(database, unit, host).await.map_err(refused)?;
        info!("executed change unit {}", unit.id);
    }
    Ok(())
}

async fn is_executed(database: &Database, unit: &ChangeUnit) -> mongodb::error::Result<bool> {
    let done = doc! {
        "changeId": unit.id.as_ref(),
        "author": unit.author.as_ref(),
        "state": { "$in": ["EXECUTED", "IGNORED"] },
    };
    Ok(database.collection::<Document>(LOG).find_one(done).await?.is_some())
}

async fn is_locked(database: &Database) -> mongodb::error::Result<bool> {
    let held = doc! {
        "status": "LOCK_HELD",
        "$expr": { "$gt": ["$expiresAt", "$$NOW"] },
    };
    Ok(database.collection::<Document>(LOCK).find_one(held).await?.is_some())
}

async fn execute_one(
    database: &Database,
    unit: &ChangeUnit,
    host: &str,
) -> mongodb::error::Result<()> {
    let hello = database.run_command(doc! { "hello": 1 }).await?;
    let now = hello.get_datetime("localTime").copied().unwrap_or(DateTime::from_millis(0));
    for seed in &unit.documents {
        let class = doc! { "$set": { CLASS: seed.class.as_ref() } };
        let collection = database.collection::<Document>(&seed.collection);
        collection.update_one(doc! { "_id": seed.id.as_ref() }, class).upsert(true).await?;
    }
    // An id that is made of the unit: of two processes that do this at once, one is too late.
    let id = ObjectId::from_bytes(folded(unit));
    let time = now.try_to_rfc3339_string().unwrap_or_default();
    let execution = format!("{}-{}", time.trim_end_matches('Z'), u32::from(id.bytes()[11]));
    let note = doc! {
        "_id": id,
        "executionId": execution,
        "changeId": unit.id.as_ref(),
        "author": unit.author.as_ref(),
        "timestamp": now,
        "state": "EXECUTED",
        "type": "EXECUTION",
        "changeLogClass": unit.class.as_ref(),
        "changeSetMethod": unit.method.as_ref(),
        "metadata": Bson::Null,
        "executionMillis": 0_i64,
        "executionHostname": host,
        "errorTrace": Bson::Null,
    };
    match database.collection::<Document>(LOG).insert_one(note).await {
        Err(error) if is_duplicate(&error) => Ok(()),
        noted => noted.map(drop),
    }
}

/// Twelve bytes that belong to a unit.
fn folded(unit: &ChangeUnit) -> [u8; 12] {
    let mut bytes = [0_u8; 12];
    let names = unit.id.bytes().chain([0]).chain(unit.author.bytes());
    for (at, byte) in names.enumerate() {
        let slot = &mut bytes[at % 12];
        *slot = slot.rotate_left(3) ^ byte;
    }
    bytes
}
