//! Commits of several steps are made by a loop, so that they come to their end even when the caller goes away in the
//! middle: the server would keep a transaction that nobody ends for a minute, and its rows with it.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Mongo, failure::Failed, transaction};
use crate::{Changes, CommitError};

/// How many commits may wait for the loop.
const WAITING: usize = 256;
/// How many are made at the same time.
const AT_ONCE: usize = 32;

/// A commit for the loop, and who wants to know.
pub(super) struct Job {
    changes: Changes,
    answer: oneshot::Sender<Result<(), CommitError>>,
}

/// The way to the loop.
pub(super) struct Work {
    to_loop: mpsc::Sender<Job>,
    pub(super) waiting: Mutex<mpsc::Receiver<Job>>,
    /// Whether the loop runs.
    runs: AtomicBool,
}

/// Says that a loop runs, as long as it does.
pub(super) struct Running<'a>(&'a AtomicBool);

impl<'a> Running<'a> {
    pub(super) fn new(runs: &'a AtomicBool) -> Self {
        runs.swap(true, Ordering::AcqRel);
        Running(runs)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.swap(false, Ordering::AcqRel);
    }
}

impl Work {
    pub(super) fn new() -> Self {
        let (to_loop, waiting) = mpsc::channel(WAITING);
        Work { to_loop, waiting: Mutex::new(waiting), runs: AtomicBool::new(false) }
    }
}

impl Mongo {
    /// Makes a commit of several steps, in the loop if it runs.
    pub(super) async fn in_steps(&self, changes: Changes) -> Result<(), Failed> {
        if !self.work.runs.load(Ordering::Acquire) {
            return self.steps(&changes).await;
        }
        let (answer, answered) = oneshot::channel();
        let job = Job { changes, answer };
        if self.work.to_loop.send(job).await.is_err() {
            return Err(anyhow!("nobody makes commits any more").into());
        }
        let made = answered.await;
        made.unwrap_or_else(|_| Err(CommitError::Unavailable(anyhow!("the commit was given up"))))
            .map_err(Failed::Told)
    }

    async fn steps(&self, changes: &Changes) -> Result<(), Failed> {
        match self.transactions {
            true => transaction::commit(self, changes).await,
            false => self.journaled(changes).await,
        }
    }

    /// Makes commits until `stop`, and finishes those that it has begun.
    pub(super) async fn work_on(&self, stop: &CancellationToken) {
        let mut waiting = self.work.waiting.lock().await;
        let running = Running::new(&self.work.runs);
        let mut at_work = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(job) = waiting.recv(), if at_work.len() < AT_ONCE => {
                    at_work.push(self.job(job));
                }
                Some(()) = at_work.next(), if !at_work.is_empty() => {}
            }
        }
        drop(running);
        while let Ok(job) = waiting.try_recv() {
            at_work.push(self.job(job));
        }
        while at_work.next().await.is_some() {}
    }

    async fn job(&self, job: Job) {
        let made = match timeout(self.answer, self.steps(&job.changes)).await {
            Ok(made) => made.map_err(CommitError::from),
            Err(_) => Err(self.unknown()),
        };
        // Who is gone does not want to know.
        let _ = job.answer.send(made);
    }
}
