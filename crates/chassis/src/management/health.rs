//! Health (contract §8): what the parts of a service say of themselves, asked all at once, never for long, and not more
//! often than once a second.

mod component;
mod disk;
mod show;

use std::{
    collections::BTreeMap,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join_all},
};
use tokio::time::{Instant, timeout};

pub use component::{Component, Status};

pub(super) use disk::{Space, check as disk, space};
pub(super) use show::routes;

/// How long one part may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is good for.
const FRESH: Duration = Duration::from_secs(1);

/// What a component's state means to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The service cannot do its work without it: when it is down, so is the service.
    Needed,
    /// The service answers without it: it is shown as it is, but takes nothing out of rotation.
    Optional,
}

type Check = Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<Component>> + Send + Sync>;

type Components = BTreeMap<String, (Scope, Component)>;

/// What everybody who was asked has said, and when all had.
struct Report {
    at: Instant,
    components: Components,
}

/// When everybody was last asked, and what they have said or are about to say.
type Latest = (Instant, Shared<BoxFuture<'static, Arc<Report>>>);

/// Who is asked, and what they last said.
pub(super) struct Health {
    checks: Arc<BTreeMap<String, (Scope, Check)>>,
    /// Which components decide about the readiness, apart from `readinessState`.
    readiness: Vec<String>,
    latest: Mutex<Option<Latest>>,
    leaving: Arc<AtomicBool>,
}

/// The checks of a service while it is put together.
#[derive(Default)]
pub(super) struct Checks {
    checks: BTreeMap<String, (Scope, Check)>,
    readiness: Vec<String>,
}

impl Checks {
    pub(super) fn add<F, T>(&mut self, name: &str, scope: Scope, check: F)
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = anyhow::Result<Component>> + Send + 'static,
    {
        self.checks.insert(name.to_owned(), (scope, Box::new(move || check().boxed())));
    }

    pub(super) fn decides_readiness(&mut self, name: &str) {
        self.readiness.push(name.to_owned());
    }

    pub(super) fn finish(mut self) -> Health {
        let leaving = Arc::new(AtomicBool::new(false));
        let state = leaving.clone();
        self.add("readinessState", Scope::Needed, move || {
            let state = match state.load(Ordering::Relaxed) {
                true => Component::new(Status::OutOfService),
                false => Component::up(),
            };
            std::future::ready(Ok(state))
        });
        for name in ["livenessState", "ping"] {
            self.add(name, Scope::Needed, || std::future::ready(Ok(Component::up())));
        }
        let (checks, readiness) = (Arc::new(self.checks), self.readiness);
        Health { checks, readiness, latest: Mutex::default(), leaving }
    }
}

impl Health {
    /// From now on the service is not ready any more.
    pub(super) fn leave(&self) {
        self.leaving.swap(true, Ordering::Relaxed);
    }

    /// Asks every part, or repeats what they have just said.
    async fn report(&self) -> Arc<Report> {
        let report = {
            let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever comes while the parts are being asked waits for the same answer.
            let usable = latest.as_ref().filter(|(begun, report)| match report.peek() {
                Some(report) => report.at.elapsed() < FRESH,
                None => begun.elapsed() < PATIENCE * 2,
            });
            match usable {
                Some((_, report)) => report.clone(),
                None => {
                    let report = ask(self.checks.clone()).boxed().shared();
                    *latest = Some((Instant::now(), report.clone()));
                    report
                }
            }
        };
        report.await
    }

    fn group(&self, name: &str) -> Option<Vec<&str>> {
        match name {
            "liveness" => Some(vec!["livenessState"]),
            "readiness" => {
                let others = self.readiness.iter().map(String::as_str);
                Some(others.chain(["readinessState"]).collect())
            }
            _ => None,
        }
    }
}

async fn ask(checks: Arc<BTreeMap<String, (Scope, Check)>>) -> Arc<Report> {
    let said = join_all(checks.iter().map(|(name, (scope, check))| async move {
        // Inside a future of its own, so that one that panics is only down.
        let asked = AssertUnwindSafe(async { check().await }).catch_unwind();
        let component = match timeout(PATIENCE, asked).await {
            Ok(Ok(Ok(component))) => component,
            Ok(Ok(Err(cause))) => Component::down(format!("{cause:#}")),
            Ok(Err(_)) => Component::down("the check panicked"),
            Err(_) => Component::down(format!("no answer within {PATIENCE:?}")),
        };
        (name.clone(), (*scope, component))
    }));
    let components = said.await.into_iter().collect();
    Arc::new(Report { at: Instant::now(), components })
}

/// What the needed ones among these come to.
fn overall<'a>(components: impl Iterator<Item = &'a (Scope, Component)>) -> Status {
    let needed = components.filter(|(scope, _)| *scope == Scope::Needed);
    Status::worst(needed.map(|(_, component)| component.status()))
}

#[cfg(test)]
mod tests;
