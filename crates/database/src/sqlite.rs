//! The SQLite backend: entities as typed columns, outbox and inbox beside them in one file.

mod apply;
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
use sqlx::{AssertSqlSafe, sqlite::SqliteRow};
use tokio::sync::watch;

use crate::{
    Changes, CommitError, Database, Direction, Id, IdKind, Listing, Message, Page, Row, Table,
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
                apply::changes(connection, changes).boxed()
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
            let (position, message) = apply::message(&row)?;
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
        self.file
            .write_in_portions(move |connection| apply::forget_handled(connection, before).boxed())
            .await
    }

    fn name(&self) -> &'static str {
        "db"
    }

    async fn check(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        sqlx::query("select 1").execute(self.file.readers()).await.context("ask SQLite")?;
        Ok(vec![("database", "SQLite".to_owned()), ("validationQuery", "isValid()".to_owned())])
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
