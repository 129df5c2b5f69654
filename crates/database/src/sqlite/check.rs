//! Looks whether a file can be used, before anything is written to it or beside it.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use super::file::{OpenError, VERSION, connect};

/// Files up to this size are read through, to find damage before anything is built on it.
const READ_THROUGH: u64 = 32 * 1024 * 1024;

/// Looks whether a file can be used, and changes neither it nor its log. A file that is not there can be made.
///
/// # Errors
/// When the file is not a database, is damaged, or was written by a newer version.
pub async fn check(path: &Path) -> Result<(), OpenError> {
    let Some(length) = look_at_header(path)? else { return Ok(()) };
    let damaged = |reason: String| OpenError::Damaged { path: path.to_owned(), reason };
    // SQLite makes a log beside a file that it only reads, too, unless it is told that nobody writes. Nobody does where
    // there is no log; where there is one, it has to be read.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(!log(path).exists())
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging();
    let mut connection = connect(path, options).await?;
    let version: i64 = sqlx::query_scalar("pragma user_version")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| damaged(error.to_string()))?;
    if version > VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found: version, known: VERSION });
    }
    if length <= READ_THROUGH {
        let verdict: String = sqlx::query_scalar("pragma quick_check(1)")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| damaged(error.to_string()))?;
        if verdict != "ok" {
            return Err(damaged(verdict));
        }
    }
    connection.close().await.map_err(|error| OpenError::unavailable(path, error))
}

/// The length of a file that begins as a database does; nothing when there is nothing in it.
fn look_at_header(path: &Path) -> Result<Option<u64>, OpenError> {
    let damaged =
        |reason: &str| OpenError::Damaged { path: path.to_owned(), reason: reason.to_owned() };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::unavailable(path, error)),
    };
    let length = file.metadata().map_err(|error| OpenError::unavailable(path, error))?.len();
    if length == 0 {
        return empty(path);
    }
    let mut header = [0; 16];
    file.read_exact(&mut header).map_err(|_| damaged("it is shorter than a database's header"))?;
    if &header != b"SQLite format 3\0" {
        return Err(damaged("it is not a SQLite database"));
    }
    Ok(Some(length))
}

/// A file without content is a new one; beside a log that has some, it has lost it.
fn empty(path: &Path) -> Result<Option<u64>, OpenError> {
    let logged = fs::metadata(log(path)).is_ok_and(|log| log.len() > 0);
    match logged {
        false => Ok(None),
        true => Err(OpenError::Damaged {
            path: path.to_owned(),
            reason: "it is empty, and its log is not".to_owned(),
        }),
    }
}

/// The write-ahead log of a database.
fn log(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
