//! The registry as many clients use it: all of it fetched, instances registered and seen, and renewed.

use std::time::Duration;

use super::{
    Run,
    fetch::{self, Form},
    instance::{Instance, RENEWAL_SECONDS},
    pair::{Pair, Servers},
    renewals::{Pace, Renewals, take_turns},
    server::Server,
};
use crate::{
    goal::Goal,
    table::{less, more},
};

const FETCHED: Goal = Goal::AtMost(5.0);
const SEEN: Goal = Goal::AtMost(5.0);
const MEMORY: Goal = Goal::AtMost(60.0);
const SHARE: Goal = Goal::AtMost(10.0);
const TO_BARE: Goal = Goal::AtLeast(0.7);

/// The status of a good registration.
const REGISTERED: &[u16] = &[204];

/// The status of a cancellation, also of one that came to nothing because the registration had failed.
const CANCELLED: &[u16] = &[200, 404];

impl Run<'_> {
    /// Measures both servers, beside a handler that does nothing. In the end the other one is as it was.
    pub(super) async fn eureka(&mut self, servers: &Servers, bare: &Server) {
        let instances: Vec<_> = (0..self.arguments.instances).map(Instance::numbered).collect();
        let (few, others) = instances.split_at(self.arguments.fetched.min(instances.len()));
        self.register(servers, few, few.len()).await;
        for form in [Form::Json, Form::Xml, Form::Gzip] {
            self.fetch(servers, form, few.len()).await;
        }
        self.see(servers).await;
        let taken = self.register(servers, others, instances.len()).await;
        // Without all of them the figures would be those of something else.
        if taken.ours.is_some() {
            let of = |lasted: &Duration| others.len() as f64 / lasted.as_secs_f64();
            let (rate, other) = taken.figure(of);
            let figure = more("per s").beside(other);
            self.table.add("registrations", "registrations, 16 callers", rate, figure);
            self.renewals(servers, bare, &instances).await;
        }
        if let Some(other) = &servers.other {
            let requests = instances.iter().map(|instance| other.cancel(instance)).collect();
            let outcome = other.send_all(requests, CANCELLED).await;
            self.note("cancel the instances at the other server", outcome);
        }
    }

    async fn renewals(&mut self, servers: &Servers, bare: &Server, instances: &[Instance]) {
        self.memory(servers, "registered", "registered", Goal::None).await;
        self.pace(servers, bare, instances).await;
        self.memory(servers, "renewed", "renewed at this pace", MEMORY).await;
        let outcome = self.saturate(servers, bare, instances).await;
        self.note("renewals by callers", outcome);
        self.peak(servers).await;
    }

    /// Registers instances, and waits until so many are listed.
    async fn register(
        &mut self,
        servers: &Servers,
        instances: &[Instance],
        all: usize,
    ) -> Pair<Duration> {
        let what = format!("register {} instances", instances.len());
        self.both(&what, servers, async |server| {
            let requests = instances.iter().map(|instance| server.register(instance)).collect();
            let lasted = server.send_all(requests, REGISTERED).await?;
            server.lists(all).await?;
            Ok(lasted)
        })
        .await
    }

    async fn fetch(&mut self, servers: &Servers, form: Form, instances: usize) {
        let label = form.label();
        let what = format!("fetch {instances} instances, {label}");
        let times = self.arguments.reads;
        let taken =
            self.both(&what, servers, async |server| fetch::all(server, form, times).await).await;
        let goal = if form == Form::Json { FETCHED } else { Goal::None };
        let key = format!("fetch.{}", form.key());
        self.times(&key, &what, &taken, [(50, goal), (99, Goal::None)]);
    }

    async fn see(&mut self, servers: &Servers) {
        let what = "register → seen";
        let times = self.arguments.reads;
        let taken = self.both(what, servers, async |server| fetch::seen(server, times).await).await;
        self.times("seen", what, &taken, [(50, Goal::None), (99, SEEN)]);
    }

    async fn pace(&mut self, servers: &Servers, bare: &Server, instances: &[Instance]) {
        let (count, connections) = (instances.len(), self.arguments.connections);
        let what = format!(
            "{count} instances renew every {RENEWAL_SECONDS} s, over {connections} connections"
        );
        let rate = count.div_ceil(RENEWAL_SECONDS as usize) as u32;
        let pace = Pace { rate, lasting: self.arguments.seconds, connections };
        let paced =
            self.both(&what, servers, async |server| pace.hold(server, instances).await).await;
        for paced in paced.ours.iter().chain(&paced.other) {
            self.count("renewals at an even pace", &paced.tally);
        }
        let (share, other) = paced.figure(|paced| paced.share);
        let figure = less("% of a core").beside(other).goal(SHARE);
        self.table.add("pace.share", what, share, figure);
        let what = "a bare handler, at the same pace";
        eprintln!("{what}");
        let outcome = pace.hold(bare, instances).await;
        if let Some(paced) = self.note(what, outcome) {
            self.count(what, &paced.tally);
            self.table.add("pace.bare", what, paced.share, less("% of a core"));
        }
        let taken = Pair {
            ours: paced.ours.map(|paced| paced.tally.times),
            other: paced.other.map(|paced| paced.tally.times),
        };
        self.times("pace", "their answers", &taken, [(50, Goal::None), (99, Goal::None)]);
    }

    /// The servers in turn with the handler that does nothing.
    async fn saturate(
        &mut self,
        servers: &Servers,
        bare: &Server,
        instances: &[Instance],
    ) -> anyhow::Result<()> {
        let callers = self.arguments.callers;
        let what = format!("renewals, {callers} callers");
        eprintln!("{what}");
        let mut all = Vec::new();
        for server in [bare, &servers.ours].into_iter().chain(&servers.other) {
            all.push(Renewals::prepare(server, instances, callers).await?);
        }
        for tally in take_turns(&mut all, self.arguments.seconds).await? {
            self.count(&what, &tally);
        }
        let mut all = all.into_iter();
        let bare = Pair { ours: all.next(), other: None };
        let renewals = Pair { ours: all.next(), other: all.next() };
        let rate: fn(&Renewals) -> f64 = Renewals::rate;
        for (key, unit, of, goal) in [
            ("rate", "per s", rate, TO_BARE),
            ("processor", "per CPU-s", Renewals::per_processor_second, Goal::None),
        ] {
            let (bare, _) = bare.figure(of);
            let (ours, other) = renewals.figure(of);
            let table = &mut self.table;
            table.add(format!("bare.{key}"), "a bare handler, as many callers", bare, more(unit));
            table.add(format!("renewals.{key}"), &*what, ours, more(unit).beside(other));
            let figure = more("×").beside(other.map(|other| other / bare)).goal(goal);
            table.add(
                format!("renewals.{key}.bare"),
                "renewals ÷ bare handler",
                ours / bare,
                figure,
            );
        }
        Ok(())
    }

    async fn memory(&mut self, servers: &Servers, key: &str, after: &str, goal: Goal) {
        let what = format!("resident memory, {} instances {after}", self.arguments.instances);
        let memory =
            self.both(&what, servers, async |server| server.process.resident_megabytes()).await;
        let (ours, other) = memory.figure(|megabytes| *megabytes);
        self.table.add(format!("memory.{key}"), what, ours, less("MB").beside(other).goal(goal));
    }

    async fn peak(&mut self, servers: &Servers) {
        let what = "the most it has been";
        let memory = self.both(what, servers, async |server| server.process.peak_megabytes()).await;
        let (ours, other) = memory.figure(|megabytes| *megabytes);
        self.table.add("memory.peak", what, ours, less("MB").beside(other));
    }
}
