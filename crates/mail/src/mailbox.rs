//! A folder of received mails, one `.eml` file each, whose names sort by arrival.
//! A mail that is in it stays in it, whenever the power fails.

mod letter;
mod name;

use std::{
    collections::HashSet,
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context;
use jiff::Timestamp;
use messaging::Clock;
use tokio::task::spawn_blocking;
use tracing::warn;

pub use letter::Letter;
pub(crate) use letter::subject_line;
use name::Name;

/// Ends the name of a file that is being written.
const UNFINISHED: &str = ".part";

/// Enough of a file for its headers.
const HEAD: u64 = 64 * 1024;

/// A larger file was not put there by the sink, and is read up to here.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// A folder of received mails. Clones are the same folder; one process may keep mails in it at a time.
#[derive(Clone)]
pub struct Mailbox(Arc<Folder>);

struct Folder {
    path: PathBuf,
    clock: Clock,
    next: AtomicU64,
    /// Files that cannot be read, each told of once.
    unreadable: Mutex<HashSet<String>>,
}

/// Where a mail came from and where it was to go, as the dialogue said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// The name the client gave itself.
    pub(crate) client: String,
    /// The client's address.
    pub(crate) peer: String,
    /// SMTP, ESMTP or UTF8SMTP.
    pub(crate) protocol: &'static str,
    /// The sender; empty for a notification.
    pub(crate) from: String,
    /// The recipients.
    pub(crate) to: Vec<String>,
}

impl Mailbox {
    /// Opens a folder, which is made when absent, and removes what an interrupted run left half-written.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub async fn open(folder: impl Into<PathBuf>, clock: Clock) -> anyhow::Result<Self> {
        let path = folder.into();
        let context = format!("open the mailbox {}", path.display());
        let folder = path.clone();
        let last = blocking(move || prepare(&folder)).await.context(context)?;
        let next = AtomicU64::new(last + 1);
        Ok(Mailbox(Arc::new(Folder { path, clock, next, unreadable: Mutex::default() })))
    }

    /// The newest mails, newest first, with their headers only: `text` and `raw` are empty. A file that cannot be read
    /// is left out, and told of in the log once.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn list(&self, limit: usize) -> anyhow::Result<Vec<Letter>> {
        let folder = self.0.clone();
        blocking(move || {
            let mut names = names(&folder.path)?;
            names.sort_unstable_by(|left, right| right.cmp(left));
            let letters = names.into_iter().filter_map(|name| {
                // A file that somebody removed in this moment is not in the list.
                let head = read(&folder.path.join(name.as_str()), HEAD);
                let head = head.unwrap_or_else(|error| folder.skip(&name, &error))?;
                Some(Letter::headers(&name, &head))
            });
            Ok(letters.take(limit).collect())
        })
        .await
        .context("list the mailbox")
    }

    /// One mail, if there is one of that name.
    ///
    /// # Errors
    /// When the mail is there and cannot be read.
    pub async fn read(&self, name: &str) -> anyhow::Result<Option<Letter>> {
        // Anything that is not a name of ours is not there; so no name leads out of the folder.
        let Some(name) = Name::parse(name) else { return Ok(None) };
        let path = self.0.path.join(name.as_str());
        let found = blocking(move || read(&path, MAX_FILE)).await.context("read a mail")?;
        Ok(found.map(|bytes| Letter::whole(&name, bytes)))
    }

    /// Keeps a mail, below lines that tell its envelope, and answers with its name. When it returns `Ok`, the mail is on disk.
    pub(crate) async fn keep(&self, envelope: &Envelope, content: &[u8]) -> anyhow::Result<String> {
        let received = (self.0.clock)();
        let name = Name::new(self.0.next.fetch_add(1, Ordering::Relaxed), received);
        let mut bytes = envelope.lines(received).into_bytes();
        bytes.extend_from_slice(content);
        let (folder, file) = (self.0.path.clone(), name.as_str().to_owned());
        blocking(move || write(&folder, &file, &bytes)).await.context("keep a mail")?;
        Ok(name.into_string())
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Mailbox").field(&self.0.path).finish()
    }
}

impl Folder {
    fn skip(&self, name: &Name, error: &io::Error) -> Option<Vec<u8>> {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if unreadable.insert(name.as_str().to_owned()) {
            let file = self.path.join(name.as_str());
            warn!("the mail {} cannot be read and is not listed: {error}", file.display());
        }
        None
    }
}

impl Envelope {
    /// Headers for the top of the file: the trace line of RFC 5321 §4.4 and the envelope.
    fn lines(&self, received: Timestamp) -> String {
        let date = received.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let mut lines = format!(
            "Received: from {} ([{}])\r\n\tby localhost with {};\r\n\t{date}\r\nX-Envelope-From: <{}>\r\n",
            self.client, self.peer, self.protocol, self.from
        );
        for recipient in &self.to {
            lines.push_str(&format!("X-Envelope-To: <{recipient}>\r\n"));
        }
        lines
    }
}

/// Makes the folder, removes unfinished files, and answers with the highest number in use.
fn prepare(path: &Path) -> io::Result<u64> {
    fs::create_dir_all(path)?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent)?.sync_all()?;
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let unfinished = entry
            .file_name()
            .to_str()
            .and_then(|name| name.strip_suffix(UNFINISHED))
            .map(Name::parse);
        if let Some(Some(_)) = unfinished {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(names(path)?.iter().map(Name::number).max().unwrap_or(0))
}

fn names(path: &Path) -> io::Result<Vec<Name>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.extend(entry?.file_name().to_str().and_then(Name::parse));
    }
    Ok(names)
}

/// Reads a file's beginning; nothing when it is not there.
fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes a file so that it is whole on disk or not there.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}{UNFINISHED}"));
    let written = File::create_new(&unfinished)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_data()
        })
        .and_then(|()| fs::rename(&unfinished, folder.join(name)))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        // The reason is already known; a file that stays is removed at the next start.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// Runs file work where it may block, to its end even if nobody waits for it any more.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    Ok(spawn_blocking(work).await.context("the file work was cut off")??)
}
