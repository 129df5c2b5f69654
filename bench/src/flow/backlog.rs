//! Updates while Kafka runs and while it does not: how fast they are answered, what memory the waiting messages take, and
//! how fast they leave when Kafka is back.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, ensure};

use super::{Run, arguments::Kind, java, progress::watch};
use crate::{
    caller::{self, Caller},
    connection::Peer,
    goal::Goal,
    percentiles::Percentiles,
    pressure::{Exchange, Pressure, Tally},
    process::Process,
    table::{less, more},
};

/// How many stores there are. Updates go round them, as those of one store must wait for one another.
const STORES: usize = 64;

/// How many different bodies each gets in turn, so that no update is one by the same.
const BODIES: usize = 16;

/// How long a load lasts that warms up, or only adds to what waits.
const BRIEFLY: Duration = Duration::from_secs(3);

const DRAINED: Goal = Goal::AtLeast(5_000.0);
pub(super) const MEMORY: Goal = Goal::AtMost(20.0);

/// A service with stores in it, and those who update them.
struct Service {
    pressure: Pressure,
    exchanges: Arc<[Exchange]>,
    process: Process,
}

impl Run<'_> {
    /// Alert does not run; store runs on one kind of database after the other.
    pub(super) async fn backlogs(&mut self) -> anyhow::Result<()> {
        for kind in self.arguments.mongodb.clone() {
            eprintln!("updates with and without Kafka, {}", kind.label());
            let store = self.system.store(kind)?.start().await?;
            let caller = self.system.caller(store.addresses.of("store")?)?;
            let peer = Arc::new(Peer::find(store.addresses.of("store")?).await?);
            let pressure = Pressure { peer, callers: self.arguments.callers };
            let exchanges = self.open_stores(&pressure, &caller).await?;
            let service = Service { pressure, exchanges, process: store.process()? };
            self.backlog_of(kind, &service).await?;
            store.stop().await?;
        }
        Ok(())
    }

    async fn open_stores(
        &mut self,
        pressure: &Pressure,
        caller: &Caller,
    ) -> anyhow::Result<Arc<[Exchange]>> {
        let authorization = caller.authorization();
        let authorization = authorization.to_str().context("the token")?;
        let headers = [("authorization", authorization), ("content-type", "application/json")];
        let mut stores = Vec::with_capacity(STORES);
        for number in 0..STORES {
            stores.push(caller.open(&name(number)).await?);
        }
        let mut exchanges = Vec::with_capacity(STORES * BODIES);
        for number in 0..STORES * BODIES {
            let id = &stores[number % STORES];
            let body = caller::store(Some(id), &name(number), "CLOSED").to_string();
            let path = format!("/api/stores/{id}");
            let request = pressure.peer.request("PUT", &path, &headers, body.as_bytes());
            exchanges.push(pressure.learn(request).await?);
        }
        self.acknowledged += exchanges.len() as u64;
        Ok(exchanges.into())
    }

    async fn backlog_of(&mut self, kind: Kind, service: &Service) -> anyhow::Result<()> {
        let lasting = Duration::from_secs(self.arguments.seconds.into());
        self.hold(service, BRIEFLY).await?;
        let running = self.hold(service, lasting).await?;
        let (_, announced) = (self.arrive().await?, self.acknowledged);
        let memory = service.process.resident_megabytes()?;

        self.system.stop_kafka().await?;
        let stopped = self.hold(service, lasting).await?;
        while self.acknowledged - announced < self.arguments.waiting as u64 {
            self.hold(service, BRIEFLY).await?;
        }
        let with_all = self.hold(service, lasting).await?;
        let waiting = self.acknowledged - announced;
        let more_memory = service.process.resident_megabytes()? - memory;
        self.rates(kind, &running, &stopped);
        let key = kind.key();
        let label = kind.label();
        let slower = median(&with_all) / median(&stopped);
        let table = &mut self.table;
        let what = format!("PUT p50 with {waiting} waiting ÷ with few, {label}");
        table.add(format!("{key}.waiting.put"), what, slower, less("×"));
        let what = format!("resident memory of store, {label}");
        let java = less("MB").beside(java::STORE_MEMORY);
        table.add(format!("{key}.memory"), what, memory, java);
        let what = format!("more of it with {waiting} waiting");
        table.add(format!("{key}.waiting.memory"), what, more_memory, less("MB").goal(MEMORY));

        self.system.start_kafka().await?;
        let progress = self.arrive().await?;
        let peak = service.process.peak_megabytes()? - memory;
        let table = &mut self.table;
        let idle = progress.idle().as_secs_f64();
        table.add(format!("{key}.relay.idle"), "Kafka back → first message", idle, less("s"));
        let what = format!("messages relayed, {label} → Kafka");
        let rate = more("per s").goal(DRAINED);
        table.add(format!("{key}.relay.rate"), what, progress.rate(), rate);
        let what = "memory of store, the most ever more than before";
        table.add(format!("{key}.relay.memory"), what, peak, less("MB"));
        Ok(())
    }

    fn rates(&mut self, kind: Kind, running: &Tally, stopped: &Tally) {
        let (key, label) = (kind.key(), kind.label());
        let callers = self.arguments.callers;
        let table = &mut self.table;
        let mut add = |name: &str, what: String, value, figure| {
            table.add(format!("{key}.put.{name}"), format!("{what}, {label}"), value, figure);
        };
        let rate = more("per s");
        let what = format!("PUT with Kafka running, {callers} callers");
        add("rate", what, per_second(running), rate.beside(java::PUT_RATE));
        let median_running = median(running);
        add("p50", "its p50".to_owned(), median_running, less("ms").beside(java::PUT_MEDIAN));
        let goal = Goal::AtLeast(per_second(running));
        let what = "PUT with Kafka stopped".to_owned();
        add("stopped.rate", what, per_second(stopped), rate.goal(goal));
        let goal = Goal::AtMost(median_running);
        add("stopped.p50", "its p50".to_owned(), median(stopped), less("ms").goal(goal));
    }

    async fn hold(&mut self, service: &Service, lasting: Duration) -> anyhow::Result<Tally> {
        let mut tally = service.pressure.hold(&service.exchanges, lasting).await?;
        self.acknowledged += tally.times.len() as u64;
        self.refuse(tally.failures as u64, tally.first_failure.take());
        ensure!(!tally.times.is_empty(), "no update was answered in {lasting:?}");
        Ok(tally)
    }

    /// Until Kafka has all that was acknowledged.
    async fn arrive(&self) -> anyhow::Result<super::progress::Progress> {
        let arrived = watch(self.acknowledged, async || self.system.announced().await).await;
        arrived.context("announcements in Kafka")
    }
}

/// The name of a store. All are equally long, and so are all answers.
fn name(number: usize) -> String {
    format!("bench-flow-{number:06}")
}

fn median(tally: &Tally) -> f64 {
    Percentiles::of(tally.times.iter().copied()).milliseconds(50)
}

fn per_second(tally: &Tally) -> f64 {
    tally.times.len() as f64 / tally.lasted.as_secs_f64()
}
