//! Commits of several steps are made by a loop, so that they come to their end even when the caller goes away in the
//! middle: the server would keep a transaction that nobody ends for a minute, and its rows with it.
//!
//! A group of commits is one transaction. When it was not made though the server answers, each of them is made by itself: what
//! is wrong with one, or in its way, costs the others no more than that.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Mongo,
    failure::Failed,
    job::Job,
    queue::{Begun, Queue},
    transaction,
};
use crate::{Changes, CommitError};

/// How many commits may wait for the loop.
const WAITING: usize = 256;

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
        let job = Job::new(changes, answer);
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
        let mut running = Some(Running::new(&self.work.runs));
        let mut queue = Queue::new(self.is_replica_set, self.answer / 2);
        let mut at_work = FuturesUnordered::new();
        loop {
            let now = Instant::now();
            while let Some((jobs, begun)) = queue.begin(now) {
                at_work.push(self.work_off(jobs, begun));
            }
            if running.is_none() && at_work.is_empty() && waiting.is_empty() {
                return;
            }
            let later = queue.later(now);
            tokio::select! {
                () = stop.cancelled(), if running.is_some() => running = None,
                Some(job) = waiting.recv(), if !queue.is_full() => {
                    queue.push(job);
                    // Those of the same moment begin together.
                    while !queue.is_full() && let Ok(job) = waiting.try_recv() {
                        queue.push(job);
                    }
                }
                Some((begun, left)) = at_work.next(), if !at_work.is_empty() => {
                    queue.end(&begun, left);
                }
                () = sleep_until(later.unwrap_or(now)), if later.is_some() => {}
            }
        }
    }

    /// Makes a commit by itself, or a group; answers those that are still to be made.
    async fn work_off(&self, jobs: Vec<Job>, begun: Begun) -> (Begun, Vec<Job>) {
        if !begun.is_alone {
            return (begun, self.together(jobs).await);
        }
        for job in jobs {
            let made = match timeout(self.answer, self.steps(&job.changes)).await {
                Ok(made) => made.map_err(CommitError::from),
                Err(_) => Err(self.unknown()),
            };
            job.tell(made);
        }
        (begun, Vec::new())
    }

    /// Makes commits in one transaction; answers those that are to be made by themselves.
    async fn together(&self, jobs: Vec<Job>) -> Vec<Job> {
        let commits: Vec<&Changes> = jobs.iter().map(|job| &job.changes).collect();
        match timeout(self.answer, transaction::commit_together(self, &commits)).await {
            Ok(Ok(())) => jobs.into_iter().for_each(|job| job.tell(Ok(()))),
            Ok(Err(Failed::Told(CommitError::Unavailable(cause)))) => {
                let told = |job: Job| job.tell(Err(CommitError::Unavailable(anyhow!("{cause:#}"))));
                jobs.into_iter().for_each(told);
            }
            Err(_) => jobs.into_iter().for_each(|job| job.tell(Err(self.unknown()))),
            Ok(Err(Failed::Again(_))) => return jobs,
            Ok(Err(Failed::Told(error))) => match <[Job; 1]>::try_from(jobs) {
                Ok([job]) => job.tell(Err(error)),
                Err(several) => return several,
            },
        }
        Vec::new()
    }
}
