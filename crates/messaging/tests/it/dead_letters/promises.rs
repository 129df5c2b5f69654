//! What cannot be processed is kept as it was until a person decides, and what is decided happens once: promises that hold
//! on every database. Each is an ordinary function that is given a new one.

#[path = "promises/decisions.rs"]
mod decisions;
#[path = "promises/group.rs"]
mod group;
#[path = "promises/messages.rs"]
mod messages;
#[path = "promises/records.rs"]
mod records;

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use database::{Column, CommitError, Database, DatabaseRef, IdKind, Kind, Table};
use messaging::{
    Clock,
    dead_letters::{self, DeadLetter, Decided, Query},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a handler writes.
const NOTE: Table = Table {
    name: Cow::Borrowed("note"),
    id: IdKind::ObjectId,
    key: Cow::Borrowed("id"),
    class: None,
    columns: Cow::Borrowed(&[Column {
        name: Cow::Borrowed("text"),
        kind: Kind::Text,
        required: true,
    }]),
};

/// The tables that a database needs.
pub(crate) const TABLES: [Table; 2] = [NOTE, dead_letters::TABLE];

/// Checks all promises. `open` opens a database that is new.
pub(crate) async fn all<D: Database + 'static>(mut open: impl AsyncFnMut() -> Arc<D>) {
    all_but_conflicts(&mut open).await;
    decisions::of_two_who_edit_at_once_one_is_told_of_the_conflict(open().await).await;
}

/// Checks those that hold, too, where nobody can come between a read and a write, as in memory.
pub(crate) async fn all_but_conflicts<D: Database + 'static>(
    mut open: impl AsyncFnMut() -> Arc<D>,
) {
    let mut open = async || open().await as DatabaseRef;
    records::all(&mut open).await;
    messages::all(&mut open).await;
    decisions::a_letter_is_replayed_or_discarded_and_not_both(open().await).await;
}

/// A clock that is a second later each time it is asked.
fn ticking() -> Clock {
    let seconds = AtomicI64::new(0);
    Arc::new(move || {
        let start: jiff::Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let seconds = seconds.fetch_add(1, Ordering::Relaxed);
        start + jiff::SignedDuration::from_secs(seconds)
    })
}

/// Asks again and again until there is an answer.
async fn answered<T>(what: &str, mut question: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = question().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await;
    answer.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// All dead letters, the latest first.
async fn letters(database: &DatabaseRef) -> Vec<DeadLetter> {
    let query = Query { limit: 100, ..Query::default() };
    dead_letters::list(database, &query).await.unwrap().0
}

/// Waits until a message is a dead letter after so many attempts.
async fn letter(database: &DatabaseRef, id: &str, attempts: u32) -> DeadLetter {
    answered(&format!("the dead letter of {id}"), async || {
        let mut letters = letters(database).await.into_iter();
        letters.find(|letter| letter.message == id && letter.attempts == attempts)
    })
    .await
}

/// The ids of the messages that wait in a channel.
async fn waiting(database: &DatabaseRef, channel: &str) -> Vec<String> {
    let waiting = database.unsent(channel, 0, 100).await.unwrap();
    waiting.into_iter().map(|(_, message)| message.id).collect()
}

fn is_done(outcome: &Result<Decided, CommitError>) -> bool {
    matches!(outcome, Ok(Decided::Done))
}

/// Whether somebody was told that another was faster.
fn is_refused(outcome: &Result<Decided, CommitError>) -> bool {
    matches!(outcome, Ok(Decided::Gone) | Err(CommitError::Conflict))
}
