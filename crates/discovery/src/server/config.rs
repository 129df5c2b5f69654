//! The configuration server: what folders and repositories say for an application and its profiles.
//!
//! The wire is Spring Cloud Config's (contract §7.2). Nothing is fetched in a request: repositories are kept up to date in
//! the background, and folders are looked at, so that a change counts at once.

mod backend;
mod cipher;
mod conditions;
mod encryption;
mod error;
mod expand;
mod flat;
#[doc(hidden)]
pub mod fuzz;
mod gather;
mod hold;
mod json;
mod properties;
mod provenance;
mod question;
mod refresh;
mod routes;
mod settings;
mod source;
mod written;

use std::{path::PathBuf, sync::Arc};

use axum::{Router, middleware};
use chassis::{Outside, Stop, config::RemoteSource};
use tokio::sync::watch;

pub use cipher::{CipherOptions, RsaAlgorithm};
pub use encryption::NotDone;
pub use error::ConfigServerError;
pub use provenance::{Change, Effective, Origin, Overridden, Versioned};
pub use refresh::BackendState;
pub use settings::{BackendSettings, ConfigServerSettings, RepositorySettings};

use backend::{Answer, Backend, Plain, folder::Folder, repository::Repository};
use cipher::Cipher;
use question::Question;
use source::Source;

/// Serves configuration. A clone is another handle to the same server.
#[derive(Clone, Debug)]
pub struct ConfigServer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The strongest first.
    backends: Vec<Backend>,
    /// What comes before what they say.
    overrides: Option<Source>,
    cipher: Option<Cipher>,
    decrypts: bool,
    /// Counts the changes of what is served.
    changes: watch::Sender<u64>,
    /// Nobody waits any longer.
    stopped: Stop,
}

impl ConfigServer {
    /// A server over this folder, which need not exist, without a key.
    pub fn new(folder: PathBuf) -> Self {
        let settings = ConfigServerSettings::folder(&folder);
        ConfigServer::over(&settings, None, &Outside::system())
    }

    /// A server with these settings. It reads nothing yet; [`Self::open`] and [`Self::refresh`] do.
    ///
    /// # Errors
    /// When the key cannot be used; the key is not in the text.
    pub fn with(settings: ConfigServerSettings, outside: Outside) -> anyhow::Result<Self> {
        let cipher = settings.key.as_ref().map(|key| Cipher::new(key, &settings.cipher));
        Ok(ConfigServer::over(&settings, cipher.transpose()?, &outside))
    }

    fn over(settings: &ConfigServerSettings, cipher: Option<Cipher>, outside: &Outside) -> Self {
        let backend = |backend: &BackendSettings| match backend {
            BackendSettings::Folders { locations, default_label } => Backend::Folder(Arc::new(
                Folder::new(locations.clone(), default_label.clone(), outside.clone()),
            )),
            BackendSettings::Repository(repository) => {
                Backend::Repository(Arc::new(Repository::new(repository.clone(), &settings.clones)))
            }
        };
        let backends = settings.backends.iter().map(backend).collect();
        let (decrypts, changes) = (settings.decrypts, watch::Sender::new(0));
        let (overrides, stopped) = (Source::overrides(&settings.overrides), Stop::new());
        let inner = Inner { backends, overrides, cipher, decrypts, changes, stopped };
        ConfigServer { inner: Arc::new(inner) }
    }

    /// Config's interface, to be nested below `/config` and guarded: configuration holds secrets.
    pub fn routes(&self) -> Router {
        routes::all(self.clone()).layer(middleware::from_fn_with_state(self.clone(), hold::hold))
    }

    /// Fetches what is to be there before the start. A repository that was fetched before is served as it was then.
    ///
    /// # Errors
    /// When a repository with `clone_on_start` cannot be fetched and never was.
    pub async fn open(&self) -> anyhow::Result<()> {
        refresh::open(&self.inner.backends).await
    }

    /// Fetches every repository, for who asks before [`Self::refresh`] runs.
    ///
    /// # Errors
    /// When a repository cannot be fetched and never was.
    pub async fn fetch(&self) -> anyhow::Result<()> {
        refresh::all(&self.inner.backends).await
    }

    /// Keeps what is served up to date until `stop`: fetches repositories, and looks for changes of folders.
    ///
    /// # Errors
    /// Never; the signature is that of a background loop.
    pub async fn refresh(self, stop: Stop) -> anyhow::Result<()> {
        refresh::run(&self.inner.backends, &self.inner.changes, &stop).await;
        self.inner.stopped.cancel();
        Ok(())
    }

    /// A number that moves when what is served changes, while [`Self::refresh`] runs.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Where configuration comes from, and whether that can be reached, for people and for health.
    pub fn state(&self) -> Vec<BackendState> {
        self.inner.backends.iter().map(BackendState::of).collect()
    }

    /// What a client is told for an application and profiles (both with commas between several), the most important
    /// source first. Encrypted values are decrypted.
    ///
    /// # Errors
    /// As the interface itself: names that are none, an unknown label, a file that cannot be read.
    pub async fn sources(
        &self,
        application: &str,
        profiles: &str,
        label: Option<&str>,
    ) -> Result<Vec<RemoteSource>, ConfigServerError> {
        let answer = self.answer(&Question::new(application, profiles, label)?).await?;
        let told = |source: Source| RemoteSource {
            properties: source
                .properties
                .iter()
                .map(|property| (property.key.clone(), property.value.to_string()))
                .collect(),
            name: source.name,
        };
        Ok(answer.sources.into_iter().map(told).collect())
    }

    /// The key, when there is one.
    fn cipher(&self) -> Option<&Cipher> {
        self.inner.cipher.as_ref()
    }

    /// Everything that counts for a question, of all back ends in their order.
    async fn answer(&self, question: &Question) -> Result<Answer, ConfigServerError> {
        let mut all = Answer::default();
        let single = self.inner.backends.len() == 1;
        for backend in &self.inner.backends {
            let answer = backend.sources(question).await?;
            all.sources.extend(answer.sources);
            // The version of several would be nobody's; the original, too, leaves it out.
            all.version = answer.version.filter(|_| single);
        }
        if self.inner.decrypts {
            let decrypted = |source| cipher::decrypted(source, self.cipher());
            all.sources = all.sources.into_iter().map(decrypted).collect();
        }
        all.sources.splice(0..0, self.inner.overrides.clone());
        Ok(all)
    }

    /// The first back end's file that has one of these names.
    async fn plain(
        &self,
        question: &Question,
        names: &[String],
    ) -> Result<Option<Plain>, ConfigServerError> {
        for backend in &self.inner.backends {
            if let Some(plain) = backend.plain(question, names).await? {
                return Ok(Some(plain));
            }
        }
        Ok(None)
    }
}
