//! Renewals: at the even pace of many clients, and as fast as some callers can.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use tokio::{sync::mpsc, task::JoinSet};

use super::{instance::Instance, server::Server};
use crate::{
    connection::Line,
    pace::pace,
    pressure::{Exchange, Pressure, Tally},
    process::Process,
};

/// The largest answer to a renewal, with its head.
const ANSWER_LIMIT: usize = 8 * 1024;

/// How many renewals may wait for one connection.
const WAITING: usize = 1_024;

/// A connection gives up after so many failures in a row.
const IN_A_ROW: usize = 3;

/// How many times the servers take turns while they are compared.
const TURNS: u32 = 4;

/// Which part of its time each server is called before its first turn, without being measured.
const WARM_UP: u32 = 10;

/// Renewals at an even pace.
pub(super) struct Pace {
    /// How many a second.
    pub(super) rate: u32,
    pub(super) lasting: Duration,
    pub(super) connections: usize,
}

/// What renewals at an even pace came to.
pub(super) struct Paced {
    /// From when each was due until it was answered.
    pub(super) tally: Tally,
    /// Which share of one core the server needed, in percent.
    pub(super) share: f64,
}

/// What renewals by callers came to.
pub(super) struct Renewals {
    pressure: Pressure,
    exchanges: Arc<[Exchange]>,
    process: Process,
    answered: usize,
    /// How long it was called.
    lasted: Duration,
    /// The processor time that it needed.
    spent: Duration,
}

impl Pace {
    /// Renews the instances in turn, each renewal at its instant, whether or not those before have been answered.
    pub(super) async fn hold(
        &self,
        server: &Server,
        instances: &[Instance],
    ) -> anyhow::Result<Paced> {
        let requests: Vec<_> = instances.iter().map(|instance| server.renew(instance)).collect();
        let requests: Arc<[Vec<u8>]> = requests.into();
        let mut lines = Vec::with_capacity(self.connections);
        let mut working = JoinSet::new();
        for _ in 0..self.connections {
            let line = Line::for_answers_up_to(ANSWER_LIMIT, &server.peer).await?;
            let (sender, due) = mpsc::channel(WAITING);
            lines.push(sender);
            working.spawn(renew_when_due(line, Arc::clone(&requests), due));
        }
        let (began, before) = (Instant::now(), server.process.processor_time()?);
        let mut instants =
            pace(self.rate, (f64::from(self.rate) * self.lasting.as_secs_f64()).ceil() as u32);
        while let Some((number, due)) = instants.recv().await {
            // A connection that has given up has said why.
            let _ = lines[number % lines.len()].send((number, due)).await;
        }
        drop(lines);
        let mut tally = Tally::default();
        while let Some(of_one) = working.join_next().await {
            tally.append(of_one?);
        }
        let spent = server.process.processor_time()? - before;
        let share = spent.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
        Ok(Paced { tally, share })
    }
}

async fn renew_when_due(
    mut line: Line,
    requests: Arc<[Vec<u8>]>,
    mut instants: mpsc::Receiver<(usize, Instant)>,
) -> Tally {
    let mut tally = Tally::default();
    let mut in_a_row = 0;
    while let Some((number, due)) = instants.recv().await {
        match renew(&mut line, &requests[number % requests.len()]).await {
            Ok(()) => {
                tally.times.push(due.elapsed());
                in_a_row = 0;
            }
            Err(cause) => {
                tally.fail(cause);
                in_a_row += 1;
            }
        }
        if in_a_row == IN_A_ROW {
            break;
        }
    }
    tally
}

async fn renew(line: &mut Line, request: &[u8]) -> anyhow::Result<()> {
    let answer = line.ask(request).await?;
    ensure!(answer.status == 200, "a renewal is no 200: {}", answer.excerpt());
    Ok(())
}

impl Renewals {
    /// Learns from one renewal what the answers to all must be.
    pub(super) async fn prepare(
        server: &Server,
        instances: &[Instance],
        callers: usize,
    ) -> anyhow::Result<Renewals> {
        let pressure = Pressure { peer: Arc::clone(&server.peer), callers };
        let requests: Vec<_> = instances.iter().map(|instance| server.renew(instance)).collect();
        let learned = pressure.learn(requests.first().cloned().unwrap_or_default()).await?;
        let exchanges: Vec<_> = requests.into_iter().map(|request| learned.with(request)).collect();
        Ok(Renewals {
            pressure,
            exchanges: exchanges.into(),
            process: server.process,
            answered: 0,
            lasted: Duration::ZERO,
            spent: Duration::ZERO,
        })
    }

    /// Answered renewals per second.
    pub(super) fn rate(&self) -> f64 {
        self.answered as f64 / self.lasted.as_secs_f64()
    }

    /// Answered renewals per second of the server's processor time.
    pub(super) fn per_processor_second(&self) -> f64 {
        self.answered as f64 / self.spent.as_secs_f64()
    }

    async fn hold(&mut self, lasting: Duration) -> anyhow::Result<Tally> {
        let before = self.process.processor_time()?;
        let tally = self.pressure.hold(&self.exchanges, lasting).await?;
        self.spent += self.process.processor_time()? - before;
        self.lasted += tally.lasted;
        self.answered += tally.times.len();
        Ok(tally)
    }
}

/// Calls the servers in turn, so that what else the machine does at the moment hits all of them; returns what each answered,
/// in their order.
pub(super) async fn take_turns(
    servers: &mut [Renewals],
    lasting: Duration,
) -> anyhow::Result<Vec<Tally>> {
    for server in servers.iter_mut() {
        server.hold(lasting / WARM_UP).await?;
        (server.answered, server.lasted, server.spent) = (0, Duration::ZERO, Duration::ZERO);
    }
    let mut tallies: Vec<_> = servers.iter().map(|_| Tally::default()).collect();
    for _ in 0..TURNS {
        for (server, tally) in servers.iter_mut().zip(&mut tallies) {
            tally.append(server.hold(lasting / TURNS).await?);
        }
    }
    Ok(tallies)
}
