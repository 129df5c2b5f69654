//! The two loads, reading and replacing, and the figures that come of each.

use std::{sync::Arc, time::Duration};

use anyhow::Context;

use super::{
    Run,
    baseline::{self, Requests},
    health,
    idle::until_idle,
};
use crate::{
    caller::{self, Caller},
    connection::Peer,
    percentiles::Percentiles,
    pressure::{Exchange, Pressure, Tally},
    process::Process,
};

/// How many different bodies each document gets in turn, so that no replacement is one by the same.
const BODIES: usize = 64;

/// One of the two loads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Get,
    Put,
}

impl Phase {
    fn key(self) -> &'static str {
        match self {
            Phase::Get => "get",
            Phase::Put => "put",
        }
    }

    fn method(self) -> &'static str {
        match self {
            Phase::Get => "GET",
            Phase::Put => "PUT",
        }
    }

    fn baseline(self) -> &'static Requests {
        match self {
            Phase::Get => &baseline::GET,
            Phase::Put => &baseline::PUT,
        }
    }

    /// The requests that are sent round and round.
    fn requests(
        self,
        caller: &Caller,
        peer: &Peer,
        stores: &[String],
    ) -> anyhow::Result<Vec<Vec<u8>>> {
        let authorization = caller.authorization();
        let authorization = ("authorization", authorization.to_str().context("the token")?);
        let path = |id: &String| format!("/api/stores/{id}");
        Ok(match self {
            Phase::Get => stores
                .iter()
                .map(|id| peer.request("GET", &path(id), &[authorization], b""))
                .collect(),
            Phase::Put => (0..BODIES * stores.len())
                .map(|number| {
                    let id = &stores[number % stores.len()];
                    let body = caller::store(Some(id), &name(number), "CLOSED").to_string();
                    let headers = [authorization, ("content-type", "application/json")];
                    peer.request("PUT", &path(id), &headers, body.as_bytes())
                })
                .collect(),
        })
    }
}

/// What a load cost.
struct Cost {
    service: Duration,
    /// What the load generator itself needed.
    generator: Duration,
    /// How many seconds the service went on working, where that was waited for.
    behind: Option<f64>,
}

/// The service under test.
pub(super) struct Service<'a> {
    pub(super) pressure: &'a Pressure,
    pub(super) process: Process,
    /// The ids of the stores that were opened in it.
    pub(super) stores: &'a [String],
}

/// The name of a document. All are equally long, and so are all answers.
pub(super) fn name(number: usize) -> String {
    format!("bench-rest-{number:06}")
}

impl Run<'_> {
    /// The two loads, and what memory the service needs after them.
    pub(super) async fn phases(
        &mut self,
        caller: &Caller,
        service: &Service<'_>,
    ) -> anyhow::Result<()> {
        self.phase(Phase::Get, caller, service).await?;
        self.phase(Phase::Put, caller, service).await?;
        let process = service.process;
        let (resident, peak) = (process.resident_megabytes()?, process.peak_megabytes()?);
        let comparison = &mut self.comparison;
        let memory = &baseline::MEMORY;
        comparison.add("memory.after", "resident memory after both loads", resident, memory);
        comparison.add("memory.peak", "the most it has been", peak, &baseline::PEAK);
        Ok(())
    }

    async fn phase(
        &mut self,
        phase: Phase,
        caller: &Caller,
        service: &Service<'_>,
    ) -> anyhow::Result<()> {
        let Service { pressure, process, stores } = *service;
        let method = phase.method();
        let requests = phase.requests(caller, &pressure.peer, stores)?;
        let mut exchanges = Vec::with_capacity(requests.len());
        for request in requests {
            exchanges.push(pressure.learn(request).await.with_context(|| {
                format!("{method} a store at {}", self.arguments.describe().unwrap_or_default())
            })?);
        }
        let exchanges: Arc<[Exchange]> = exchanges.into();
        let (warm_up, seconds) = (self.arguments.warm_up, self.arguments.seconds);
        eprintln!("{method} by {} callers for {} s", pressure.callers, seconds.as_secs_f64());
        if !warm_up.is_zero() {
            let tally = pressure.hold(&exchanges, warm_up).await?;
            self.count(method, &tally);
        }
        // What the warm-up still has to be done for must not be counted as the load's.
        self.settle(process).await?;

        let own = Process(std::process::id());
        let (before, own_before) = (process.processor_time()?, own.processor_time()?);
        let tally = pressure.hold(&exchanges, seconds).await?;
        let (mut after, own_after) = (process.processor_time()?, own.processor_time()?);
        let mut behind = None;
        if phase == Phase::Put {
            // A replacement is done when its message is committed and relayed, which is counted, too.
            behind = Some(self.settle(process).await?);
            after = process.processor_time()?;
            // A relay that cannot deliver is idle as well.
            if health::broker_is_away(&caller.health().await?) {
                eprintln!("the broker is away: the messages of the load were not relayed");
                self.complete = false;
            }
        }
        let cost = Cost { service: after - before, generator: own_after - own_before, behind };
        self.figures(phase, &tally, &cost);
        Ok(())
    }

    /// Waits until the service has nothing to do; returns for how many seconds it had, not a number if it never stopped.
    async fn settle(&mut self, process: Process) -> anyhow::Result<f64> {
        let settled = until_idle(process).await?;
        if settled.is_none() {
            eprintln!(
                "the service went on working long after the load: what it relays is not counted as a whole"
            );
            self.complete = false;
        }
        Ok(settled.map_or(f64::NAN, |lasted| lasted.as_secs_f64()))
    }

    fn count(&mut self, method: &str, tally: &Tally) {
        if let Some(cause) = &tally.first_failure {
            self.complete = false;
            eprintln!("{} {method} failed, the first with: {cause:#}", tally.failures);
        }
    }

    fn figures(&mut self, phase: Phase, tally: &Tally, cost: &Cost) {
        self.count(phase.method(), tally);
        let (key, method, others) = (phase.key(), phase.method(), phase.baseline());
        let times = Percentiles::of(tally.times.iter().copied());
        let answered = tally.times.len() as f64;
        let thousands = answered / 1e3;
        let seconds = cost.service.as_secs_f64();
        let mut add = |name: &str, label: &str, value, baseline| {
            let (key, label) = (format!("{key}.{name}"), format!("{method}: {label}"));
            self.comparison.add(key, label, value, baseline);
        };
        add(
            "per_processor_second",
            "requests per CPU-second",
            answered / seconds,
            &others.per_processor_second,
        );
        add("processor", "CPU-seconds per 1,000", seconds / thousands, &others.processor);
        add("rate", "requests", answered / tally.lasted.as_secs_f64(), &others.rate);
        add("p50", "p50", times.milliseconds(50), &others.median);
        add("p99", "p99", times.milliseconds(99), &others.slowest);
        if let Some(behind) = cost.behind {
            add("behind", "last answer → idle", behind, &baseline::BEHIND);
        }
        add("answered", "answered as they should be", answered, &baseline::ANSWERED);
        add("failures", "failures", tally.failures as f64, &baseline::FAILURES);
        let own = cost.generator.as_secs_f64() / thousands;
        add("generator", "load generator's CPU-s per 1,000", own, &baseline::GENERATOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::Http, token::Bearer};

    async fn requests(phase: Phase, stores: usize) -> Vec<String> {
        let caller = Caller::new(Http::new(), "http://h", Bearer::fixed("abc").unwrap());
        let peer = Peer::find("http://127.0.0.1:1").await.unwrap();
        let stores: Vec<_> = (0..stores).map(|number| format!("id{number}")).collect();
        let requests = phase.requests(&caller, &peer, &stores).unwrap();
        requests.into_iter().map(|request| String::from_utf8(request).unwrap()).collect()
    }

    #[tokio::test]
    async fn every_store_is_read_in_turn() {
        let requests = requests(Phase::Get, 2).await;
        assert_eq!(requests.len(), 2);
        assert!(requests[1].starts_with("GET /api/stores/id1 HTTP/1.1\r\n"), "{requests:?}");
        assert!(requests[1].contains("\r\nauthorization: Bearer abc\r\n"), "{requests:?}");
    }

    #[tokio::test]
    async fn every_replacement_has_another_body_of_the_same_length() {
        let requests = requests(Phase::Put, 3).await;
        let mut bodies: Vec<_> =
            requests.iter().map(|request| request.split_once("\r\n\r\n").unwrap().1).collect();
        assert!(bodies.iter().all(|body| body.len() == bodies[0].len()), "{bodies:?}");
        assert!(requests[3].starts_with("PUT /api/stores/id0 HTTP/1.1\r\n"), "{}", requests[3]);
        assert!(bodies[3].contains("\"id\":\"id0\""), "{}", bodies[3]);
        bodies.sort_unstable();
        bodies.dedup();
        assert_eq!(bodies.len(), 3 * BODIES);
    }
}
