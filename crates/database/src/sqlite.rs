//! The SQLite backend: entities as typed columns, outbox and inbox beside them in one file.

mod apply;
mod check;
mod columns;
mod file;
mod filter;
mod list;
mod schema;
mod writer;

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use faults::crash_point;
use futures_util::{FutureExt, TryStreamExt};
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use tokio::sync::watch;

use crate::{
    Changes, CommitError, Database, Id, Listing, Message, Page, Row, Table, channels::Channels,
    leases::Leases,
};
use filter::Filter;

pub use check::check;
pub use file::{Durability, OpenError, SqliteFile};

/// How many bytes of payloads are read from the outbox at a time, one message at least.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// A database in one SQLite file.
pub struct Sqlite {
    file: SqliteFile,
    channels: Channels,
    /// The file is this process's alone.
    leases: Leases,
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
        Ok(Arc::new(Sqlite { file, channels: Channels::default(), leases: Leases::default() }))
    }
}

#[async_trait]
impl Database for Sqlite {
    async fn get(&self, table: &Table, id: &Id) -> anyhow::Result<Option<Row>> {
        let sql = format!("{} where {} = ?1", columns::select(table), columns::quoted(&table.key));
        let query = columns::bind_id(sqlx::query(AssertSqlSafe(sql)), id);
        let row = query
            .fetch_optional(self.file.readers())
            .await
            .with_context(|| format!("read {}", table.name))?;
        row.map(|row| columns::read(table, &row)).transpose()
    }

    async fn list(&self, table: &Table, page: &Page) -> anyhow::Result<Listing> {
        let filter = Filter::new(table, page)?;
        let listing = match filter.is_complete() {
            true => list::page(self.file.readers(), table, page, &filter).await,
            false => list::scan(self.file.readers(), table, page, &filter).await,
        };
        listing.with_context(|| format!("list {}", table.name))
    }

    async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        let wake = changes
            .outgoing
            .iter()
            .map(|message| self.channels.counter(&message.channel))
            .collect();
        let announces = !changes.outgoing.is_empty();
        let made = self
            .file
            .write(Durability::PowerFailure, wake, move |connection| {
                apply::changes(connection, changes).boxed()
            })
            .await;
        if announces && made.is_ok() {
            crash_point("after-commit");
        }
        made
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

    async fn waiting(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let count = sqlx::query_as("select channel, count(*) from outbox group by channel");
        let counts: Vec<(String, i64)> =
            count.fetch_all(self.file.readers()).await.context("count what waits")?;
        Ok(counts.into_iter().map(|(channel, count)| (channel, count.unsigned_abs())).collect())
    }

    async fn lease(
        &self,
        channel: &str,
        holder: &str,
        time: Duration,
    ) -> anyhow::Result<Option<i64>> {
        Ok(self.leases.take(channel, holder, time))
    }

    async fn release(&self, channel: &str, lease: i64) -> anyhow::Result<()> {
        self.leases.release(channel, lease);
        Ok(())
    }

    async fn sent(&self, channel: &str, positions: &[i64], lease: i64) -> anyhow::Result<bool> {
        if !self.leases.is_last(channel, lease) {
            return Ok(false);
        }
        if positions.is_empty() {
            return Ok(true);
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
                    Ok(true)
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
        self.channels.counter(channel).subscribe()
    }
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
