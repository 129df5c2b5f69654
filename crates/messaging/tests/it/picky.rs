//! A database that is not always as it should be.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use database::{
    Changes, CommitError, Database, DatabaseRef, Id, Listing, Message, Page, Row, Table, Write,
};
use jiff::Timestamp;

/// A database that can never take the text `bad`, shows the message `late` when it is looked at for the second time, and
/// answers what waited a moment ago: what it was told to remove meanwhile, too.
pub(crate) struct Picky {
    inner: DatabaseRef,
    has_shown: AtomicBool,
}

impl Picky {
    pub(crate) fn around(inner: DatabaseRef) -> DatabaseRef {
        Arc::new(Picky { inner, has_shown: AtomicBool::new(false) })
    }
}

#[async_trait::async_trait]
impl Database for Picky {
    async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        let bad = |write: &Write| matches!(write, Write::Insert { values, .. } if values.contains(&"bad".into()));
        match changes.writes.iter().any(bad) {
            true => Err(CommitError::Refused("text is too long".to_owned())),
            false => self.inner.commit(changes).await,
        }
    }

    async fn get(&self, table: &Table, id: &Id) -> anyhow::Result<Option<Row>> {
        self.inner.get(table, id).await
    }

    async fn list(&self, table: &Table, page: &Page) -> anyhow::Result<Listing> {
        self.inner.list(table, page).await
    }

    async fn unsent(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>> {
        let mut unsent = self.inner.unsent(channel, after, limit).await?;
        let is_late = |(_, message): &(i64, Message)| message.id == "late";
        if let Some(late) = unsent.iter().position(is_late)
            && !self.has_shown.swap(true, Ordering::Relaxed)
        {
            unsent.remove(late);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(unsent)
    }

    async fn waiting(&self) -> anyhow::Result<Vec<(String, u64)>> {
        self.inner.waiting().await
    }

    async fn lease(
        &self,
        channel: &str,
        holder: &str,
        time: Duration,
    ) -> anyhow::Result<Option<i64>> {
        self.inner.lease(channel, holder, time).await
    }

    async fn release(&self, channel: &str, lease: i64) -> anyhow::Result<()> {
        self.inner.release(channel, lease).await
    }

    async fn sent(&self, channel: &str, positions: &[i64], lease: i64) -> anyhow::Result<bool> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.inner.sent(channel, positions, lease).await
    }

    async fn reserve(&self, sequence: &str, start: i64, count: i64) -> anyhow::Result<i64> {
        self.inner.reserve(sequence, start, count).await
    }

    async fn forget_handled(&self, before: Timestamp) -> anyhow::Result<u64> {
        self.inner.forget_handled(before).await
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn check(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        self.inner.check().await
    }

    fn added(&self, channel: &str) -> tokio::sync::watch::Receiver<u64> {
        self.inner.added(channel)
    }
}
