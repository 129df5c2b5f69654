//! Keeps a few connections open between mails. A connection that broke while nobody looked costs no mail its turn, and
//! a mail whose answer takes long goes on waiting for it between two deliveries.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use futures_util::future::join_all;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    answers::{Trouble, stopped},
    connect::Connector,
    dialogue::{Acceptance, Connection, Sent},
    door::Door,
    end::End,
    rate::Rate,
    settings::SmtpSettings,
};
use crate::compose::Composed;

/// How many late answers are kept until they are asked for. Nobody asks for some of them: another process may have taken the
/// mails over.
const MAX_KNOWN: usize = 1_000;

/// Connections to one mail server.
pub(super) struct Pool {
    connector: Connector,
    door: Door,
    places: Arc<Semaphore>,
    rate: Option<Rate>,
    idle: Mutex<Vec<Idle>>,
    /// Mails by their ids whose text the server got without answering in time.
    late: Mutex<HashMap<String, Late>>,
    keep: Duration,
    end: End,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

enum Late {
    /// Keeps its place, so that a slow server does not collect connections.
    Unanswered { acceptance: Acceptance, _place: OwnedSemaphorePermit },
    /// Waits for being asked for.
    Known { outcome: Result<(), Trouble>, since: Instant },
}

impl Pool {
    pub(super) fn new(settings: SmtpSettings, size: usize) -> anyhow::Result<Self> {
        Ok(Pool {
            door: Door::new(&settings.host, settings.port),
            places: Arc::new(Semaphore::new(size)),
            rate: settings.rate_limit.map(Rate::new),
            idle: Mutex::default(),
            late: Mutex::default(),
            keep: settings.idle,
            end: End::default(),
            connector: Connector::new(settings)?,
        })
    }

    /// Opens a connection as for a mail, signs in, and ends it.
    pub(super) async fn check(&self) -> anyhow::Result<()> {
        self.door.enter(self.connector.connect()).await?.close().await;
        Ok(())
    }

    /// Whether no more mails are to be begun.
    pub(super) fn is_at_its_end(&self) -> bool {
        self.end.is_here()
    }

    /// Takes in the answers that came since the last deliveries; tells how many mails can be under way now.
    pub(super) fn listen(&self) -> usize {
        let mut all = self.late();
        for late in all.values_mut() {
            let Late::Unanswered { acceptance, .. } = late else { continue };
            let Some((outcome, connection)) = acceptance.answer() else { continue };
            self.keep(connection);
            // A connection that broke while it waited says nothing about the server now.
            let outcome = outcome.map_err(|trouble| match trouble {
                Trouble::Broken(error) => Trouble::Later(error),
                trouble => trouble,
            });
            *late = Late::Known { outcome, since: Instant::now() };
        }
        forget_oldest(&mut all);
        self.places.available_permits()
    }

    /// Delivers a mail over an open connection, or over a new one when there is none or it turns out to be broken. Waits
    /// for its turn, when there is a limit, until `latest` at most.
    ///
    /// Never waits for a place or for a late answer: then it is [`Trouble::Later`], and the text is not sent again
    /// before the answer is known.
    pub(super) async fn deliver(
        &self,
        id: &str,
        mail: &Composed,
        latest: Instant,
    ) -> Result<(), Trouble> {
        if let Some(outcome) = self.answer(id) {
            return outcome;
        }
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return Err(Trouble::Later(anyhow!(
                "other mails, which the mail server has not answered for, use the connections"
            )));
        };
        let (connection, used) = match self.take() {
            Some(connection) => (connection, true),
            None => (self.connect().await?, false),
        };
        // With a connection at hand: no turn is lost to a server that is away.
        if let Err(trouble) = self.turn(latest).await {
            self.keep(Some(connection));
            return Err(trouble);
        }
        match self.deliver_over(connection, mail).await {
            // It may have broken after the server took the mail; the second copy has the same Message-ID.
            Sent::Answered(Err(Trouble::Broken(error))) if used => {
                debug!("a mail connection was broken, taking a new one: {error:#}")
            }
            sent => return self.outcome(id, sent, place),
        }
        let connection = self.connect().await?;
        let sent = self.deliver_over(connection, mail).await;
        self.outcome(id, sent, place)
    }

    /// Closes idle connections until the stop, then all, and begins the end.
    pub(super) async fn close_idle(&self, stop: &CancellationToken) {
        let mut tick = interval((self.keep / 2).max(Duration::from_millis(10)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => {
                    self.listen();
                    // A server that does not say farewell does not hold up the end.
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = close(self.stale()) => {}
                    }
                }
            }
        }
        self.end.begin();
        let rest = std::mem::take(&mut *self.idle());
        close(rest).await;
    }

    /// What became of a mail whose answer was late, if it is one.
    fn answer(&self, id: &str) -> Option<Result<(), Trouble>> {
        let mut late = self.late();
        match late.remove(id)? {
            Late::Known { outcome, .. } => Some(outcome),
            unanswered => {
                late.insert(id.to_owned(), unanswered);
                Some(Err(unanswered_yet()))
            }
        }
    }

    fn outcome(&self, id: &str, sent: Sent, place: OwnedSemaphorePermit) -> Result<(), Trouble> {
        match sent {
            Sent::Answered(outcome) => outcome,
            Sent::Unanswered(acceptance) => {
                let late = Late::Unanswered { acceptance, _place: place };
                self.late().insert(id.to_owned(), late);
                Err(unanswered_yet())
            }
        }
    }

    async fn deliver_over(&self, connection: Connection, mail: &Composed) -> Sent {
        let (sent, connection) = connection.send(mail, &self.end).await;
        self.keep(connection);
        sent
    }

    async fn connect(&self) -> Result<Connection, Trouble> {
        let connecting = self.door.enter(self.connector.connect());
        let connected = self.end.or(connecting).await;
        connected.ok_or_else(stopped)?.map_err(Trouble::Broken)
    }

    /// Waits until the limit lets one more mail go.
    async fn turn(&self, latest: Instant) -> Result<(), Trouble> {
        let Some(rate) = &self.rate else { return Ok(()) };
        let Some(turn) = rate.turn(latest) else {
            return Err(Trouble::NoTurn(anyhow!(
                "it waits for its turn: no more than {} mails are sent (milena.mail.rate-limit)",
                rate.limit
            )));
        };
        tokio::select! {
            biased;
            () = self.end.begun() => Err(Trouble::NoTurn(anyhow!("this process stops"))),
            () = sleep_until(turn) => Ok(()),
        }
    }

    fn keep(&self, connection: Option<Connection>) {
        let since = Instant::now();
        self.idle().extend(connection.map(|connection| Idle { connection, since }));
    }

    /// The connection used last, so that those not needed grow old.
    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle();
        idle.retain(|idle| idle.since.elapsed() < self.keep);
        idle.pop().map(|idle| idle.connection)
    }

    fn stale(&self) -> Vec<Idle> {
        self.idle().extract_if(.., |idle| idle.since.elapsed() >= self.keep).collect()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // A list of connections is whole after every statement, whoever panicked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn late(&self) -> MutexGuard<'_, HashMap<String, Late>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the answers that have waited longest for being asked for, when there are too many.
fn forget_oldest(late: &mut HashMap<String, Late>) {
    let since = |(id, late): (&String, &Late)| match late {
        Late::Known { since, .. } => Some((*since, id.clone())),
        Late::Unanswered { .. } => None,
    };
    while late.len() > MAX_KNOWN {
        let Some((_, oldest)) = late.iter().filter_map(since).min() else { return };
        late.remove(&oldest);
    }
}

fn unanswered_yet() -> Trouble {
    Trouble::Later(anyhow!("the mail server has the mail and does not say yet whether it takes it"))
}

async fn close(connections: Vec<Idle>) {
    join_all(connections.into_iter().map(|idle| idle.connection.close())).await;
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").field("keep", &self.keep).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn answers_that_nobody_asks_for_are_forgotten_from_the_oldest() {
        let mut late = HashMap::new();
        for number in 0..MAX_KNOWN + 3 {
            let known = Late::Known { outcome: Ok(()), since: Instant::now() };
            late.insert(number.to_string(), known);
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        forget_oldest(&mut late);
        assert_eq!(late.len(), MAX_KNOWN);
        assert!(!late.contains_key("2") && late.contains_key("3"));
    }
}
