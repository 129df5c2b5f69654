//! The SQLite backend: entities as typed columns, outbox and inbox beside them in one file.

mod check;
mod columns;
mod file;
mod schema;
mod writer;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use async_trait::async_trait;
use futures_util::{FutureExt, TryStreamExt};
use jiff::Timestamp;
use sqlx::{
    AssertSqlSafe, Row as _, SqliteConnection,
    sqlite::{SqliteQueryResult, SqliteRow},
};
use tokio::sync::watch;

use crate::{
    Changes, CommitError, Database, Direction, Id, IdKind, Listing, Message, Page, Row, Table,
    Value, Write,
};

pub use check::check;
pub use file::{Durability, OpenError, SqliteFile};

/// How many bytes of payloads are read from the outbox at a time, one message at least.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// A database in one SQLite file.
pub struct Sqlite {
    file: SqliteFile,
    added: Mutex<HashMap<String, watch::Sender<u64>>>,
}

impl Sqlite {
    /// Opens a file, creates what is missing of the tables, adds columns that are new.
    ///
    /// # Errors
    /// When the file is not a database, is damaged, or was written by a newer version; it is left alone then.
    pub async fn open(
        path: &Path,
        tables: &[Table],
        durability: Durability,
    ) -> Result<Arc<Self>, OpenError> {
        let file = SqliteFile::open(path, durability).await?;
        let tables = tables.to_vec();
        file.write(Durability::PowerFailure, Vec::new(), move |connection| {
            async move { schema::prepare(connection, &tables).await }.boxed()
        })
        .await
        .map_err(|cause: anyhow::Error| OpenError::unavailable(path, cause))?;
        Ok(Arc::new(Sqlite { file, added: Mutex::default() }))
    }

    fn channel(&self, channel: &str) -> watch::Sender<u64> {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        added.entry(channel.to_owned()).or_insert_with(|| watch::Sender::new(0)).clone()
    }
}

#[async_trait]
impl Database for Sqlite {
    async fn get(&self, table: &Table, id: &Id) -> anyhow::Result<Option<Row>> {
        let sql = format!("{} where id = ?1", columns::select(table));
        let query = columns::bind_id(sqlx::query(AssertSqlSafe(sql)), id);
        let row = query
            .fetch_optional(self.file.readers())
            .await
            .with_context(|| format!("read {}", table.name))?;
        row.map(|row| columns::read(table, &row)).transpose()
    }

    async fn list(&self, table: &Table, page: &Page) -> anyhow::Result<Listing> {
        let sql = format!(
            "{} order by {} limit ?1 offset ?2",
            columns::select(table),
            order(table, page)
        );
        let count = format!("select count(*) from {}", columns::quoted(&table.name));
        let offset = i64::try_from(page.offset).unwrap_or(i64::MAX);
        let what = || format!("list {}", table.name);
        // One transaction, so that the rows and their number are of the same moment.
        let mut reading = self.file.readers().begin().await.with_context(what)?;
        let rows: Vec<SqliteRow> = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(page.limit))
            .bind(offset)
            .fetch_all(&mut *reading)
            .await
            .with_context(what)?;
        let total: i64 = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(&mut *reading)
            .await
            .with_context(what)?;
        reading.commit().await.with_context(what)?;
        let rows =
            rows.iter().map(|row| columns::read(table, row)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Listing { rows, total: total.unsigned_abs() })
    }

    async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        let wake = changes.outgoing.iter().map(|message| self.channel(&message.channel)).collect();
        self.file
            .write(Durability::PowerFailure, wake, move |connection| {
                apply(connection, changes).boxed()
            })
            .await
    }

    async fn unsent(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>> {
        let mut rows = sqlx::query(
            "select position, id, channel, topic, key, headers, payload, created from outbox \
             where channel = ?1 and position > ?2 order by position limit ?3",
        )
        .bind(channel)
        .bind(after)
        .bind(i64::from(limit))
        .fetch(self.file.readers());
        let (mut messages, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await.context("read the outbox")? {
            let (position, message) = message(&row)?;
            bytes += message.payload.len();
            messages.push((position, message));
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        Ok(messages)
    }

    async fn sent(&self, _channel: &str, positions: &[i64]) -> anyhow::Result<()> {
        if positions.is_empty() {
            return Ok(());
        }
        let positions = positions.to_vec();
        // Forgetting a message late only sends it again, which every destination bears: no need to wait for the disk.
        self.file
            .write(Durability::ProcessCrash, Vec::new(), move |connection| {
                async move {
                    for position in positions {
                        let delete =
                            sqlx::query("delete from outbox where position = ?1").bind(position);
                        delete.execute(&mut *connection).await.context("remove from the outbox")?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    async fn reserve(&self, sequence: &str, start: i64, count: i64) -> anyhow::Result<i64> {
        let sequence = sequence.to_owned();
        self.file
            .write(Durability::PowerFailure, Vec::new(), move |connection| {
                async move {
                    let next: i64 = sqlx::query_scalar(
                        "insert into sequence (name, next) values (?1, ?2 + ?3) \
                         on conflict (name) do update set next = next + ?3 returning next",
                    )
                    .bind(sequence)
                    .bind(start)
                    .bind(count)
                    .fetch_one(connection)
                    .await
                    .context("reserve ids")?;
                    Ok(next - count)
                }
                .boxed()
            })
            .await
    }

    async fn forget_handled(&self, before: Timestamp) -> anyhow::Result<u64> {
        let mut total = 0;
        loop {
            // In portions, so that nobody waits long for a place between them.
            let removed: anyhow::Result<u64> = self
                .file
                .write(Durability::ProcessCrash, Vec::new(), move |connection| {
                    forget_handled(connection, before).boxed()
                })
                .await;
            match removed? {
                0 => return Ok(total),
                removed => total += removed,
            }
        }
    }

    fn added(&self, channel: &str) -> watch::Receiver<u64> {
        self.channel(channel).subscribe()
    }
}

fn order(table: &Table, page: &Page) -> String {
    let mut order = String::new();
    for sort in &page.sort {
        let column = sort.column.and_then(|column| table.columns.get(column));
        let name = column.map_or_else(|| "id".to_owned(), |column| columns::quoted(&column.name));
        let direction = match sort.direction {
            Direction::Ascending => "asc",
            Direction::Descending => "desc",
        };
        order.push_str(&format!("{name} {direction}, "));
    }
    order + "rowid"
}

async fn apply(connection: &mut SqliteConnection, changes: Changes) -> Result<(), CommitError> {
    if let Some((consumer, message)) = &changes.handled {
        let insert = sqlx::query(
            "insert into inbox (consumer, message) values (?1, ?2) on conflict do nothing",
        );
        let inserted = insert.bind(consumer).bind(message).execute(&mut *connection).await?;
        if inserted.rows_affected() == 0 {
            return Err(CommitError::AlreadyHandled);
        }
    }
    for write in changes.writes {
        apply_write(connection, write).await?;
    }
    for message in changes.outgoing {
        let headers = serde_json::to_string(&message.headers)
            .map_err(|error| CommitError::Unavailable(error.into()))?;
        sqlx::query(
            "insert into outbox (channel, id, topic, key, headers, payload, created) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(message.channel)
        .bind(message.id)
        .bind(message.topic)
        .bind(message.key)
        .bind(headers)
        .bind(message.payload)
        .bind(columns::instant_text(message.created))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn apply_write(connection: &mut SqliteConnection, write: Write) -> Result<(), CommitError> {
    let affected = match write {
        Write::Insert { table, id, values } => {
            let query = columns::bind_id(sqlx::query(AssertSqlSafe(columns::insert(&table))), &id);
            columns::bind_values(query, &values).execute(connection).await
        }
        Write::Replace { table, id, version, values } => {
            replace(connection, &table, &id, Some(version), &values).await
        }
        Write::Overwrite { table, id, values } => {
            replace(connection, &table, &id, None, &values).await
        }
        Write::Delete { table, id } => {
            let sql = format!("delete from {} where id = ?1", columns::quoted(&table.name));
            columns::bind_id(sqlx::query(AssertSqlSafe(sql)), &id).execute(connection).await?;
            return Ok(());
        }
    };
    match affected {
        Ok(result) if result.rows_affected() == 1 => Ok(()),
        Ok(_) => Err(CommitError::Conflict),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            Err(CommitError::Conflict)
        }
        Err(error) => Err(error.into()),
    }
}

async fn forget_handled(
    connection: &mut SqliteConnection,
    before: Timestamp,
) -> anyhow::Result<u64> {
    let delete = sqlx::query(
        "delete from inbox where (consumer, message) in (
            select consumer, message from inbox where handled < ?1 order by handled limit 1000
        )",
    );
    let removed =
        delete.bind(before.as_second()).execute(connection).await.context("clean the inbox")?;
    Ok(removed.rows_affected())
}

async fn replace(
    connection: &mut SqliteConnection,
    table: &Table,
    id: &Id,
    version: Option<i64>,
    values: &[Value],
) -> sqlx::Result<SqliteQueryResult> {
    let sql = AssertSqlSafe(columns::replace(table));
    let query = columns::bind_id(sqlx::query(sql), id).bind(version);
    columns::bind_values(query, values).execute(connection).await
}

fn message(row: &SqliteRow) -> anyhow::Result<(i64, Message)> {
    let headers: String = row.try_get("headers")?;
    let created: String = row.try_get("created")?;
    let message = Message {
        id: row.try_get("id")?,
        channel: row.try_get("channel")?,
        topic: row.try_get("topic")?,
        key: row.try_get("key")?,
        headers: serde_json::from_str(&headers).context("read the headers of a message")?,
        payload: row.try_get("payload")?,
        created: created.parse().context("read the time of a message")?,
    };
    Ok((row.try_get("position")?, message))
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> Self {
        CommitError::Unavailable(error.into())
    }
}

impl From<anyhow::Error> for CommitError {
    fn from(error: anyhow::Error) -> Self {
        CommitError::Unavailable(error)
    }
}

impl IdKind {
    fn sql(self) -> &'static str {
        match self {
            IdKind::ObjectId => "text primary key not null",
            IdKind::Sequence => "integer primary key not null",
        }
    }
}
