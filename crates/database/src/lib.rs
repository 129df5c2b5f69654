//! Keeps entities, the outbox and the inbox. A read is a query, a write is a value.
//! Knows no HTTP and no broker, and nothing of what a table means.

mod changes;
mod channels;
mod filter;
mod memory;
mod mongo;
mod page;
mod postgres;
mod sqlite;
mod table;

use std::sync::Arc;

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
    /// `Conflict` when a row is not in the version that a change expects, `AlreadyHandled` when the inbox has the
    /// message, `Unavailable` when the database does not answer.
    async fn commit(&self, changes: Changes) -> Result<(), CommitError>;

    /// Reads up to `limit` messages of an outbox channel after position `after`, oldest first; fewer when they are large.
    async fn unsent(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>>;

    /// Removes messages that their destination has accepted. May be done again after a power failure, so the
    /// destination must bear seeing a message twice.
    async fn sent(&self, channel: &str, positions: &[i64]) -> anyhow::Result<()>;

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

    /// Changes whenever a commit adds a message to the channel, so that a relay wakes without polling.
    fn added(&self, channel: &str) -> watch::Receiver<u64>;
}
