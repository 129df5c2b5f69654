//! The backend in memory: for tests, and the port's promises in their plainest form. Everything is gone with the value.

mod apply;

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, ensure};
use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    Changes, CommitError, Database, Direction, Id, Listing, Message, Page, Row, Sort, Table, Value,
    channels::{Channels, wake},
    filter::compare,
    leases::Leases,
};

/// How many bytes of payloads are read from the outbox at a time, one message at least.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// A database in memory.
pub struct Memory<Now> {
    content: Mutex<Content>,
    channels: Channels,
    leases: Leases,
    now: Now,
}

#[derive(Default)]
struct Content {
    tables: HashMap<String, Rows>,
    outbox: BTreeMap<i64, Message>,
    inbox: HashMap<(String, String), Timestamp>,
    sequences: HashMap<String, i64>,
    /// The last number given to a row or a message.
    last: i64,
}

/// The rows of a table, each with its place in the order of insertion.
#[derive(Default)]
struct Rows(HashMap<Id, (i64, Row)>);

impl<Now: Fn() -> Timestamp + Send + Sync + 'static> Memory<Now> {
    /// An empty database. `now` tells when a message was handled.
    pub fn new(now: Now) -> Arc<Self> {
        let (channels, leases) = (Channels::default(), Leases::default());
        Arc::new(Memory { content: Mutex::default(), channels, leases, now })
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<Now: Fn() -> Timestamp + Send + Sync + 'static> Database for Memory<Now> {
    async fn get(&self, table: &Table, id: &Id) -> anyhow::Result<Option<Row>> {
        let content = self.content();
        let found = content.tables.get(table.name.as_ref()).and_then(|rows| rows.0.get(id));
        Ok(found.map(|(_, row)| row.clone()))
    }

    async fn list(&self, table: &Table, page: &Page) -> anyhow::Result<Listing> {
        let columns = page.sort.iter().map(|sort| sort.column);
        for column in columns.chain(page.filter.iter().map(|condition| condition.column)) {
            let is_there = column.is_none_or(|at| at < table.columns.len());
            ensure!(is_there, "{} has no column {column:?}", table.name);
        }
        let content = self.content();
        let rows = content.tables.get(table.name.as_ref());
        let all = rows.into_iter().flat_map(|rows| rows.0.values());
        let mut selected: Vec<&(i64, Row)> = all
            .filter(|(_, row)| page.filter.iter().all(|condition| condition.is_met_by(row)))
            .collect();
        selected
            .sort_by(|left, right| order(&page.sort, &left.1, &right.1).then(left.0.cmp(&right.0)));
        let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let rows = selected.iter().skip(offset).take(limit).map(|(_, row)| row.clone());
        Ok(Listing { rows: rows.collect(), total: selected.len() as u64 })
    }

    async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        let woken: BTreeSet<String> =
            changes.outgoing.iter().map(|message| message.channel.clone()).collect();
        self.content().apply(changes, (self.now)())?;
        for channel in &woken {
            wake(&self.channels.counter(channel));
        }
        Ok(())
    }

    async fn unsent(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>> {
        let content = self.content();
        let later = content.outbox.range(after.saturating_add(1)..);
        let waiting = later.filter(|(_, message)| message.channel == channel);
        let (mut messages, mut bytes) = (Vec::new(), 0);
        for (position, message) in waiting.take(usize::try_from(limit).unwrap_or(usize::MAX)) {
            bytes += message.payload.len();
            messages.push((*position, message.clone()));
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        Ok(messages)
    }

    async fn waiting(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let mut counts = HashMap::<String, u64>::new();
        for message in self.content().outbox.values() {
            *counts.entry(message.channel.clone()).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
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
        let mut content = self.content();
        for position in positions {
            if content.outbox.get(position).is_some_and(|message| message.channel == channel) {
                content.outbox.remove(position);
            }
        }
        Ok(true)
    }

    async fn reserve(&self, sequence: &str, start: i64, count: i64) -> anyhow::Result<i64> {
        ensure!(count > 0, "a block of {sequence} cannot have {count} numbers");
        let mut content = self.content();
        let first = content.sequences.get(sequence).copied().unwrap_or(start);
        let next = first.checked_add(count).with_context(|| format!("{sequence} is at its end"))?;
        content.sequences.insert(sequence.to_owned(), next);
        Ok(first)
    }

    async fn forget_handled(&self, before: Timestamp) -> anyhow::Result<u64> {
        let mut content = self.content();
        let there = content.inbox.len();
        content.inbox.retain(|_, handled| *handled >= before);
        Ok((there - content.inbox.len()) as u64)
    }

    fn name(&self) -> &'static str {
        "db"
    }

    async fn check(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        Ok(vec![("database", "Memory".to_owned())])
    }

    fn added(&self, channel: &str) -> watch::Receiver<u64> {
        self.channels.counter(channel).subscribe()
    }
}

fn order(sorts: &[Sort], left: &Row, right: &Row) -> Ordering {
    let orders = sorts.iter().map(|sort| {
        let order = match sort.column {
            Some(column) => value_order(left.values.get(column), right.values.get(column)),
            None => left.id.cmp(&right.id),
        };
        match sort.direction {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    });
    orders.fold(Ordering::Equal, Ordering::then)
}

/// No value is smaller than every value.
fn value_order(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    let [left, right] = [left, right].map(|value| value.filter(|value| **value != Value::Null));
    match (left, right) {
        (Some(left), Some(right)) => compare(left, right).unwrap_or(Ordering::Equal),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}
