//! The callers of a run: each does its steps one after the other, and remembers what it was told.

use std::{sync::Arc, time::Duration};

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    client::{Ask, Client},
    history::{self, Change, Kind, Outcome},
    schedule::{Step, Work},
};

/// How the body of a whole store is called.
const JSON: &str = "application/json";

/// How the body of a part of it is called.
const MERGE: &str = "application/merge-patch+json";

/// Numbers of the stores of one caller, and of changes of one caller to a shared store, are below this.
const BLOCK: usize = 100_000;

/// How long a caller waits when it does not know what became of a request.
const AFTER_SILENCE: Duration = Duration::from_millis(20);

/// What all callers of a run know.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) client: Client,
    /// Where the instances of the service are.
    pub(crate) stores: Vec<String>,
    pub(crate) began: Instant,
    /// Stores that all of them use; there before the first fault.
    pub(crate) shared: Vec<Place>,
}

/// A store that was opened.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    number: usize,
    id: String,
}

/// One who does things.
pub(crate) struct Caller {
    world: Arc<World>,
    number: usize,
    own: Option<Place>,
    opened: usize,
    names: usize,
    changes: Vec<Change>,
}

/// What a request is about.
struct Subject<'a> {
    store: usize,
    kind: Kind,
    name: &'a str,
}

/// Opens a store while nothing is disturbed.
pub(crate) async fn open_shared(world: &World, number: usize) -> anyhow::Result<(Place, Change)> {
    let name = history::name(world.seed, number, 0);
    let subject = Subject { store: number, kind: Kind::Create, name: &name };
    let (change, answer) = world.request(0, &subject, None).await;
    let id = answer["id"].as_str().unwrap_or_default().to_owned();
    if change.outcome != Outcome::Acknowledged || id.is_empty() {
        anyhow::bail!("no store could be opened before the first fault: {change}: {answer}");
    }
    Ok((Place { number, id }, change))
}

impl Caller {
    pub(crate) fn new(world: Arc<World>, number: usize) -> Caller {
        Caller { world, number, own: None, opened: 0, names: 0, changes: Vec::new() }
    }

    /// Does the steps over and over until told to stop; returns everything that it has asked for.
    pub(crate) async fn run(
        mut self,
        steps: Vec<Step>,
        stop: watch::Receiver<bool>,
    ) -> Vec<Change> {
        for step in steps.iter().cycle() {
            sleep(step.pause).await;
            if *stop.borrow() {
                break;
            }
            self.step(*step).await;
            if self.changes.last().is_some_and(|change| change.outcome == Outcome::Unknown) {
                sleep(AFTER_SILENCE).await;
            }
        }
        self.changes
    }

    async fn step(&mut self, step: Step) {
        let instance = step.instance;
        match step.work {
            Work::Poison => self.poison(instance).await,
            Work::ReplaceShared => self.change_shared(instance, Kind::Replace).await,
            Work::PatchShared => self.change_shared(instance, Kind::Patch).await,
            _ => match self.own.clone() {
                None => self.open(instance).await,
                Some(place) => self.change_own(step, &place).await,
            },
        }
    }

    async fn open(&mut self, instance: usize) {
        let store = (self.number + 1) * BLOCK + self.opened;
        self.opened += 1;
        let name = self.name(store);
        let subject = Subject { store, kind: Kind::Create, name: &name };
        let (change, answer) = self.world.request(instance, &subject, None).await;
        if change.outcome == Outcome::Acknowledged {
            self.own = answer["id"].as_str().map(|id| Place { number: store, id: id.to_owned() });
        }
        self.changes.push(change);
    }

    async fn change_own(&mut self, step: Step, place: &Place) {
        let name = self.name(place.number);
        let (kind, name) = match step.work {
            Work::Move => (Kind::Delete, String::new()),
            Work::Patch => (Kind::Patch, name),
            Work::ReplaceRefused => {
                (Kind::Replace, history::refused_name(self.world.seed, place.number, self.names))
            }
            _ => (Kind::Replace, name),
        };
        let subject = Subject { store: place.number, kind, name: &name };
        let (change, _) = self.world.request(step.instance, &subject, Some(&place.id)).await;
        if kind == Kind::Delete {
            // Whatever became of it: nobody touches a store that may be gone.
            self.own = None;
        }
        self.changes.push(change);
    }

    async fn change_shared(&mut self, instance: usize, kind: Kind) {
        self.names += 1;
        let shared = &self.world.shared;
        let Some(place) = shared.get(self.names % shared.len().max(1)) else { return };
        let number = (self.number + 1) * BLOCK + self.names;
        let name = history::name(self.world.seed, place.number, number);
        let subject = Subject { store: place.number, kind, name: &name };
        let (change, _) = self.world.request(instance, &subject, Some(&place.id)).await;
        self.changes.push(change);
    }

    async fn poison(&mut self, instance: usize) {
        self.names += 1;
        let name = format!("poison {} {} {}", self.number, self.names, self.world.seed);
        let subject = Subject { store: 0, kind: Kind::Poison, name: &name };
        let (change, _) = self.world.request(instance, &subject, None).await;
        self.changes.push(change);
    }

    fn name(&mut self, store: usize) -> String {
        self.names += 1;
        history::name(self.world.seed, store, self.names)
    }
}

impl World {
    async fn request(
        &self,
        instance: usize,
        subject: &Subject<'_>,
        id: Option<&str>,
    ) -> (Change, Value) {
        let &Subject { store, kind, name } = subject;
        let status = if name.len().is_multiple_of(2) { "OPEN" } else { "CLOSED" };
        let base = &self.stores[instance % self.stores.len()];
        let ask = ask(base, subject, id, status);
        let begin = self.now();
        let (outcome, answer) = self.client.change(ask).await;
        let (name, end) = (name.to_owned(), self.now());
        (Change { store, kind, name, status, begin, end, outcome }, answer)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

fn ask<'a>(base: &str, subject: &Subject<'_>, id: Option<&str>, status: &str) -> Ask<'a> {
    let name = subject.name;
    let one = || format!("{base}/api/stores/{}", id.unwrap_or_default());
    let whole = || {
        let mut body = json!({
            "name": name,
            "address": history::address(name),
            "status": status,
            "createTimestamp": "2026-01-01T00:00:00Z",
        });
        if let Some(id) = id {
            body["id"] = json!(id);
        }
        body.to_string()
    };
    let (method, url, kind, body) = match subject.kind {
        Kind::Create => (Method::POST, format!("{base}/api/stores"), JSON, whole()),
        Kind::Replace => (Method::PUT, one(), JSON, whole()),
        Kind::Patch => {
            let part = json!({"id": id, "name": name, "status": status}).to_string();
            (Method::PATCH, one(), MERGE, part)
        }
        Kind::Delete => (Method::DELETE, one(), JSON, String::new()),
        Kind::Poison => {
            let text = utf8_percent_encode(name, NON_ALPHANUMERIC);
            let url = format!("{base}/api/store-kafka/publish?message={text}");
            (Method::POST, url, JSON, String::new())
        }
    };
    Ask { method, url, kind, body }
}
