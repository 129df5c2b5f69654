//! The three loads: one update at a time, updates at a fixed rate, and as many as a number of callers can make.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{caller::Caller, mailbox::Mailbox, pace::pace};

/// A caller gives up after so many refusals: the rest would be refused, too.
const REFUSALS_PER_CALLER: usize = 20;

/// How many stores there are. Updates go round them, as those of one store must wait for one another.
const STORES: usize = 64;

/// The stores of a run and who updates them.
pub(crate) struct Load {
    caller: Caller,
    stores: Vec<String>,
    run: String,
}

/// An update that was answered with success: from now on its mail must not be lost.
pub(crate) struct Acknowledged {
    pub(crate) subject: String,
    /// When it was to be sent, whether or not the load generator was late.
    pub(crate) due: Instant,
    pub(crate) answered: Instant,
}

/// Where mails are awaited, and for how long while no other arrives.
pub(crate) struct Awaiting<'a> {
    pub(crate) mailbox: &'a Mailbox,
    pub(crate) patience: Duration,
}

/// What became of a number of updates.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) acknowledged: Vec<Acknowledged>,
    pub(crate) refused: Vec<anyhow::Error>,
}

impl Load {
    /// Opens the stores of a run.
    pub(crate) async fn prepare(caller: Caller, run: &str) -> anyhow::Result<Arc<Load>> {
        let mut stores = Vec::with_capacity(STORES);
        for number in 0..STORES {
            stores.push(caller.open(&format!("bench-{run}-store-{number}")).await?);
        }
        Ok(Arc::new(Load { caller, stores, run: run.to_owned() }))
    }

    /// What the subjects of all mails of a run begin with.
    pub(crate) fn subjects_of(run: &str) -> String {
        format!("Store Alert: bench-{run}-")
    }

    /// Each update begins when the mail of the one before has arrived.
    ///
    /// # Errors
    /// Names the first update that is refused or whose mail does not arrive: the others would wait as long.
    pub(crate) async fn one_at_a_time(
        &self,
        phase: &str,
        updates: usize,
        awaiting: &Awaiting<'_>,
    ) -> anyhow::Result<Outcome> {
        let mut outcome = Outcome::default();
        for number in 0..updates {
            let update = self.update(phase, number, Instant::now()).await?;
            awaiting.mailbox.wait_for(&update.subject, awaiting.patience).await?;
            outcome.acknowledged.push(update);
        }
        Ok(outcome)
    }

    /// Begins an update at each of the instants of an even pace, whether or not those before have been answered, and
    /// counts its time from that instant: a system that falls behind cannot hide it by keeping the caller waiting.
    pub(crate) async fn steady(
        self: &Arc<Self>,
        phase: &'static str,
        rate: u32,
        seconds: u32,
    ) -> Outcome {
        let mut instants = pace(rate, rate * seconds);
        let mut flying = JoinSet::new();
        let mut outcome = Outcome::default();
        loop {
            tokio::select! {
                Some((number, due)) = instants.recv() => {
                    let load = Arc::clone(self);
                    flying.spawn(async move { load.update(phase, number, due).await });
                }
                Some(update) = flying.join_next() => outcome.add(update.map_err(anyhow::Error::from).flatten()),
                else => return outcome,
            }
        }
    }

    /// A number of callers, each of which begins its next update as soon as the one before is answered.
    pub(crate) async fn saturate(
        self: &Arc<Self>,
        phase: &'static str,
        callers: usize,
        updates: usize,
    ) -> Outcome {
        let next = Arc::new(AtomicUsize::new(0));
        let mut working = JoinSet::new();
        for _ in 0..callers {
            let (load, next) = (Arc::clone(self), Arc::clone(&next));
            working.spawn(async move {
                let mut outcome = Outcome::default();
                while outcome.refused.len() < REFUSALS_PER_CALLER {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= updates {
                        break;
                    }
                    outcome.add(load.update(phase, number, Instant::now()).await);
                }
                outcome
            });
        }
        let mut all = Outcome::default();
        while let Some(outcome) = working.join_next().await {
            match outcome {
                Ok(outcome) => all.append(outcome),
                Err(cause) => all.refused.push(cause.into()),
            }
        }
        all
    }

    async fn update(
        &self,
        phase: &str,
        number: usize,
        due: Instant,
    ) -> anyhow::Result<Acknowledged> {
        let name = format!("bench-{}-{phase}-{number}", self.run);
        self.caller.close(&self.stores[number % self.stores.len()], &name).await?;
        Ok(Acknowledged { subject: format!("Store Alert: {name}"), due, answered: Instant::now() })
    }
}

impl Outcome {
    fn add(&mut self, update: anyhow::Result<Acknowledged>) {
        match update {
            Ok(update) => self.acknowledged.push(update),
            Err(cause) => self.refused.push(cause),
        }
    }

    /// Takes over what another one holds.
    pub(crate) fn append(&mut self, mut other: Outcome) {
        self.acknowledged.append(&mut other.acknowledged);
        self.refused.append(&mut other.refused);
    }

    /// Waits for the mails of all acknowledged updates, as long as mails arrive.
    pub(crate) async fn wait_for_mails(&self, awaiting: &Awaiting<'_>) {
        let subjects = self.acknowledged.iter().map(|update| update.subject.as_str());
        awaiting.mailbox.wait_for_all(subjects, awaiting.patience).await;
    }

    /// How many acknowledged updates have no mail.
    pub(crate) fn lost(&self, mailbox: &Mailbox) -> usize {
        self.acknowledged.iter().filter(|update| mailbox.arrived(&update.subject).is_none()).count()
    }

    /// From when each update was due until it was answered.
    pub(crate) fn until_answer(&self) -> impl Iterator<Item = Duration> {
        self.acknowledged.iter().map(|update| update.answered - update.due)
    }

    /// From when each update was due until its mail arrived.
    pub(crate) fn until_mail(&self, mailbox: &Mailbox) -> impl Iterator<Item = Duration> {
        self.acknowledged
            .iter()
            .filter_map(|update| Some(mailbox.arrived(&update.subject)? - update.due))
    }
}
