//! The log's tables and statements.

use std::collections::HashMap;

use anyhow::Context;
use database::Message;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{
    headers::{pack, unpack},
    partition::partition_of,
};
use crate::Record;

/// How many bytes of payloads are read at a time, one record at least.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

const TABLES: &str = "
create table if not exists partition (
    topic text not null,
    number integer not null,
    next integer not null default 0,
    primary key (topic, number)
) without rowid;
create table if not exists record (
    topic text not null,
    partition integer not null,
    position integer not null,
    key blob,
    headers blob not null,
    payload blob,
    created integer not null,
    primary key (topic, partition, position)
) without rowid;
create table if not exists committed (
    consumers text not null,
    topic text not null,
    partition integer not null,
    next integer not null,
    primary key (consumers, topic, partition)
) without rowid;
";

pub(super) async fn prepare(connection: &mut SqliteConnection) -> anyhow::Result<()> {
    sqlx::raw_sql(TABLES).execute(connection).await.context("create the log")?;
    Ok(())
}

/// Creates a topic unless it is there; returns how many partitions it has.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    topic: &str,
    partitions: i32,
) -> anyhow::Result<i32> {
    let existing = count(connection, topic).await?;
    if existing > 0 {
        return Ok(existing);
    }
    for number in 0..partitions {
        sqlx::query("insert into partition (topic, number) values (?1, ?2)")
            .bind(topic)
            .bind(number)
            .execute(&mut *connection)
            .await
            .with_context(|| format!("create topic {topic}"))?;
    }
    Ok(partitions)
}

async fn count(connection: &mut SqliteConnection, topic: &str) -> anyhow::Result<i32> {
    let query = sqlx::query_scalar("select count(*) from partition where topic = ?1").bind(topic);
    query.fetch_one(connection).await.context("read the topics")
}

/// Appends messages to topics that are there, each with this many partitions.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    messages: Vec<Message>,
    partitions: HashMap<String, i32>,
) -> anyhow::Result<()> {
    for message in messages {
        let count = partitions.get(&message.topic).copied().unwrap_or(1);
        let key = message.key.map(String::into_bytes);
        let partition = key.as_deref().map_or(0, |key| partition_of(key, count));
        let position: i64 = sqlx::query_scalar(
            "update partition set next = next + 1 where topic = ?1 and number = ?2 returning next - 1",
        )
        .bind(&message.topic)
        .bind(partition)
        .fetch_one(&mut *connection)
        .await
        .context("take an offset")?;
        sqlx::query(
            "insert into record (topic, partition, position, key, headers, payload, created) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(message.topic)
        .bind(partition)
        .bind(position)
        .bind(key)
        .bind(pack(&message.headers))
        .bind(message.payload)
        .bind(message.created.as_millisecond())
        .execute(&mut *connection)
        .await
        .context("append a record")?;
    }
    Ok(())
}

/// The position after the last one that the group has handled.
pub(super) async fn committed(
    readers: &SqlitePool,
    group: &str,
    topic: &str,
    partition: i32,
) -> anyhow::Result<i64> {
    let next = sqlx::query_scalar(
        "select next from committed where consumers = ?1 and topic = ?2 and partition = ?3",
    )
    .bind(group)
    .bind(topic)
    .bind(partition)
    .fetch_optional(readers)
    .await
    .context("read the committed offset")?;
    Ok(next.unwrap_or(0))
}

pub(super) async fn commit(
    connection: &mut SqliteConnection,
    group: String,
    record: (String, i32, i64),
) -> anyhow::Result<()> {
    let (topic, partition, position) = record;
    // A member that was slow to learn of its replacement must not move the group back.
    sqlx::query(
        "insert into committed (consumers, topic, partition, next) values (?1, ?2, ?3, ?4) \
         on conflict do update set next = max(next, excluded.next)",
    )
    .bind(group)
    .bind(topic)
    .bind(partition)
    .bind(position + 1)
    .execute(connection)
    .await
    .context("commit an offset")?;
    Ok(())
}

/// Reads on in several partitions of a topic, up to `limit` records in all, and moves their positions, unless it fails.
pub(super) async fn read_on(
    readers: &SqlitePool,
    topic: &str,
    positions: &mut Vec<(i32, i64)>,
    limit: u32,
) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    let mut moved = positions.clone();
    for (partition, next) in &mut moved {
        let room = limit - u32::try_from(records.len()).unwrap_or(limit).min(limit);
        if room == 0 {
            break;
        }
        let read = read(readers, (topic, *partition), *next, room).await?;
        if let Some(last) = read.last() {
            *next = last.offset + 1;
        }
        records.extend(read);
    }
    // Moved only now, so that nothing is passed over when the caller gives up in between.
    *positions = moved;
    // The partition that was first comes last the next time, so that a busy one does not starve the others.
    if positions.len() > 1 {
        positions.rotate_left(1);
    }
    Ok(records)
}

async fn read(
    readers: &SqlitePool,
    (topic, partition): (&str, i32),
    from: i64,
    limit: u32,
) -> anyhow::Result<Vec<Record>> {
    let mut rows = sqlx::query(
        "select position, key, headers, payload, created from record \
         where topic = ?1 and partition = ?2 and position >= ?3 order by position limit ?4",
    )
    .bind(topic)
    .bind(partition)
    .bind(from)
    .bind(limit)
    .fetch(readers);
    let (mut records, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await.context("read the log")? {
        let record = record(topic, partition, &row)?;
        bytes += record.payload.as_ref().map_or(0, Vec::len);
        records.push(record);
        if bytes >= BATCH_BYTES {
            break;
        }
    }
    Ok(records)
}

fn record(topic: &str, partition: i32, row: &SqliteRow) -> anyhow::Result<Record> {
    let headers: Vec<u8> = row.try_get("headers")?;
    Ok(Record {
        topic: topic.to_owned(),
        partition,
        offset: row.try_get("position")?,
        key: row.try_get("key")?,
        headers: unpack(&headers).context("read the headers of a record")?,
        payload: row.try_get("payload")?,
        timestamp: Timestamp::from_millisecond(row.try_get("created")?)?,
    })
}

/// Notes that a group reads a topic, so that nothing is removed before it has come that far.
pub(super) async fn join(
    connection: &mut SqliteConnection,
    group: String,
    topic: String,
) -> anyhow::Result<()> {
    sqlx::query(
        "insert into committed (consumers, topic, partition, next) \
         select ?1, topic, number, 0 from partition where topic = ?2 on conflict do nothing",
    )
    .bind(group)
    .bind(topic)
    .execute(connection)
    .await
    .context("join a group")?;
    Ok(())
}

/// Notes that somebody listens to a topic without a group, so that its old records need not wait for a group to come.
pub(super) async fn listen(connection: &mut SqliteConnection, topic: String) -> anyhow::Result<()> {
    // No group has an empty name; this one has always passed everything.
    sqlx::query(
        "insert into committed (consumers, topic, partition, next) \
         select '', topic, number, ?2 from partition where topic = ?1 on conflict do nothing",
    )
    .bind(topic)
    .bind(i64::MAX)
    .execute(connection)
    .await
    .context("listen to a topic")?;
    Ok(())
}

/// The partitions of a topic, each with the position that its next record will have.
pub(super) async fn ends(readers: &SqlitePool, topic: &str) -> anyhow::Result<Vec<(i32, i64)>> {
    sqlx::query_as("select number, next from partition where topic = ?1 order by number")
        .bind(topic)
        .fetch_all(readers)
        .await
        .context("read the ends of a topic")
}

/// Removes up to `limit` of the oldest records of each partition: those made before a time that every group has passed.
pub(super) async fn remove_before(
    connection: &mut SqliteConnection,
    time: Timestamp,
    limit: u32,
) -> anyhow::Result<u64> {
    let passed: Vec<(String, i32, i64)> = sqlx::query_as(
        "select topic, partition, min(next) from committed group by topic, partition",
    )
    .fetch_all(&mut *connection)
    .await
    .context("read the committed offsets")?;
    let mut removed = 0;
    for (topic, partition, next) in passed {
        let result = sqlx::query(
            "delete from record where topic = ?1 and partition = ?2 and created < ?4 and position in (
                select position from record where topic = ?1 and partition = ?2 and position < ?3 order by position limit ?5
            )",
        )
        .bind(topic)
        .bind(partition)
        .bind(next)
        .bind(time.as_millisecond())
        .bind(limit)
        .execute(&mut *connection)
        .await
        .context("remove old records")?;
        removed += result.rows_affected();
    }
    Ok(removed)
}
