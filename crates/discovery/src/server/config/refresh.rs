//! Keeps what is served up to date, and tells when it changed.

use std::time::Duration;

use anyhow::Context;
use chassis::Stop;
use futures_util::future::join_all;
use serde::Serialize;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tracing::info;

use super::backend::{Backend, folder::Folder, repository::Repository};

/// How often folders are looked at for changes.
const LOOK: Duration = Duration::from_millis(250);

/// Where configuration comes from, and whether that can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackendState {
    /// `native` or `git`, Spring's words.
    pub kind: &'static str,
    /// Folders, or the address of the repository without its user.
    pub places: Vec<String>,
    /// Whether anything can be served of it.
    pub ready: bool,
    /// Why the last fetch failed; what was fetched before is served then.
    pub trouble: Option<String>,
}

impl BackendState {
    pub(super) fn of(backend: &Backend) -> Self {
        match backend {
            Backend::Folder(folder) => BackendState {
                kind: "native",
                places: folder.places().to_vec(),
                ready: true,
                trouble: None,
            },
            Backend::Repository(repository) => BackendState {
                kind: "git",
                places: vec![repository.settings().address.clone()],
                ready: repository.is_ready(),
                trouble: repository.trouble(),
            },
        }
    }
}

/// Fetches the repositories that are to be there before the start.
pub(super) async fn open(backends: &[Backend]) -> anyhow::Result<()> {
    for repository in repositories(backends) {
        if repository.settings().clone_on_start {
            fetch_once(repository).await?;
        }
    }
    Ok(())
}

/// Fetches every repository.
pub(super) async fn all(backends: &[Backend]) -> anyhow::Result<()> {
    for repository in repositories(backends) {
        fetch_once(repository).await?;
    }
    Ok(())
}

fn repositories(backends: &[Backend]) -> impl Iterator<Item = &Repository> {
    backends.iter().filter_map(|backend| match backend {
        Backend::Repository(repository) => Some(repository.as_ref()),
        Backend::Folder(_) => None,
    })
}

/// What was fetched before is good enough where nothing can be fetched now.
async fn fetch_once(repository: &Repository) -> anyhow::Result<()> {
    let fetched = repository.fetch().await;
    if repository.is_ready() {
        return Ok(());
    }
    let address = &repository.settings().address;
    fetched.with_context(|| format!("fetch the configuration of {address}"))?;
    Ok(())
}

pub(super) async fn run(backends: &[Backend], changes: &watch::Sender<u64>, stop: &Stop) {
    let loops = backends.iter().map(async |backend| match backend {
        Backend::Folder(folder) => look(folder, changes, stop).await,
        Backend::Repository(repository) => fetch(repository, changes, stop).await,
    });
    join_all(loops).await;
}

async fn look(folder: &std::sync::Arc<Folder>, changes: &watch::Sender<u64>, stop: &Stop) {
    let mut known = None;
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        // A folder that cannot be looked at is told of by the questions for it.
        let Ok(state) = folder.state().await else { continue };
        if known.replace(state).is_some_and(|known| known != state) {
            info!("the configuration in {} changed", folder.places().join(", "));
            changes.send_modify(|count| *count += 1);
        }
    }
}

async fn fetch(repository: &Repository, changes: &watch::Sender<u64>, stop: &Stop) {
    let settings = repository.settings();
    let mut ticks = interval(Duration::from_secs(settings.refresh_seconds.max(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let was_ready = repository.is_ready();
        let fetched = tokio::select! {
            () = stop.cancelled() => return,
            fetched = repository.fetch() => fetched,
        };
        // What went wrong has been told where it was noticed.
        if matches!(fetched, Ok(true)) && was_ready {
            info!(config.repository = %settings.address, "the configuration of {} changed", settings.address);
            changes.send_modify(|count| *count += 1);
        }
    }
}
