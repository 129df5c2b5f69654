//! Folders on this machine. Files are looked at for each question, so a change counts at once; what they say is kept until
//! they change.

use std::{
    collections::HashMap,
    fs,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::{Context, anyhow};
use chassis::Outside;
use tokio::{task::spawn_blocking, time::timeout};

use super::{Answer, Plain, Tree};
use crate::server::config::{
    ConfigServerError,
    gather::{self, Location, Naming},
    question::{Question, label_as_path},
    source::{self, Document},
};

/// The largest file of properties, in bytes.
const FILE_LIMIT: u64 = 1024 * 1024;
/// The largest file that is served as it is, in bytes.
const PLAIN_LIMIT: u64 = 8 * 1024 * 1024;
/// How many files are remembered.
const KEPT: usize = 1024;
/// A file that changed so recently, in seconds, may change again without a new time.
const SETTLED: i64 = 2;
/// How long a disk may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Folders of configuration files. They need not exist.
#[derive(Debug)]
pub(crate) struct Folder {
    /// As they are configured: `file:./central-config`, or with `{application}`, `{profile}` and `{label}`.
    locations: Vec<String>,
    default_label: Option<String>,
    disk: Disk,
}

impl Folder {
    pub(in super::super) fn new(
        locations: Vec<String>,
        default_label: Option<String>,
        outside: Outside,
    ) -> Self {
        let roots = locations.iter().map(|location| root(location)).collect();
        Folder { locations, default_label, disk: Disk { roots, outside, kept: Mutex::default() } }
    }

    pub(in super::super) fn places(&self) -> &[String] {
        &self.locations
    }

    pub(super) async fn sources(
        self: &Arc<Self>,
        question: &Question,
    ) -> Result<Answer, ConfigServerError> {
        let (folder, question) = (self.clone(), question.clone());
        let gathered = blocking(move || {
            let locations = folder.locations(&question);
            gather::sources(&Tree::Disk(&folder.disk), &locations, &question)
        });
        let sources = gathered.await.map_err(ConfigServerError::Broken)?;
        Ok(Answer { sources, version: None })
    }

    pub(super) async fn plain(
        self: &Arc<Self>,
        question: &Question,
        names: &[String],
    ) -> Result<Option<Plain>, ConfigServerError> {
        let (folder, question, names) = (self.clone(), question.clone(), names.to_vec());
        let found = blocking(move || {
            for location in folder.locations(&question) {
                for name in &names {
                    if let Some(plain) = folder.disk.plain(&Path::new(&location.path).join(name))? {
                        return Ok(Some(plain));
                    }
                }
            }
            Ok(None)
        });
        found.await.map_err(ConfigServerError::Broken)
    }

    /// The folders for a question: as configured, then those named like the label inside of them.
    fn locations(&self, question: &Question) -> Vec<Location> {
        let label = question.label.as_deref().or(self.default_label.as_deref());
        let mut places: Vec<String> = Vec::new();
        for location in &self.locations {
            places.extend(question.places(location, label));
        }
        if let Some(label) = label.and_then(label_as_path) {
            let plain = self.locations.iter().filter(|location| !location.contains('{'));
            places.extend(
                plain.map(|location| format!("{}/{label}", location.trim_end_matches('/'))),
            );
        }
        let mut locations: Vec<Location> = Vec::new();
        for place in places {
            let location = located(&place);
            if !locations.contains(&location) {
                locations.push(location);
            }
        }
        locations
    }

    /// What changes when anything does that could be served: each file with its size and time.
    pub(in super::super) async fn state(self: &Arc<Self>) -> anyhow::Result<u64> {
        let folder = self.clone();
        blocking(move || Ok(super::watch::state(&folder.disk.roots))).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let done = timeout(PATIENCE, spawn_blocking(work)).await;
    done.context("read the configuration folder: the disk did not answer in 10 s")?
        .context("read the configuration folder")?
}

fn located(place: &str) -> Location {
    let via = format!("{}/", place.trim_end_matches('/'));
    let path = path_of(&via);
    let clean = clean(path);
    Location { path: path.to_owned(), naming: Naming::Folder { clean, via } }
}

fn path_of(location: &str) -> &str {
    let location = location.strip_prefix("optional:").unwrap_or(location);
    let path = location.strip_prefix("file:").unwrap_or(location);
    path.strip_prefix("//").unwrap_or(path)
}

/// The folder that nothing of a location may lead out of.
fn root(location: &str) -> PathBuf {
    let fixed = path_of(location).split('{').next().unwrap_or_default();
    let end = if path_of(location).contains('{') {
        fixed.rfind('/').map_or(0, |at| at + 1)
    } else {
        fixed.len()
    };
    match &fixed[..end] {
        "" => PathBuf::from("."),
        path => PathBuf::from(path),
    }
}

/// A path without `.` and, where possible, without `..`; it ends in a slash.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let begin = if path.starts_with('/') { "/" } else { "" };
    match parts.is_empty() {
        true => begin.to_owned(),
        false => format!("{begin}{}/", parts.join("/")),
    }
}

/// Reads files, but none that lies outside of the roots once links are followed.
#[derive(Debug)]
pub(crate) struct Disk {
    roots: Vec<PathBuf>,
    outside: Outside,
    kept: Mutex<HashMap<PathBuf, Kept>>,
}

#[derive(Debug)]
struct Kept {
    modified: SystemTime,
    length: u64,
    documents: Arc<Vec<Document>>,
}

impl Disk {
    pub(super) fn documents(&self, path: &Path) -> anyhow::Result<Option<Arc<Vec<Document>>>> {
        let name = path.display();
        let Some(found) = status(path)? else { return Ok(None) };
        let modified = found.modified()?;
        if let Some(kept) = self.kept().get(path)
            && (kept.modified, kept.length) == (modified, found.len())
        {
            return Ok(Some(kept.documents.clone()));
        }
        let bytes = self.read(path, FILE_LIMIT)?;
        let documents = source::parse(&path.to_string_lossy(), &bytes);
        let documents = Arc::new(documents.map_err(|error| anyhow!("{name}: {error}"))?);
        let age = self.outside.now().as_second() - jiff::Timestamp::try_from(modified)?.as_second();
        if age > SETTLED {
            let mut kept = self.kept();
            if kept.len() == KEPT {
                kept.clear();
            }
            let (length, documents) = (found.len(), documents.clone());
            kept.insert(path.to_owned(), Kept { modified, length, documents });
        }
        Ok(Some(documents))
    }

    fn plain(&self, path: &Path) -> anyhow::Result<Option<Plain>> {
        let Some(found) = status(path)? else { return Ok(None) };
        let modified = jiff::Timestamp::try_from(found.modified()?)?.as_second();
        let bytes = Arc::new(self.read(path, PLAIN_LIMIT)?);
        Ok(Some(Plain { bytes, modified }))
    }

    fn read(&self, path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
        let name = path.display();
        let real = fs::canonicalize(path)
            .with_context(|| format!("find the configuration file {name}"))?;
        let inside =
            |root: &PathBuf| fs::canonicalize(root).is_ok_and(|root| real.starts_with(root));
        if !self.roots.iter().any(inside) {
            return Err(anyhow!(
                "the configuration file {name} is a link out of its folder; put the file itself there"
            ));
        }
        let mut bytes = Vec::new();
        let file =
            fs::File::open(&real).with_context(|| format!("open the configuration file {name}"))?;
        file.take(limit + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("read the configuration file {name}"))?;
        match bytes.len() as u64 > limit {
            true => {
                Err(anyhow!("the configuration file {name} is larger than {limit} bytes; split it"))
            }
            false => Ok(bytes),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a path is, if it is a file.
fn status(path: &Path) -> anyhow::Result<Option<fs::Metadata>> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_file().then_some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => {
            Err(error).with_context(|| format!("look at the configuration file {}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests;
