//! The one writer of a file: takes the jobs that wait, runs them in one transaction, each undone alone when it fails, and
//! answers all of them after one wait for the disk.

use std::panic::AssertUnwindSafe;

use anyhow::{Context, anyhow};
use futures_util::{FutureExt, future::BoxFuture};
use sqlx::{Connection, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::error;

use super::Durability;
use crate::channels::wake;

/// How many jobs share one commit at most.
const GROUP: usize = 256;

/// One caller's part of a commit.
pub(super) trait Job: Send {
    fn durability(&self) -> Durability;
    /// Does the work and keeps its outcome; the answer is whether the work may be committed.
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool>;
    /// Tells the caller.
    fn finish(self: Box<Self>, committed: &Result<(), String>);
}

/// What one caller wants done, and how it is told.
pub(super) struct Work<T, E, F> {
    pub(super) durability: Durability,
    pub(super) work: Option<F>,
    pub(super) outcome: Option<Result<T, E>>,
    pub(super) wake: Vec<watch::Sender<u64>>,
    pub(super) reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Work<T, E, F>
where
    T: Send + 'static,
    E: From<anyhow::Error> + Send + 'static,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            if let Some(work) = self.work.take() {
                self.outcome = Some(work(connection).await);
            }
            matches!(self.outcome, Some(Ok(_)))
        })
    }

    fn finish(self: Box<Self>, committed: &Result<(), String>) {
        let outcome = match (self.outcome, committed) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(reason)) => Err(anyhow!("{reason}").into()),
            (None, Ok(())) => Err(anyhow!("the work was not done").into()),
        };
        if outcome.is_ok() {
            self.wake.iter().for_each(wake);
        }
        // A caller that is gone does not want to know.
        let _ = self.reply.send(outcome);
    }
}

/// The one that writes to a file.
pub(super) struct Writer {
    connection: SqliteConnection,
    readers: SqlitePool,
    /// What a commit survives as the connection is set now; unknown after something has failed.
    current: Option<Durability>,
    most: Durability,
}

impl Writer {
    /// A writer over a connection that is set to `most`.
    pub(super) fn new(connection: SqliteConnection, readers: SqlitePool, most: Durability) -> Self {
        Writer { connection, readers, current: Some(most), most }
    }

    /// Commits what is waiting, in groups, until every handle of the file is gone.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::with_capacity(GROUP);
        while waiting.recv_many(&mut group, GROUP).await > 0 {
            let committed = self.commit(&mut group).await.map_err(|cause| {
                error!("commit of {} changes failed: {cause:#}", group.len());
                format!("{cause:#}")
            });
            for job in group.drain(..) {
                job.finish(&committed);
            }
        }
        // Only who closes a file last and may write moves its log into it.
        self.readers.close().await;
        if let Err(cause) = self.connection.close().await {
            error!("close the database: {cause}");
        }
    }

    async fn commit(&mut self, group: &mut [Box<dyn Job>]) -> anyhow::Result<()> {
        let done = self.transaction(group).await;
        if done.is_err() {
            self.current = None;
            // After a full disk SQLite has rolled back by itself and says so with an error here.
            let _ = self.execute("rollback").await;
        }
        done
    }

    async fn transaction(&mut self, group: &mut [Box<dyn Job>]) -> anyhow::Result<()> {
        let wanted =
            group.iter().map(|job| job.durability()).max().unwrap_or(self.most).min(self.most);
        if self.current == Some(wanted) {
            self.execute("begin immediate").await?;
        } else {
            let begin = wanted.begin();
            sqlx::raw_sql(begin).execute(&mut self.connection).await.context(begin)?;
            self.current = Some(wanted);
        }
        match group {
            [job] => self.single(job).await,
            group => self.several(group).await,
        }
    }

    async fn single(&mut self, job: &mut Box<dyn Job>) -> anyhow::Result<()> {
        match self.work(job).await {
            true => self.execute("commit").await,
            false => self.execute("rollback").await,
        }
    }

    async fn several(&mut self, group: &mut [Box<dyn Job>]) -> anyhow::Result<()> {
        for job in group {
            self.execute("savepoint job").await?;
            if !self.work(job).await {
                self.execute("rollback to job").await?;
            }
            self.execute("release job").await?;
        }
        self.execute("commit").await
    }

    /// A job that panics fails alone; the file goes on.
    async fn work(&mut self, job: &mut Box<dyn Job>) -> bool {
        AssertUnwindSafe(job.run(&mut self.connection)).catch_unwind().await.unwrap_or(false)
    }

    async fn execute(&mut self, sql: &'static str) -> anyhow::Result<()> {
        sqlx::query(sql).execute(&mut self.connection).await.context(sql)?;
        Ok(())
    }
}

impl Durability {
    /// Begins a transaction whose commit survives this; the setting cannot change inside one.
    fn begin(self) -> &'static str {
        match self {
            Durability::ProcessCrash => "pragma synchronous = normal; begin immediate",
            Durability::PowerFailure => "pragma synchronous = full; begin immediate",
        }
    }
}
