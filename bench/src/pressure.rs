//! As many requests as a number of callers can make in a time: each sends its next one as soon as the one before is
//! answered, on a connection of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use tokio::{task::JoinSet, time::timeout};

use crate::connection::{Line, Peer};

/// How long an answer may take beyond the time of the load.
const PATIENCE: Duration = Duration::from_secs(10);

/// A caller gives up after so many failures in a row: the rest would fail, too.
const IN_A_ROW: usize = 20;

/// A request, and what a good answer to it is: status 200 and a body of this length.
pub(crate) struct Exchange {
    request: Vec<u8>,
    length: usize,
}

impl Exchange {
    /// Another request, to which a good answer is the same.
    pub(crate) fn with(&self, request: Vec<u8>) -> Exchange {
        Exchange { request, length: self.length }
    }
}

/// Who calls where.
pub(crate) struct Pressure {
    pub(crate) peer: Arc<Peer>,
    pub(crate) callers: usize,
}

/// What became of the requests.
#[derive(Default)]
pub(crate) struct Tally {
    /// How long each good answer took.
    pub(crate) times: Vec<Duration>,
    pub(crate) failures: usize,
    pub(crate) first_failure: Option<anyhow::Error>,
    /// From the first request to the last good answer.
    pub(crate) lasted: Duration,
}

impl Pressure {
    /// Sends a request once, to learn from its answer what the others must look like.
    ///
    /// # Errors
    /// Quotes an answer whose status is not 200.
    pub(crate) async fn learn(&self, request: Vec<u8>) -> anyhow::Result<Exchange> {
        let mut line = Line::open(&self.peer).await?;
        let answer = line.ask(&request).await?;
        ensure!(answer.status == 200, "the first answer is no 200: {}", answer.excerpt());
        Ok(Exchange { length: answer.length, request })
    }

    /// Sends the requests round and round.
    ///
    /// # Errors
    /// When a caller cannot connect at the beginning; later failures are counted.
    pub(crate) async fn hold(
        &self,
        exchanges: &Arc<[Exchange]>,
        lasting: Duration,
    ) -> anyhow::Result<Tally> {
        let mut callers = Vec::with_capacity(self.callers);
        for number in 0..self.callers {
            let line = Line::open(&self.peer).await?;
            let exchanges = Arc::clone(exchanges);
            callers.push(Caller { exchanges, line, next: number, step: self.callers });
        }
        let began = Instant::now();
        let until = began + lasting;
        let mut working = JoinSet::new();
        for mut caller in callers {
            working.spawn(async move {
                let mut tally = Tally::default();
                let calling = caller.call(began, until, &mut tally);
                if timeout(lasting + PATIENCE, calling).await.is_err() {
                    let waited = PATIENCE.as_secs();
                    tally.fail(anyhow::anyhow!("no answer until {waited} s after the load"));
                }
                tally
            });
        }
        let mut all = Tally::default();
        while let Some(tally) = working.join_next().await {
            all.append(tally?);
        }
        Ok(all)
    }
}

/// One of the callers.
struct Caller {
    exchanges: Arc<[Exchange]>,
    line: Line,
    next: usize,
    step: usize,
}

impl Caller {
    async fn call(&mut self, began: Instant, until: Instant, tally: &mut Tally) {
        let mut in_a_row = 0;
        // The end of one request is the beginning of the next: one look at the clock for both.
        let mut now = began;
        while now < until && in_a_row < IN_A_ROW {
            let outcome = self.once().await;
            let ended = Instant::now();
            match outcome {
                Ok(()) => {
                    tally.times.push(ended - now);
                    tally.lasted = ended - began;
                    in_a_row = 0;
                }
                Err(cause) => {
                    tally.fail(cause);
                    in_a_row += 1;
                }
            }
            now = ended;
        }
    }

    async fn once(&mut self) -> anyhow::Result<()> {
        let exchange = &self.exchanges[self.next % self.exchanges.len()];
        self.next += self.step;
        let answer = self.line.exchange(&exchange.request).await?;
        let (status, length, expected) = (answer.status, answer.length, exchange.length);
        ensure!(status == 200, "an answer is no 200: {}", answer.excerpt());
        ensure!(
            length == expected,
            "an answer has {length} bytes, not {expected}: {}",
            answer.excerpt()
        );
        Ok(())
    }
}

impl Tally {
    /// Counts a failure; the first one is kept.
    pub(crate) fn fail(&mut self, cause: anyhow::Error) {
        self.failures += 1;
        self.first_failure.get_or_insert(cause);
    }

    /// Takes over what another one holds.
    pub(crate) fn append(&mut self, mut other: Tally) {
        self.times.append(&mut other.times);
        self.failures += other.failures;
        self.first_failure = self.first_failure.take().or(other.first_failure);
        self.lasted = self.lasted.max(other.lasted);
    }
}
