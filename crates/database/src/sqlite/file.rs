//! A durable SQLite file: one writer that commits waiting work in groups, and a few readers.
//!
//! A commit costs one wait for the disk, however many callers wait for it.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use anyhow::{Context, anyhow};
use futures_util::future::BoxFuture;
use sqlx::{
    AssertSqlSafe, ConnectOptions, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    check::check,
    writer::{Job, Work, Writer},
};

/// The version of the file's layout that this program writes.
pub(super) const VERSION: i64 = 1;
/// How many jobs wait at most; more wait in their callers.
const QUEUE: usize = 1024;
/// How long a caller waits for its commit.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an acknowledged commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// The death of the process: the operating system has it.
    ProcessCrash,
    /// A power failure: the disk has it.
    PowerFailure,
}

/// Why a file cannot be used. It is left alone.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a database, or a broken one.
    #[error("{} is damaged: {reason}; move it away or restore a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A newer program wrote it.
    #[error("{} has layout version {found}, this program knows version {known}; use the newer program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// It cannot be opened.
    #[error("open {}: {cause:#}", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: anyhow::Error,
    },
}

impl OpenError {
    pub(super) fn unavailable(path: &Path, cause: impl Into<anyhow::Error>) -> Self {
        OpenError::Unavailable { path: path.to_owned(), cause: cause.into() }
    }
}

/// A SQLite file with one writer and a few readers.
pub struct SqliteFile {
    readers: SqlitePool,
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl SqliteFile {
    /// Opens or creates a file. `durability` is the most that any write of it gets.
    ///
    /// # Errors
    /// When the file is not a database, is damaged, or was written by a newer version; it is left alone then.
    pub async fn open(path: &Path, durability: Durability) -> Result<Self, OpenError> {
        check(path).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(5))
            .disable_statement_logging();
        let mut writer =
            connect(path, options.clone().synchronous(durability.synchronous())).await?;
        let stamp = AssertSqlSafe(format!("pragma user_version = {VERSION}"));
        sqlx::query(stamp)
            .execute(&mut writer)
            .await
            .map_err(|error| OpenError::unavailable(path, error))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .idle_timeout(Duration::from_secs(60))
            // A connection to a file does not go away while it waits.
            .test_before_acquire(false)
            .connect_lazy_with(options.create_if_missing(false).read_only(true));
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let writer = Writer::new(writer, readers.clone(), durability);
        #[expect(
            clippy::disallowed_methods,
            reason = "the writer belongs to the file and ends with its last handle"
        )]
        tokio::spawn(writer.run(waiting));
        Ok(SqliteFile { readers, jobs })
    }

    /// The connections for reading.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Runs `work` in a transaction, possibly together with others' work, each of which succeeds or fails alone.
    /// Returns when the commit has reached `durability`; `wake` is told of a commit even if the caller is gone by then.
    ///
    /// # Errors
    /// Those of `work`, which undo what it did; else that the disk or the file does not take the commit.
    pub async fn write<T, E, F>(
        &self,
        durability: Durability,
        wake: Vec<watch::Sender<u64>>,
        work: F,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<anyhow::Error> + Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Work { durability, work: Some(work), outcome: None, wake, reply };
        let asked = tokio::time::timeout(PATIENCE, async {
            self.jobs
                .send(Box::new(job))
                .await
                .map_err(|_| anyhow!("the database's writer is gone"))?;
            answer.await.context("the database's writer is gone")
        });
        match asked.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(gone)) => Err(gone.into()),
            Err(_) => Err(anyhow!(
                "the disk did not take a commit within {PATIENCE:?}; whether it will is unknown"
            )
            .into()),
        }
    }

    /// Repeats `work`, each time in a transaction of its own so that nobody waits long for a place between two, until it
    /// has nothing left to do; returns the sum of what it did. A power failure may undo it.
    ///
    /// # Errors
    /// Those of [`SqliteFile::write`].
    pub async fn write_in_portions<F>(&self, work: F) -> anyhow::Result<u64>
    where
        F: for<'c> Fn(&'c mut SqliteConnection) -> BoxFuture<'c, anyhow::Result<u64>>,
        F: Clone + Send + 'static,
    {
        let mut total = 0;
        loop {
            match self.write(Durability::ProcessCrash, Vec::new(), work.clone()).await? {
                0 => return Ok(total),
                done => total += done,
            }
        }
    }
}

pub(super) async fn connect(
    path: &Path,
    options: SqliteConnectOptions,
) -> Result<SqliteConnection, OpenError> {
    options.connect().await.map_err(|error| match &error {
        // 11 is SQLITE_CORRUPT, 26 is SQLITE_NOTADB.
        sqlx::Error::Database(cause) if matches!(cause.code().as_deref(), Some("11" | "26")) => {
            OpenError::Damaged { path: path.to_owned(), reason: cause.message().to_owned() }
        }
        _ => OpenError::unavailable(path, error),
    })
}

impl Durability {
    fn synchronous(self) -> SqliteSynchronous {
        match self {
            Durability::ProcessCrash => SqliteSynchronous::Normal,
            Durability::PowerFailure => SqliteSynchronous::Full,
        }
    }
}

impl FromStr for Durability {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "process-crash" => Ok(Durability::ProcessCrash),
            "power-failure" => Ok(Durability::PowerFailure),
            _ => Err(anyhow!("expected process-crash or power-failure")),
        }
    }
}
