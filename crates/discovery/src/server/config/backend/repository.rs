//! A git repository. It is fetched in the background by the git program into a bare clone; questions are answered from the
//! files of a commit in memory. While it cannot be fetched, what was fetched last is served.

mod git;
mod snapshot;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use tokio::{
    sync::{Semaphore, SemaphorePermit, watch},
    time::timeout,
};
use tracing::{info, warn};

use super::{Answer, Plain, Tree};
use crate::server::config::{
    ConfigServerError,
    gather::{self, Location, Naming},
    question::Question,
    settings::RepositorySettings,
};
use git::Git;
pub(super) use snapshot::Snapshot;

/// How many commits are held in memory.
const SNAPSHOTS: usize = 8;
/// How many labels are looked for and found unknown between two fetches; further ones are not looked for.
const UNKNOWN: usize = 1024;
/// How long a question waits for the very first fetch.
const FIRST_FETCH: Duration = Duration::from_secs(20);
/// The branches of who names none, in this order.
const BRANCHES: [&str; 2] = ["main", "master"];

/// A repository and what is known of it.
#[derive(Debug)]
pub(crate) struct Repository {
    settings: RepositorySettings,
    git: Git,
    known: Mutex<Known>,
    /// Whether anything was fetched, now or by an earlier run; none until that is known.
    ready: watch::Sender<Option<bool>>,
    /// Questions let the git program run once at a time.
    loading: Semaphore,
}

#[derive(Debug, Default)]
struct Known {
    /// Commits by full names of branches and tags.
    labels: HashMap<String, String>,
    /// The one used last comes last.
    snapshots: Vec<Arc<Snapshot>>,
    /// What looks like a commit and is none.
    unknown: HashSet<String>,
    /// Why the last fetch failed.
    trouble: Option<String>,
}

impl Repository {
    pub(in super::super) fn new(settings: RepositorySettings, clones: &std::path::Path) -> Self {
        let folder =
            settings.folder.clone().unwrap_or_else(|| clones.join(name_of(&settings.address)));
        let git = Git::new(folder, &settings);
        Repository {
            settings,
            git,
            known: Mutex::default(),
            ready: watch::Sender::new(None),
            loading: Semaphore::new(1),
        }
    }

    pub(in super::super) fn settings(&self) -> &RepositorySettings {
        &self.settings
    }

    /// Fetches, and tells whether any label stands at another commit now. Trouble is told once, and so is its end.
    pub(in super::super) async fn fetch(&self) -> anyhow::Result<bool> {
        let address = &self.settings.address;
        if !self.is_ready()
            && let Ok(labels) = self.git.labels().await
            && !labels.is_empty()
        {
            self.take(labels);
        }
        let fetched = self.git.fetch().await;
        let outcome = match fetched {
            Ok(()) => self.git.labels().await,
            Err(error) => Err(error),
        };
        let mut known = self.known();
        match outcome {
            Ok(labels) => {
                if known.trouble.take().is_some() {
                    info!(config.repository = %address, "the repository {address} can be fetched again");
                }
                drop(known);
                Ok(self.take(labels))
            }
            Err(error) => {
                let reason = format!("{error:#}");
                if known.trouble.as_ref() != Some(&reason) {
                    let serving = if known.labels.is_empty() {
                        "nothing is served of it yet"
                    } else {
                        "what was fetched last is served"
                    };
                    warn!(config.repository = %address, "the repository {address} cannot be fetched, {serving}: {reason}");
                    known.trouble = Some(reason);
                }
                drop(known);
                self.ready.send_modify(|ready| {
                    ready.get_or_insert(false);
                });
                Err(error)
            }
        }
    }

    /// Why the last fetch failed, if it did.
    pub(in super::super) fn trouble(&self) -> Option<String> {
        self.known().trouble.clone()
    }

    pub(in super::super) fn is_ready(&self) -> bool {
        *self.ready.borrow() == Some(true)
    }

    fn take(&self, labels: HashMap<String, String>) -> bool {
        let mut known = self.known();
        let changed = known.labels != labels;
        known.labels = labels;
        known.unknown.clear();
        drop(known);
        self.ready.send_replace(Some(true));
        changed
    }

    pub(super) async fn sources(&self, question: &Question) -> Result<Answer, ConfigServerError> {
        let snapshot = self.snapshot(question).await?;
        let locations = self.locations(&snapshot, question);
        let sources = gather::sources(&Tree::Commit(&snapshot), &locations, question);
        let sources = sources.map_err(ConfigServerError::Broken)?;
        Ok(Answer { sources, version: Some(snapshot.commit().to_owned()) })
    }

    pub(super) async fn plain(
        &self,
        question: &Question,
        names: &[String],
    ) -> Result<Option<Plain>, ConfigServerError> {
        let snapshot = self.snapshot(question).await?;
        let locations = self.locations(&snapshot, question);
        let mut all = locations
            .iter()
            .flat_map(|location| names.iter().map(|name| snapshot::joined(&location.path, name)));
        Ok(all.find_map(|path| snapshot.plain(&path)))
    }

    /// The repository's own folder, then those of the search paths.
    fn locations(&self, snapshot: &Snapshot, question: &Question) -> Vec<Location> {
        let label = question.label.as_deref();
        let mut paths = vec![String::new()];
        for pattern in &self.settings.search_paths {
            for place in question.places(pattern, label) {
                for folder in snapshot.folders(&place) {
                    if !paths.contains(&folder) {
                        paths.push(folder);
                    }
                }
            }
        }
        let naming = Naming::Repository {
            address: self.settings.address.clone(),
            commit: snapshot.commit().to_owned(),
        };
        paths.into_iter().map(|path| Location { path, naming: naming.clone() }).collect()
    }

    async fn snapshot(&self, question: &Question) -> Result<Arc<Snapshot>, ConfigServerError> {
        let mut ready = self.ready.subscribe();
        // Only while the first fetch runs: once it has failed, waiting would keep the caller from knowing.
        let _ = timeout(FIRST_FETCH, ready.wait_for(Option::is_some)).await;
        if !self.is_ready() {
            let address = &self.settings.address;
            let why = self.trouble().map(|trouble| format!(": {trouble}")).unwrap_or_default();
            let reason = format!("The repository {address} has not been fetched yet{why}");
            return Err(ConfigServerError::Unavailable(reason));
        }
        let commit = self.commit(question.label.as_deref()).await?;
        if let Some(snapshot) = self.held(&commit) {
            return Ok(snapshot);
        }
        let _turn = self.turn().await?;
        if let Some(snapshot) = self.held(&commit) {
            return Ok(snapshot);
        }
        let snapshot =
            Arc::new(self.git.snapshot(&commit).await.map_err(ConfigServerError::Broken)?);
        let mut known = self.known();
        if known.snapshots.len() == SNAPSHOTS {
            known.snapshots.remove(0);
        }
        known.snapshots.push(snapshot.clone());
        Ok(snapshot)
    }

    fn held(&self, commit: &str) -> Option<Arc<Snapshot>> {
        let mut known = self.known();
        let place = known.snapshots.iter().position(|snapshot| snapshot.commit() == commit)?;
        let snapshot = known.snapshots.remove(place);
        known.snapshots.push(snapshot.clone());
        Some(snapshot)
    }

    /// The commit of a branch, a tag, or of its own name. Who asks for `main` gets `master` where there is no `main`.
    async fn commit(&self, label: Option<&str>) -> Result<String, ConfigServerError> {
        let asked = label.or(self.settings.default_label.as_deref());
        let unknown = || ConfigServerError::NoSuchLabel(asked.unwrap_or(BRANCHES[0]).to_owned());
        let names: &[&str] = match asked {
            None => &BRANCHES,
            Some("main")
                if self.settings.default_label.as_deref().is_none_or(|own| own == "main") =>
            {
                &BRANCHES
            }
            Some(label) => &[label],
        };
        {
            let known = self.known();
            let kinds = ["refs/heads/", "refs/tags/"];
            for name in names {
                let found =
                    kinds.iter().find_map(|kind| known.labels.get(&format!("{kind}{name}")));
                if let Some(commit) = found {
                    return Ok(commit.clone());
                }
            }
        }
        // Only what looks like a commit is looked for, and only once between two fetches: callers cannot make us work.
        let label = asked.filter(|label| is_commit(label)).ok_or_else(unknown)?;
        let refused = || {
            let known = self.known();
            known.unknown.contains(label) || known.unknown.len() >= UNKNOWN
        };
        if refused() {
            return Err(unknown());
        }
        let _turn = self.turn().await?;
        if refused() {
            return Err(unknown());
        }
        match self.git.commit(label).await.map_err(ConfigServerError::Broken)? {
            Some(commit) => Ok(commit),
            None => {
                self.known().unknown.insert(label.to_owned());
                Err(unknown())
            }
        }
    }

    /// Waits until nobody else asks the git program.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, ConfigServerError> {
        let turn = self.loading.acquire().await.context("wait for the git program");
        turn.map_err(ConfigServerError::Broken)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_commit(label: &str) -> bool {
    (7..=64).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A folder's name for an address: readable, and another one for each.
fn name_of(address: &str) -> PathBuf {
    let end = address.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let kept: String = end
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .take(40)
        .collect();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, address.as_bytes());
    let digest: String = digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    PathBuf::from(format!("{kept}-{digest}.git"))
}

#[cfg(test)]
mod tests;
