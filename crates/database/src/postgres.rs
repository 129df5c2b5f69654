//! The PostgreSQL backend: rows in tables that a Java service may share, outbox and inbox beside them.
//!
//! A commit is one transaction in `read committed`: each of its statements names the version that it expects, or leaves
//! the decision to a unique key.

mod append;
mod apply;
mod changelog;
mod columns;
mod connect;
mod failure;
mod filter;
mod instant;
mod lease;
mod outbox;
mod readers;
mod schema;
mod sequence;
mod settings;
mod usage;
mod wakes;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow, ensure};
use async_trait::async_trait;
use faults::crash_point;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use crate::{
    Changes, CommitError, Database, Id, Listing, Message, Page, Row, Table, readers::Readers,
};

pub use changelog::{ChangeLog, ChangeSet, Executed};
pub use connect::ConnectError;
pub use settings::{PostgresSettings, SettingsError};
pub use usage::PoolUse;

use usage::Callers;

/// A PostgreSQL database.
pub struct Postgres {
    pool: PgPool,
    callers: Callers,
    readers: Readers,
    settings: PostgresSettings,
    /// The collation that knows upper and lower case, quoted.
    folding: String,
    address: String,
    /// How long a caller waits for an answer: a connection and a statement.
    patience: Duration,
}

impl Postgres {
    /// Connects, runs the change sets that were not run yet, creates what is missing of the tables.
    ///
    /// # Errors
    /// `Unavailable` when the server is away, or somebody else is at the tables; the caller may try again. `Permanent`
    /// when trying again is of no use.
    pub async fn connect(
        settings: &PostgresSettings,
        tables: &[Table],
        changelog: &ChangeLog,
    ) -> Result<Arc<Self>, ConnectError> {
        let folding = connect::prepare(settings, tables, changelog).await?;
        Ok(Arc::new(Postgres {
            pool: connect::pool(settings),
            callers: Callers::default(),
            readers: Readers::default(),
            settings: settings.clone(),
            folding,
            address: settings.address(),
            patience: connect::PATIENCE + settings.statement_timeout,
        }))
    }

    /// The change sets that were run in this database, ours and those of a Java service, in order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change_sets(&self) -> anyhow::Result<Vec<Executed>> {
        let read = async {
            let mut connection = self.pool.acquire().await.context("read the change log")?;
            changelog::executed(&mut connection).await
        };
        timeout(self.patience, read).await.map_err(|_| self.silent())?
    }

    /// What the connections are doing at this moment.
    pub fn pool_use(&self) -> PoolUse {
        let (open, idle) = (u64::from(self.pool.size()), self.pool.num_idle() as u64);
        let idle = idle.min(open);
        let most = u64::from(self.pool.options().get_max_connections());
        let waiting = self.callers.count().saturating_sub(open - idle);
        PoolUse { open, idle, most, waiting }
    }

    /// Asks the server; a second time when the connection turns out to be gone. Only for what may be done twice.
    async fn ask<T, F>(&self, what: &str, question: impl Fn() -> F) -> anyhow::Result<T>
    where
        F: Future<Output = sqlx::Result<T>>,
    {
        let _calling = self.callers.enter();
        let asked = async {
            match question().await {
                Err(error) if failure::is_broken(&error) => question().await,
                answer => answer,
            }
        };
        let answer = timeout(self.patience, asked).await.map_err(|_| self.silent());
        answer
            .and_then(|answer| answer.map_err(|error| self.explained(error.into())))
            .context(what.to_owned())
    }

    fn silent(&self) -> anyhow::Error {
        anyhow!("{} does not answer within {:?}", self.address, self.patience)
    }

    /// Says more of an error than the driver does.
    fn explained(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast_ref::<sqlx::Error>() {
            Some(sqlx::Error::PoolTimedOut) => error.context(format!(
                "{} gave no connection within {:?}: it is away, or all connections are in use",
                self.address,
                connect::PATIENCE
            )),
            _ => error,
        }
    }
}

#[async_trait]
impl Database for Postgres {
    async fn get(&self, table: &Table, id: &Id) -> anyhow::Result<Option<Row>> {
        if !apply::can_be_there(id) {
            return Ok(None);
        }
        let (fields, name, key) =
            (columns::fields(table), columns::quoted(&table.name), columns::quoted(&table.key));
        let sql = format!("select {fields} from {name} where {key} = $1");
        let row = self
            .ask(&format!("read {}", table.name), || {
                let query = columns::bind_id(sqlx::query(AssertSqlSafe(sql.clone())), id);
                query.fetch_optional(&self.pool)
            })
            .await?;
        row.map(|row| columns::read(table, &row, 0)).transpose()
    }

    async fn list(&self, table: &Table, page: &Page) -> anyhow::Result<Listing> {
        let filter = filter::Filter::new(table, page, &self.folding)?;
        let (fields, name) = (columns::fields(table), columns::quoted(&table.name));
        let (condition, order) = (filter.sql(), filter::order(table, page)?);
        let (limit, offset) = (filter.next_place(), filter.next_place() + 1);
        // One statement, so that the rows and their number are of the same moment.
        let sql = format!(
            "select total.count, page.* from (select count(*) as count from {name}{condition}) total \
             left join (select {fields}, row_number() over (order by {order}) as place from {name}{condition} \
                 order by {order} limit ${limit} offset ${offset}) page on true \
             order by page.place"
        );
        let rows = self
            .ask(&format!("list {}", table.name), || {
                filter
                    .clone()
                    .bind(sqlx::query(AssertSqlSafe(sql.clone())))
                    .bind(i64::from(page.limit))
                    .bind(i64::try_from(page.offset).unwrap_or(i64::MAX))
                    .fetch_all(&self.pool)
            })
            .await?;
        let total: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            // A page without rows still comes with their number.
            if row.try_get::<Option<i64>, _>(2)?.is_some() {
                found.push(columns::read(table, row, 1)?);
            }
        }
        Ok(Listing { rows: found, total: total.unsigned_abs() })
    }

    async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        let _calling = self.callers.enter();
        let commit = apply::commit(&self.pool, &changes);
        let done = match timeout(self.patience, commit).await {
            Ok(Err(CommitError::Unavailable(cause))) => {
                Err(CommitError::Unavailable(self.explained(cause)))
            }
            Ok(done) => done,
            Err(_) => Err(CommitError::Unavailable(
                self.silent().context("whether a commit was made is unknown"),
            )),
        };
        if done.is_ok() && !changes.outgoing.is_empty() {
            crash_point("after-commit");
        }
        match done {
            Ok(positions) => self.committed(changes.outgoing, positions),
            Err(error) => {
                if matches!(error, CommitError::Unavailable(_)) {
                    // What is not known to have failed may have been done.
                    self.committed(changes.outgoing, None);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn unsent(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>> {
        self.read_outbox(channel, after, limit).await
    }

    async fn waiting(&self) -> anyhow::Result<Vec<(String, u64)>> {
        self.ask("count what waits", || outbox::waiting(&self.pool)).await
    }

    async fn lease(
        &self,
        channel: &str,
        holder: &str,
        time: Duration,
    ) -> anyhow::Result<Option<i64>> {
        let asked = Instant::now();
        let take = || lease::take(&self.pool, channel, holder, time);
        let lease = self.ask("take a lease", take).await?;
        self.readers.leased(channel, asked, lease.map(|_| time));
        Ok(lease)
    }

    async fn release(&self, channel: &str, lease: i64) -> anyhow::Result<()> {
        self.readers.leased(channel, Instant::now(), None);
        self.ask("give a lease back", || lease::release(&self.pool, channel, lease)).await
    }

    async fn sent(&self, channel: &str, positions: &[i64], lease: i64) -> anyhow::Result<bool> {
        self.readers.remove(positions);
        let remove = || outbox::sent(&self.pool, channel, positions, lease);
        let is_held = self.ask("remove from the outbox", remove).await?;
        if !is_held {
            self.readers.leased(channel, Instant::now(), None);
        }
        Ok(is_held)
    }

    async fn reserve(&self, sequence: &str, start: i64, count: i64) -> anyhow::Result<i64> {
        ensure!(count > 0, "a block of {sequence} cannot have {count} numbers");
        let what = format!("reserve numbers of {sequence}");
        let next = || sequence::next(&self.pool, sequence);
        let block = match self.ask(&what, next).await? {
            None => {
                self.ask(&what, || sequence::create(&self.pool, sequence, start, count)).await?;
                self.ask(&what, next).await?
            }
            block => block,
        };
        let block = block.with_context(|| format!("{what}: the sequence is gone"))?;
        sequence::first(sequence, block, count)
    }

    async fn forget_handled(&self, before: Timestamp) -> anyhow::Result<u64> {
        let mut total = 0;
        loop {
            let (removed, more) =
                self.ask("clean the inbox", || outbox::forget_handled(&self.pool, before)).await?;
            total += removed;
            if !more {
                return Ok(total);
            }
        }
    }

    fn name(&self) -> &'static str {
        "db"
    }

    async fn check(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        self.ask("ask PostgreSQL", || sqlx::query("select 1").execute(&self.pool)).await?;
        Ok(vec![("database", "PostgreSQL".to_owned()), ("validationQuery", "isValid()".to_owned())])
    }

    fn added(&self, channel: &str) -> watch::Receiver<u64> {
        self.readers.wakes.added(channel)
    }
}
