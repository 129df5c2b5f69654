//! The MongoDB backend: documents in collections that a Java service may share, outbox and inbox beside them.
//!
//! On a replica set, or behind a router, a commit of several parts is one transaction; on a replica set those of one
//! moment share it. A stand-alone server has none, but there one write to one document is atomic:
//!
//! - One write with messages, or a handled message with messages: the messages are written into the same document, under
//!   `_outbox`, and moved to the collection `outbox` at once, by [`Mongo::keep`]. A Java service that replaces the document
//!   before that drops them: a window of milliseconds, of seconds after a crash.
//! - Everything else is put on record first and then done, see `journal`. Within this process nothing comes between;
//!   readers, and other processes, may see the half of it for a moment.
//!
//! A commit is acknowledged when it is on disk, and finished by whoever comes next if we die: then, and when two processes
//! move the messages of one document at once, a message may be sent a second time, under the same id. Readers of the
//! outbox may have to wait for ten seconds after a process has died. The rows of a page and their number are of nearly, not
//! exactly, the same moment.

mod change_log;
mod commit;
mod connect;
mod document;
mod failure;
mod filter;
mod inbox;
mod job;
mod journal;
mod keep;
mod lease;
mod list;
mod mover;
mod outbox;
mod positions;
mod queue;
mod read;
mod readers;
mod seen;
mod settings;
mod task;
mod together;
mod transaction;
mod version;
mod wakes;
mod work;
mod write;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow, ensure};
use async_trait::async_trait;
use faults::crash_point;
use futures_util::StreamExt;
use jiff::Timestamp;
use mongodb::{
    Client,
    bson::{Document, RawDocumentBuf, doc},
    options::{ReturnDocument, WriteConcern},
};
use tokio::{
    sync::{RwLock, watch},
    time::{Instant, sleep, timeout},
};

use crate::{
    Changes, CommitError, ConnectError, Database, Id, Listing, Message, Page, Row, Table,
    readers::Readers,
};

pub use change_log::{ChangeUnit, Seed};
pub use settings::MongoSettings;

const SEQUENCES: &str = "sequence";
/// How long after the first search for what was left behind the second one is, when we connect.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// A MongoDB database.
pub struct Mongo {
    client: Client,
    durable: mongodb::Database,
    quick: mongodb::Database,
    transactions: bool,
    is_replica_set: bool,
    address: String,
    /// How long a caller waits for an answer.
    answer: Duration,
    tables: Vec<String>,
    readers: Readers,
    positions: positions::Positions,
    seen: seen::Seen,
    mover: mover::Mover,
    work: work::Work,
    /// Held alone by a commit of several steps, shared by all others.
    isolation: RwLock<()>,
}

impl Mongo {
    /// Connects, makes sure of collections and indexes, executes change units that were not executed yet, and finishes
    /// what processes that died have left behind. `tables` are all tables that will be written to.
    ///
    /// # Errors
    /// `Unavailable` when no server answers within a few seconds; the caller may try again. `Permanent` when trying again
    /// is of no use.
    pub async fn connect(
        settings: &MongoSettings,
        tables: &[Table],
        units: &[ChangeUnit],
    ) -> Result<Arc<Self>, ConnectError> {
        let understood = settings.understand().await?;
        let (name, answer) = (understood.database, understood.answer);
        let connection = connect::open(understood.options, &name, tables).await?;
        let changes = change_log::execute(&connection.durable, units, &settings.application);
        timeout(answer, changes).await.unwrap_or_else(|_| {
            Err(ConnectError::Unavailable(anyhow!("no answer within {answer:?}")))
        })?;
        let mongo = Mongo {
            client: connection.client,
            durable: connection.durable,
            quick: connection.quick,
            transactions: connection.transactions,
            is_replica_set: connection.is_replica_set,
            address: settings.address(),
            answer,
            tables: tables.iter().map(|table| table.name.to_string()).collect(),
            readers: Readers::default(),
            positions: positions::Positions::new(),
            seen: seen::Seen::default(),
            mover: mover::Mover::new(),
            work: work::Work::new(),
            isolation: RwLock::new(()),
        };
        let mut sighted = keep::Sighted::new();
        mongo.finish_left(&mut sighted).await.map_err(ConnectError::Unavailable)?;
        if !sighted.is_empty() {
            sleep(SECOND_LOOK).await;
            mongo.finish_left(&mut sighted).await.map_err(ConnectError::Unavailable)?;
        }
        Ok(Arc::new(mongo))
    }

    /// Whether commits are transactions of the server.
    pub fn has_transactions(&self) -> bool {
        self.transactions
    }

    /// Waits for an answer, but not for ever.
    async fn ask<T, E>(
        &self,
        what: impl FnOnce() -> String,
        question: impl Future<Output = Result<T, E>>,
    ) -> anyhow::Result<T>
    where
        anyhow::Error: From<E>,
    {
        match timeout(self.answer, question).await {
            Ok(answer) => answer.map_err(|error| {
                let error = anyhow::Error::from(error);
                match error.downcast_ref::<mongodb::error::Error>() {
                    Some(known) => failure::explained(known),
                    None => error,
                }
            }),
            Err(_) => Err(self.silent()),
        }
        .with_context(what)
    }

    fn silent(&self) -> anyhow::Error {
        anyhow!("{} does not answer within {:?}", self.address, self.answer)
    }

    fn unknown(&self) -> CommitError {
        CommitError::Unavailable(self.silent().context("whether a commit was made is unknown"))
    }
}

#[async_trait]
impl Database for Mongo {
    async fn get(&self, table: &Table, id: &Id) -> anyhow::Result<Option<Row>> {
        let read = async {
            let collection = self.quick.collection::<RawDocumentBuf>(&table.name);
            let find = collection.find(doc! { "_id": document::id(id) }).limit(-1);
            let mut batches = find.batch().await?;
            let Some(batch) = batches.next().await.transpose()? else { return Ok(None) };
            let Some(found) = batch.doc_slices()?.into_iter().next().transpose()? else {
                return Ok(None);
            };
            let document = found.as_document().context("a collection holds no documents")?;
            let row = read::row(table, document)?;
            if let Some(row) = &row {
                self.seen.add(table, id, row.version, document);
            }
            anyhow::Ok(row)
        };
        self.ask(|| format!("read {}", table.name), read).await
    }

    async fn list(&self, table: &Table, page: &Page) -> anyhow::Result<Listing> {
        let list = list::page(&self.quick, table, page, self.answer);
        self.ask(|| format!("list {}", table.name), list).await
    }

    async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        let announces = !changes.outgoing.is_empty();
        let Ok(made) = timeout(self.answer, self.make(changes)).await else {
            return Err(self.unknown());
        };
        if announces && made.is_ok() {
            crash_point("after-commit");
        }
        made.map_err(CommitError::from)
    }

    async fn unsent(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>> {
        self.read_outbox(channel, after, limit).await
    }

    /// What still waits inside the document that it was committed with is not counted.
    async fn waiting(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let count = outbox::waiting(&self.quick);
        self.ask(|| "count what waits".to_owned(), count).await
    }

    async fn lease(
        &self,
        channel: &str,
        holder: &str,
        time: Duration,
    ) -> anyhow::Result<Option<i64>> {
        let take = lease::take(&self.durable, channel, holder, time);
        let asked = Instant::now();
        let lease = self.ask(|| "take a lease".to_owned(), take).await?;
        self.readers.leased(channel, asked, lease.map(|_| time));
        Ok(lease)
    }

    async fn release(&self, channel: &str, lease: i64) -> anyhow::Result<()> {
        self.readers.leased(channel, Instant::now(), None);
        let release = lease::release(&self.durable, channel, lease);
        self.ask(|| "give a lease back".to_owned(), release).await
    }

    async fn sent(&self, channel: &str, positions: &[i64], lease: i64) -> anyhow::Result<bool> {
        let look = lease::is_last(&self.quick, channel, lease);
        if !self.ask(|| "look at a lease".to_owned(), look).await? {
            self.readers.leased(channel, Instant::now(), None);
            return Ok(false);
        }
        if positions.is_empty() {
            return Ok(true);
        }
        self.readers.remove(positions);
        let collection = self.quick.collection::<Document>(outbox::COLLECTION);
        let sent = doc! { "_id": { "$in": positions.to_vec() }, "channel": channel };
        // As far as readers see, but no wait for the disk: who forgets a message late only sends it again.
        let remove =
            async { collection.delete_many(sent).write_concern(WriteConcern::majority()).await };
        self.ask(|| "remove from the outbox".to_owned(), remove).await.map(|_| true)
    }

    async fn reserve(&self, sequence: &str, start: i64, count: i64) -> anyhow::Result<i64> {
        ensure!(count > 0, "a block of {sequence} cannot have {count} numbers");
        let collection = self.durable.collection::<Document>(SEQUENCES);
        let next = doc! { "$add": [{ "$ifNull": ["$next", start] }, count] };
        let reserve = async {
            let filter = doc! { "_id": sequence };
            let update = vec![doc! { "$set": { "next": next } }];
            let reserved = collection
                .find_one_and_update(filter, update)
                .upsert(true)
                .return_document(ReturnDocument::After)
                .await?
                .context("the sequence is not there")?;
            Ok::<_, anyhow::Error>(reserved.get_i64("next")? - count)
        };
        self.ask(|| format!("reserve numbers of {sequence}"), reserve).await
    }

    async fn forget_handled(&self, before: Timestamp) -> anyhow::Result<u64> {
        let collection = self.quick.collection::<Document>(inbox::COLLECTION);
        let mut filter = inbox::handled_before(before);
        for field in [journal::REDO, document::PENDING] {
            filter.insert(field, doc! { "$exists": false });
        }
        let mut total = 0;
        loop {
            let forget = inbox::forget(&collection, filter.clone());
            let forgotten = self.ask(|| "clean the inbox".to_owned(), forget).await?;
            total += forgotten;
            if forgotten == 0 {
                return Ok(total);
            }
        }
    }

    fn name(&self) -> &'static str {
        "mongo"
    }

    async fn check(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        Ok(vec![("version", connect::version(&self.quick).await?)])
    }

    fn added(&self, channel: &str) -> watch::Receiver<u64> {
        self.readers.wakes.added(channel)
    }
}
