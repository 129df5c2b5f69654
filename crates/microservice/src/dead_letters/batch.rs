//! Replays many dead letters at once, within bounds of number and time.

use std::time::Duration;

use chassis::Problem;
use database::{CommitError, DatabaseRef};
use jiff::Timestamp;
use messaging::dead_letters::{self, Decided, Query};
use tokio::time::Instant;

use super::{STEP, away};

/// How many letters are replayed at most before the caller is answered.
const MOST: u64 = 1000;
/// For how long; less than a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// How many letters are on their way again.
    pub(super) replayed: u64,
    /// How many of those that were asked for are dead letters still, or again.
    pub(super) left: u64,
}

/// Replays the oldest of the letters that a query selects, in the order in which their messages were made.
pub(super) async fn replay(
    database: &DatabaseRef,
    query: Query,
    who: &str,
) -> Result<Outcome, Problem> {
    let end = Instant::now() + PATIENCE;
    let mut replayed = 0;
    // Which ones is settled before the first is replayed: one that dies again at once does not come again.
    for id in oldest(database, &query, end).await.map_err(away)? {
        if Instant::now() >= end {
            break;
        }
        match dead_letters::replay(database, &id, who).await {
            Ok(Decided::Done) => replayed += 1,
            // Somebody else has decided, or it cannot be sent as it is: the others do not suffer from that.
            Ok(Decided::Gone) | Err(CommitError::Conflict | CommitError::AlreadyHandled) => {}
            Err(CommitError::Refused(_)) => {}
            Err(CommitError::Unavailable(cause)) => {
                let done = format!("The database does not answer; {replayed} were replayed before");
                return Err(Problem::unavailable(done, cause));
            }
        }
    }
    let left = count(database, &query).await.map_err(away)?;
    Ok(Outcome { replayed, left })
}

/// The ids of the oldest letters.
async fn oldest(
    database: &DatabaseRef,
    query: &Query,
    end: Instant,
) -> anyhow::Result<Vec<String>> {
    let total = count(database, query).await?;
    let mut offset = total.saturating_sub(MOST);
    let mut found: Vec<(Timestamp, String)> = Vec::new();
    while offset < total && Instant::now() < end {
        let (letters, _) =
            dead_letters::list(database, &Query { offset, limit: STEP, ..query.clone() }).await?;
        offset += u64::from(STEP);
        found.extend(letters.into_iter().map(|letter| (letter.created, letter.id)));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

async fn count(database: &DatabaseRef, query: &Query) -> anyhow::Result<u64> {
    let nothing = Query { offset: 0, limit: 0, ..query.clone() };
    Ok(dead_letters::list(database, &nothing).await?.1)
}
