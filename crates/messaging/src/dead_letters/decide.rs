//! What a person decides about a dead letter. Each decision is one commit, and is logged with the person's name.

use database::{Changes, CommitError, DatabaseRef, Row, Write};
use tracing::info;

use super::{DeadLetter, Note, TABLE, form, letter, look::row};

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// It is done.
    Done,
    /// There is no such dead letter, or not any more: somebody has decided before.
    Gone,
}

/// What is changed of a dead letter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Correction {
    /// The new content.
    pub payload: Option<Vec<u8>>,
    /// The new key.
    pub key: Option<Vec<u8>>,
}

/// Sends a dead letter on its way again, in `who`'s name: to its destination, or to the handler of its group. It leaves
/// the dead letters and waits in its channel, at once or not at all, so that it is replayed once however often this is
/// asked for. If it fails for good again, it is a dead letter again, under the same id.
///
/// # Errors
/// `Conflict` when somebody else decides at the same time, `Unavailable` when the database does not do it.
pub async fn replay(database: &DatabaseRef, id: &str, who: &str) -> Result<Decided, CommitError> {
    decide(database, id, (who, "replays"), |row, letter| {
        Ok(Changes::new().write(delete(row)).send(Note::message(&letter)?))
    })
    .await
}

/// Changes what a dead letter holds, in `who`'s name. It stays a dead letter.
///
/// # Errors
/// `Conflict` when somebody else decides at the same time, `Unavailable` when the database does not do it.
pub async fn correct(
    database: &DatabaseRef,
    id: &str,
    correction: Correction,
    who: &str,
) -> Result<Decided, CommitError> {
    decide(database, id, (who, "edits"), |row, mut letter| {
        letter.payload = correction.payload.or(letter.payload);
        letter.key = correction.key.or(letter.key);
        let (id, version) = (row.id.clone(), row.version);
        let values = form::values(&letter)?;
        Ok(Changes::new().write(Write::Replace { table: TABLE, id, version, values }))
    })
    .await
}

/// Removes a dead letter for ever, in `who`'s name.
///
/// # Errors
/// `Conflict` when somebody else decides at the same time, `Unavailable` when the database does not do it.
pub async fn discard(database: &DatabaseRef, id: &str, who: &str) -> Result<Decided, CommitError> {
    decide(database, id, (who, "discards"), |row, _| Ok(Changes::new().write(delete(row)))).await
}

async fn decide(
    database: &DatabaseRef,
    id: &str,
    (who, what): (&str, &str),
    decision: impl FnOnce(&Row, DeadLetter) -> anyhow::Result<Changes>,
) -> Result<Decided, CommitError> {
    let Some(row) = row(database, id).await.map_err(CommitError::Unavailable)? else {
        return Ok(Decided::Gone);
    };
    let letter = letter(&row).map_err(CommitError::Unavailable)?;
    let (message, reason) = (letter.message.clone(), letter.reason.clone());
    let changes = decision(&row, letter).map_err(CommitError::Unavailable)?;
    database.commit(changes).await?;
    info!(message.id = %message, "{who} {what} dead letter {id}: {reason}");
    Ok(Decided::Done)
}

fn delete(row: &Row) -> Write {
    Write::Delete { table: TABLE, id: row.id.clone(), version: Some(row.version) }
}
