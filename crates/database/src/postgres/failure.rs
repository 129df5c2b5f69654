//! What an error of the server means for whoever asked. The codes are PostgreSQL's (its appendix A).

use crate::CommitError;

/// What became of a step of a commit.
#[derive(Debug)]
pub(super) enum Failed {
    /// Nothing of it was done, and it may well work at once: somebody was in the way, or the connection was gone.
    Again(sqlx::Error),
    /// To be told.
    Told(CommitError),
}

/// Whether the connection is of no more use, or never was.
pub(super) fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        // Shut down, crashed, starting; and everything about connections.
        _ => code(error).is_some_and(|code| code.starts_with("57P0") || code.starts_with("08")),
    }
}

/// Whether time may mend it: a server that is away, starting, full or interrupted, or somebody in the way.
pub(super) fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(_) => code(error).is_some_and(|code| {
            ["08", "28", "3D", "40", "53", "55", "57", "58"].contains(&&code[..2.min(code.len())])
        }),
        sqlx::Error::Configuration(_) => false,
        _ => true,
    }
}

/// Whether another transaction was in the way, and the server has undone ours.
pub(super) fn is_undone(error: &sqlx::Error) -> bool {
    // Serialization failures and deadlocks. 40003 says that it is not known whether a statement was done.
    code(error).is_some_and(|code| code.starts_with("40") && code != "40003")
}

/// The server's code, when it is the server that complains.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    let sqlx::Error::Database(error) = error else { return None };
    error.code().map(|code| code.into_owned())
}

impl From<sqlx::Error> for Failed {
    /// For a statement inside a transaction that is not committed yet.
    fn from(error: sqlx::Error) -> Self {
        match is_undone(&error) || is_broken(&error) {
            true => Failed::Again(error),
            false => Failed::Told(told(error)),
        }
    }
}

impl From<CommitError> for Failed {
    fn from(error: CommitError) -> Self {
        Failed::Told(error)
    }
}

/// What a caller learns of an error.
pub(super) fn told(error: sqlx::Error) -> CommitError {
    let message = match &error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        _ => return CommitError::Unavailable(error.into()),
    };
    match code(&error).as_deref() {
        // Unique and exclusion constraints: another row is there already.
        Some("23505" | "23P01") => CommitError::Conflict,
        // Values that a type or a constraint does not take, and rows that are too long for an index.
        Some(code) if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) => {
            CommitError::Refused(message)
        }
        _ => CommitError::Unavailable(error.into()),
    }
}
