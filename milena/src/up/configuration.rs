//! What the registry of `up` serves holds for the services of `up`, too: they are told at their start and afterwards, as
//! those of others.

use std::path::Path;

use anyhow::Context;
use chassis::{
    Outside,
    config::{RemoteSource, Settings},
};
use discovery::server::{ConfigServer, config::ConfigServerSettings};
use tokio::sync::{Mutex, watch};
use tracing::info;

/// Who is asked for beside all together. One process has one configuration: where two services are told different things,
/// the first of these counts.
const SERVICES: [&str; 4] = ["gateway", "store", "alert", registry::NAME];

/// Where the registry is, as it tells services elsewhere. Here it is in the same process, which knows better: the tutorial's
/// folder names a host that exists among its containers only.
const ITS_OWN: [&str; 2] = ["eureka.client.", "spring.cloud.config."];

/// The Config server of this process, as its services ask it.
pub(crate) struct Own {
    server: ConfigServer,
    profiles: String,
    /// One asks and applies at a time.
    turn: Mutex<()>,
}

impl Own {
    pub(crate) fn new(server: ConfigServer, settings: &Settings) -> Self {
        let profiles = match settings.text("spring.profiles.active") {
            "" => "default",
            profiles => profiles,
        };
        Own { server, profiles: profiles.to_owned(), turn: Mutex::default() }
    }

    /// Moves when something else may hold.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.server.changed()
    }

    /// Asks, and applies what holds for the services, the most important source first.
    ///
    /// # Errors
    /// Names a file that cannot be used; and those of `apply`.
    pub(crate) async fn now<T>(
        &self,
        apply: impl FnOnce(&[RemoteSource]) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let _turn = self.turn.lock().await;
        apply(&self.told().await?)
    }

    async fn told(&self) -> anyhow::Result<Vec<RemoteSource>> {
        let Own { server, profiles, .. } = self;
        let for_all = server.sources("application", profiles, None).await?;
        let mut all = Vec::new();
        for service in SERVICES {
            let sources = server.sources(service, profiles, None).await?.into_iter();
            all.extend(sources.filter(|source| !for_all.contains(source)));
        }
        all.extend(for_all);
        for source in &mut all {
            source.properties.retain(|(key, _)| !ITS_OWN.iter().any(|own| key.starts_with(own)));
        }
        Ok(all)
    }
}

/// What holds for the services at their start, the most important source first.
///
/// # Errors
/// Names the file or key that cannot be used.
pub(super) async fn told(
    settings: &Settings,
    data_dir: &Path,
) -> anyhow::Result<Vec<RemoteSource>> {
    let folder = settings.text("milena.registry.config-dir");
    // The data folder is taken later, when nothing else is wrong; until it is ours, nothing is put into it.
    let elsewhere = tempfile::tempdir().context("make a folder for clones of repositories")?;
    let clones = match data_dir.join("config") {
        clones if clones.exists() => clones,
        _ => elsewhere.path().to_owned(),
    };
    let server = ConfigServerSettings::read(settings, Path::new(folder), &clones)?;
    let server = ConfigServer::with(server, Outside::system())?;
    server.fetch().await?;
    let all = Own::new(server, settings).told().await?;
    if !all.is_empty() {
        let names: Vec<&str> = all.iter().map(|source| source.name.as_str()).collect();
        info!("configured by {}", names.join(", "));
    }
    Ok(all)
}
