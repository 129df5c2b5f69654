//! Who relays an outbox channel: a document per channel, with the time until which it is one's own.

use std::time::Duration;

use anyhow::Context;
use mongodb::{
    Database,
    bson::{Document, doc},
    options::ReturnDocument,
};

const COLLECTION: &str = "milena_leases";

/// Takes or keeps a lease; its number, or nothing while it is somebody else's.
pub(super) async fn take(
    database: &Database,
    channel: &str,
    holder: &str,
    time: Duration,
) -> anyhow::Result<Option<i64>> {
    let milliseconds = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let is_ours = doc! { "$eq": ["$holder", { "$literal": holder }] };
    let is_over = doc! { "$lte": [{ "$ifNull": ["$until", "$$NOW"] }, "$$NOW"] };
    let is_taken = doc! { "$or": [&is_ours, is_over] };
    let next = doc! { "$add": [{ "$ifNull": ["$lease", 0_i64] }, 1_i64] };
    let when_taken = |then: Document, field: &str| doc! { "$cond": [&is_taken, then, field] };
    let update = doc! { "$set": {
        "holder": when_taken(doc! { "$literal": holder }, "$holder"),
        "until": when_taken(doc! { "$add": ["$$NOW", milliseconds] }, "$until"),
        "lease": when_taken(doc! { "$cond": [&is_ours, "$lease", next] }, "$lease"),
    } };
    let leases = database.collection::<Document>(COLLECTION);
    let held = leases
        .find_one_and_update(doc! { "_id": channel }, vec![update])
        .upsert(true)
        .return_document(ReturnDocument::After)
        .await?
        .context("the lease is not there")?;
    Ok(if held.get_str("holder")? == holder { Some(held.get_i64("lease")?) } else { None })
}

/// Ends a lease before its time.
pub(super) async fn release(database: &Database, channel: &str, lease: i64) -> anyhow::Result<()> {
    let update = doc! { "$set": { "holder": "", "until": "$$NOW" } };
    let leases = database.collection::<Document>(COLLECTION);
    leases.update_one(doc! { "_id": channel, "lease": lease }, vec![update]).await?;
    Ok(())
}

/// Whether this is the lease that was given last.
pub(super) async fn is_last(
    database: &Database,
    channel: &str,
    lease: i64,
) -> anyhow::Result<bool> {
    let leases = database.collection::<Document>(COLLECTION);
    Ok(leases.find_one(doc! { "_id": channel, "lease": lease }).await?.is_some())
}
