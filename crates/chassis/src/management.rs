//! The endpoints by which a running service is watched (contract §8): health, info, figures, levels of log lines,
//! configuration, threads. Knows nothing of who is calling but whether it is an administrator.

mod about;
mod caches;
mod changes;
mod description;
mod endpoints;
mod environment;
mod gauges;
mod health;
mod jhimetrics;
mod links;
mod loggers;
mod media;
mod metrics;
mod prometheus;
mod refresh;
mod threads;

use std::{future::Future, path::PathBuf, sync::Arc};

use futures_util::FutureExt;
use serde_json::Value;

use crate::{Current, Outside, config::Settings, telemetry::Loggers};

pub use about::About;
pub use changes::ChangeSet;
pub use description::document;
pub use endpoints::Endpoints;
pub use health::{Component, Scope, Status};
pub use metrics::{CacheFigures, PoolFigures};

use changes::ChangeLog;
use gauges::Gauge;
use health::Checks;
use metrics::{Observed, Process};

/// In the extensions of a request whose caller may see details: who has the administrator's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Administrator;

type Figures<T> = Box<dyn Fn() -> T + Send + Sync>;

/// The management endpoints of one service while they are put together.
pub struct Management {
    checks: Checks,
    disk: PathBuf,
    watched: Watched,
}

/// What the endpoints show.
struct Watched {
    about: About,
    /// What `/management/info` says in addition.
    info: Vec<(&'static str, Value)>,
    settings: Current<Settings>,
    loggers: Option<Loggers>,
    observed: Arc<Observed>,
    process: Process,
    disk: PathBuf,
    pools: Vec<(String, Figures<PoolFigures>)>,
    caches: Vec<caches::Cache>,
    gauges: Vec<Gauge>,
    change_log: Option<ChangeLog>,
    refresh: Option<refresh::Refresh>,
    api_groups: Vec<(String, String)>,
}

impl Management {
    /// The endpoints of a service of which nothing else is known. The settings are shown as they are when they are asked
    /// for.
    pub fn new(
        about: About,
        settings: impl Into<Current<Settings>>,
        outside: Outside,
        loggers: Option<Loggers>,
    ) -> Self {
        let watched = Watched {
            about,
            info: Vec::new(),
            settings: settings.into(),
            loggers,
            observed: Arc::new(Observed::new(outside)),
            process: Process::default(),
            disk: PathBuf::new(),
            pools: Vec::new(),
            caches: Vec::new(),
            gauges: Vec::new(),
            change_log: None,
            refresh: None,
            api_groups: Vec::new(),
        };
        Management { checks: Checks::default(), disk: PathBuf::from("."), watched }
    }

    /// Has `/management/info` say this, too.
    pub fn info(mut self, name: &'static str, value: Value) -> Self {
        self.watched.info.push((name, value));
        self
    }

    /// Adds a component of health. It is asked together with all others, at most once a second; when it fails, panics
    /// or has not answered after two seconds, it is down, and administrators see why.
    pub fn component<F, T>(mut self, name: &str, scope: Scope, check: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = anyhow::Result<Component>> + Send + 'static,
    {
        self.checks.add(name, scope, check);
        self
    }

    /// Makes the service unready while this component is down, one that was added with [`Scope::Needed`].
    pub fn readiness(mut self, name: &str) -> Self {
        self.checks.decides_readiness(name);
        self
    }

    /// Names the folder whose disk must not be full; the current one otherwise.
    pub fn disk(mut self, folder: impl Into<PathBuf>) -> Self {
        self.disk = folder.into();
        self
    }

    /// Adds a pool of connections.
    pub fn pool(
        mut self,
        name: &str,
        figures: impl Fn() -> PoolFigures + Send + Sync + 'static,
    ) -> Self {
        self.watched.pools.push((name.to_owned(), Box::new(figures)));
        self
    }

    /// Adds a cache; `target` says what it is made of.
    pub fn cache(
        mut self,
        name: &str,
        target: &'static str,
        figures: impl Fn() -> CacheFigures + Send + Sync + 'static,
    ) -> Self {
        let (name, figures) = (name.to_owned(), Box::new(figures));
        self.watched.caches.push(caches::Cache { name, target, figures });
        self
    }

    /// Adds figures for Prometheus that have to be asked for: a name and what it means, and a figure for each value of a
    /// label. They are asked for when somebody reads them, at most once a second, and left out when they fail or have not
    /// come after two seconds.
    pub fn gauge<F, T>(
        mut self,
        (name, help, label): (&'static str, &'static str, &'static str),
        figures: F,
    ) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = anyhow::Result<Vec<(String, u64)>>> + Send + 'static,
    {
        let ask = Box::new(move || figures().boxed());
        self.watched.gauges.push(Gauge::new((name, help, label), ask));
        self
    }

    /// Shows the changes that were made to the database's schema, in the order in which they were made.
    pub fn change_log<F, T>(mut self, change_sets: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = anyhow::Result<Vec<ChangeSet>>> + Send + 'static,
    {
        self.watched.change_log = Some(Box::new(move || change_sets().boxed()));
        self
    }

    /// Lets the configuration be read again: `refresh` does so, applies what can be applied while the service runs, and
    /// returns the keys that have changed.
    pub fn refresh<F, T>(mut self, refresh: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = anyhow::Result<Vec<String>>> + Send + 'static,
    {
        self.watched.refresh = Some(Box::new(move || refresh().boxed()));
        self
    }

    /// Whether changes to a schema are shown.
    pub fn has_change_log(&self) -> bool {
        self.watched.change_log.is_some()
    }

    /// Adds a group of operations that has an OpenAPI document of its own, and what the group is.
    pub fn open_api_group(mut self, group: &str, description: &str) -> Self {
        self.watched.api_groups.push((group.to_owned(), description.to_owned()));
        self
    }

    /// Ends the putting together.
    pub fn build(self) -> Endpoints {
        let Management { mut checks, disk, mut watched } = self;
        watched.disk.clone_from(&disk);
        checks.add("diskSpace", Scope::Needed, move || health::disk(disk.clone()));
        Endpoints { health: Arc::new(checks.finish()), watched: Arc::new(watched) }
    }
}
