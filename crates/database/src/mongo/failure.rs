//! What an error of the driver means for whoever asked. The codes are MongoDB's.

use anyhow::anyhow;
use mongodb::error::{Error, ErrorKind, TRANSIENT_TRANSACTION_ERROR, WriteFailure};

use crate::CommitError;

/// What became of a part of a commit.
#[derive(Debug)]
pub(super) enum Failed {
    /// To be told.
    Told(CommitError),
    /// Nothing was done, and it may well work at once: somebody was in the way.
    Again(anyhow::Error),
}

impl Failed {
    /// What it means that a document of the inbox was there.
    pub(super) fn of_inbox(self) -> Self {
        match self {
            Failed::Told(CommitError::Conflict) => CommitError::AlreadyHandled.into(),
            failed => failed,
        }
    }
}

impl From<CommitError> for Failed {
    fn from(error: CommitError) -> Self {
        Failed::Told(error)
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Failed::Told(CommitError::Unavailable(error))
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        if error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
            return Failed::Again(explained(&error));
        }
        Failed::Told(match refusal(&error) {
            Some(reason) => CommitError::Refused(reason),
            None => CommitError::Unavailable(explained(&error)),
        })
    }
}

impl From<Failed> for CommitError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Told(error) => error,
            Failed::Again(cause) => CommitError::Unavailable(cause),
        }
    }
}

/// Whether there is a document with this key already.
pub(super) fn is_duplicate(error: &Error) -> bool {
    code(error) == Some(11000)
}

/// The server's code.
pub(super) fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(error) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Some(error.code),
        ErrorKind::InsertMany(error) => {
            error.write_errors.iter().flatten().next().map(|error| error.code)
        }
        _ => None,
    }
}

/// What happened, for people. The driver's own text would print the server's answer byte by byte.
pub(super) fn explained(error: &Error) -> anyhow::Error {
    anyhow!("{}", error.kind)
}

/// Whether the server has looked at a write and does not make it, however often it is asked.
pub(super) fn is_refused_for_good(cause: &anyhow::Error) -> bool {
    // It stops, is no longer the primary, or had no time: that passes.
    const PASSING: [i32; 9] = [50, 91, 112, 189, 262, 10107, 11600, 11602, 13435];
    let Some(error) = cause.downcast_ref::<Error>() else { return false };
    let ErrorKind::Write(WriteFailure::WriteError(refused)) = &*error.kind else { return false };
    !PASSING.contains(&refused.code)
}

/// Why the values can never be kept, if that is so.
fn refusal(error: &Error) -> Option<String> {
    // The driver measures what is inserted, the server what is updated.
    if let ErrorKind::InvalidArgument { message, .. } = &*error.kind
        && message.starts_with("insert document must be within")
    {
        return Some("they are larger than a document of MongoDB may be".to_owned());
    }
    match code(error)? {
        10334 | 17419 | 17420 => {
            Some("they are larger than a document of MongoDB may be".to_owned())
        }
        121 => Some("the collection's validation does not allow them".to_owned()),
        _ => None,
    }
}
