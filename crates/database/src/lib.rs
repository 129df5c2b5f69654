//! Keeps entities, the outbox and the inbox. A read is a query, a write is a value.
//! Knows no HTTP and no broker, and nothing of what a table means.

mod changes;
mod channels;
mod filter;
mod leases;
mod memory;
mod mongo;
mod page;
mod postgres;
mod readers;
mod recent;
mod sqlite;
mod table;
mod wakes;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

pub use changes::{Changes, CommitError, Header, Message, Write};
pub use memory::Memory;
pub use mongo::{ChangeUnit, Mongo, MongoSettings, Seed};
pub use page::{Condition, Direction, Listing, Page, Sort, Test};
pub use postgres::{
    ChangeLog, ChangeSet, ConnectError, Executed, PoolUse, Postgres, PostgresSettings,
    SettingsError,
};
pub use sqlite::{Durability, OpenError, Sqlite, SqliteFile, check};
pub use table::{Column, Id, IdKind, Kind, Row, Table, Value};

/// A database as services hold it.
pub type DatabaseRef = Arc<dyn Database>;

/// The port to a database. Every backend keeps the promises of the conformance suite in `tests/it`.
#[async_trait]
pub trait Database: Send + Sync {
    /// Reads one row.
    async fn get(&self, table: &Table, id: &Id) -> anyhow::Result<Option<Row>>;

    /// Reads one page of rows and counts them all.
    async fn list(&self, table: &Table, page: &Page) -> anyhow::Result<Listing>;

    /// Makes all changes or none. When it returns `Ok`, they are on disk.
    ///
    /// # Errors
    /// `Conflict` when a row is not in the version that a change expects, `AlreadyHandled` when the inbox has one of the
    /// messages, `Refused` when the database can never take this, `Unavailable` when it does not answer. A database may
    /// refuse to handle several messages in one commit; then each needs its own.
    async fn commit(&self, changes: Changes) -> Result<(), CommitError>;

    /// Reads up to `limit` messages of an outbox channel after position `after`, oldest first; fewer when they are large.
    async fn unsent(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>>;

    /// How many messages wait in each outbox channel, in no order; a channel without any may be left out. Counts, so it
    /// takes longer the more there are.
    async fn waiting(&self) -> anyhow::Result<Vec<(String, u64)>>;

    /// Takes the lease of an outbox channel for `holder`, or keeps it: nobody else gets it within `time` from now. Answers
    /// the lease's number, which grows from holder to holder; `None` while somebody else has the lease. Time is the
    /// database's own.
    async fn lease(
        &self,
        channel: &str,
        holder: &str,
        time: Duration,
    ) -> anyhow::Result<Option<i64>>;

    /// Gives a lease back before its time; one that somebody else has taken since stays theirs.
    async fn release(&self, channel: &str, lease: i64) -> anyhow::Result<()>;

    /// Removes messages that their destination has accepted, in the name of a lease; false, and nothing is removed, when
    /// somebody else has taken the lease since. May be done again after a power failure, so the destination must bear
    /// seeing a message twice.
    async fn sent(&self, channel: &str, positions: &[i64], lease: i64) -> anyhow::Result<bool>;

    /// Reserves `count` numbers of a sequence that starts at `start` and returns the first. Numbers are never given twice.
    async fn reserve(&self, sequence: &str, start: i64, count: i64) -> anyhow::Result<i64>;

    /// Removes from the inbox what was handled before this time; returns how many ids. A message that comes again after
    /// that counts as new.
    async fn forget_handled(&self, before: Timestamp) -> anyhow::Result<u64>;

    /// What health reports call this database: `mongo` or `db`, as Spring does.
    fn name(&self) -> &'static str;

    /// Asks the database whether it answers, and for what it tells of itself: names and values for a health report, for
    /// example its version. Takes as long as the database does; the caller has the time-out.
    async fn check(&self) -> anyhow::Result<Vec<(&'static str, String)>>;

    /// Changes whenever a commit adds a message to the channel, so that a relay wakes without polling: a commit of this
    /// process, and, while the backend's `keep` runs in both, soon one of another process. May change without reason; may
    /// miss a commit when somebody dies.
    fn added(&self, channel: &str) -> watch::Receiver<u64>;
}
