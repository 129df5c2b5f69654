//! The configuration, read again while a service runs: what can be applied is, what cannot is named.

use std::sync::Arc;

use anyhow::Context;
use chassis::{
    Current, Outside, Stop,
    config::{RemoteSource, Settings},
    telemetry::Loggers,
};
use discovery::Configuration;
use futures_util::FutureExt;
use tracing::{info, warn};

use crate::{layers::Layers, up::configuration::Own, wanted::Wanted};

const LEVELS: &str = "logging.level.root";
const DISTRIBUTION_LIST: &str = "alert.distribution-list";
const ANNOUNCE: &str = "milena.store.announce";
/// What is applied while a service runs.
const APPLIED: [&str; 3] = [LEVELS, DISTRIBUTION_LIST, ANNOUNCE];

/// Reads the configuration of a service again. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Refresh(Arc<Inner>);

/// Who is asked.
pub(crate) enum Source {
    /// The Config server of another process.
    Remote(Configuration),
    /// That of this process.
    Own(Own),
}

struct Inner {
    layers: Layers,
    source: Source,
    /// What the service shows of its configuration.
    shown: Current<Settings>,
    announced: Current<store::Announced>,
    distribution_list: Current<Vec<String>>,
    loggers: Option<Loggers>,
}

impl Refresh {
    /// For a service that was made from `wanted`.
    pub(crate) fn new(
        layers: Layers,
        source: Source,
        wanted: &Wanted,
        loggers: Option<Loggers>,
    ) -> Self {
        Refresh(Arc::new(Inner {
            layers,
            source,
            shown: wanted.settings.clone(),
            announced: wanted.store.announced.clone(),
            distribution_list: wanted.alert.distribution_list.clone(),
            loggers,
        }))
    }

    /// Asks the Config server and applies what it says. Returns the keys that have changed.
    ///
    /// # Errors
    /// When it does not answer, or says something that cannot be used; everything stays as it is then.
    pub(crate) async fn now(&self) -> anyhow::Result<Vec<String>> {
        match &self.0.source {
            Source::Remote(configuration) => configuration.now(|said| self.apply(said)).await,
            Source::Own(own) => own.now(|said| self.apply(said)).await,
        }
    }

    /// Follows a Config server of ours, here or elsewhere, which tells of a change at once, until `stop`. Another one is
    /// asked by `POST /management/refresh` only.
    ///
    /// # Errors
    /// Never; the signature is that of a background loop.
    pub(crate) async fn follow(self, outside: Outside, stop: Stop) -> anyhow::Result<()> {
        match &self.0.source {
            Source::Remote(configuration) => {
                let apply = |said: &[RemoteSource]| self.apply(said).map(drop);
                configuration.follow(&outside, stop, apply).await;
            }
            Source::Own(own) => {
                let mut changes = own.changed();
                while let Some(Ok(())) = stop.run_until_cancelled(changes.changed()).await {
                    if let Err(cause) = self.now().await {
                        warn!("the configuration cannot be used and stays as it was: {cause:#}");
                    }
                }
                stop.cancelled().await;
            }
        }
        Ok(())
    }

    /// For [`chassis::management::Management::refresh`].
    pub(crate) fn endpoint(
        &self,
    ) -> impl Fn() -> futures_util::future::BoxFuture<'static, anyhow::Result<Vec<String>>>
    + Send
    + Sync
    + 'static {
        let refresh = self.clone();
        move || {
            let refresh = refresh.clone();
            async move { refresh.now().await }.boxed()
        }
    }

    fn apply(&self, sources: &[RemoteSource]) -> anyhow::Result<Vec<String>> {
        let settings = self.0.layers.settings(sources)?;
        let wanted = Wanted::read(&settings)?;
        let changed = settings.changed_since(&self.0.shown.get());
        if changed.is_empty() {
            return Ok(changed);
        }
        let levels = settings.parse(LEVELS, "levels of log lines")?;
        if let (Some(loggers), true) = (&self.0.loggers, changed.iter().any(|key| key == LEVELS)) {
            loggers.replace(levels).context("apply the levels of log lines")?;
        }
        self.0.announced.set(wanted.store.announced.get());
        self.0.distribution_list.set(wanted.alert.distribution_list.get());
        self.0.shown.set(settings);
        tell(&changed);
        Ok(changed)
    }
}

/// Names the keys; their values may be secrets.
fn tell(changed: &[String]) {
    let (applied, later): (Vec<&str>, Vec<&str>) =
        changed.iter().map(String::as_str).partition(|key| APPLIED.contains(key));
    if !applied.is_empty() {
        info!("the configuration has changed and is applied: {}", applied.join(", "));
    }
    if !later.is_empty() {
        warn!("the configuration has changed, from the next start on: {}", later.join(", "));
    }
}
