//! A program that is ready, until it is stopped or killed.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
pub(crate) use rustix::process::Signal;
use tokio::{process::Child, task::JoinSet, time::timeout};

use super::{Addresses, STOP};
use crate::process::Process;

/// A program that is ready.
pub(crate) struct Running {
    pub(super) child: Child,
    /// Where its services answer.
    pub(crate) addresses: Addresses,
    /// When it was started.
    pub(crate) began: Instant,
    /// From its start until it said that it was ready.
    pub(crate) ready: Duration,
    /// Reads what it goes on to say, so that it never waits for a reader.
    pub(super) _listener: JoinSet<()>,
}

impl Running {
    pub(crate) fn process(&self) -> anyhow::Result<Process> {
        Ok(Process(self.child.id().context("the program has ended by itself")?))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let process = self.process()?;
        let id = rustix::process::Pid::from_raw(process.0.try_into()?).context("process id 0")?;
        rustix::process::kill_process(id, signal)
            .with_context(|| format!("send {signal:?} to the program"))
    }

    /// Kills it, which it cannot notice, and waits until it is gone.
    ///
    /// # Errors
    /// When it had ended before, by itself.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.still_runs()?;
        kill(&mut self.child).await
    }

    /// Looks whether it is there.
    ///
    /// # Errors
    /// Names the status with which it has ended.
    pub(crate) fn still_runs(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait().context("look after the program")? {
            Some(status) => bail!("the program has ended by itself with {status}"),
            None => Ok(()),
        }
    }

    /// Asks it to stop and returns how long that took.
    ///
    /// # Errors
    /// Names an exit status other than 0, and a program that does not stop.
    pub(crate) async fn stop(mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.signal(Signal::TERM)?;
        let ended = timeout(STOP, self.child.wait()).await;
        let status = ended
            .with_context(|| format!("the program did not stop in {} s", STOP.as_secs()))??;
        if !status.success() {
            bail!("the program answered SIGTERM with {status}, not with 0");
        }
        Ok(began.elapsed())
    }
}

/// Kills it and waits until it is gone.
pub(super) async fn kill(child: &mut Child) -> anyhow::Result<()> {
    let killed = timeout(STOP, child.kill()).await;
    let late = || format!("the program was still there {} s after SIGKILL", STOP.as_secs());
    killed.with_context(late)?.context("kill the program")
}
