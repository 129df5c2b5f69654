//! A commit of several steps that waits, and who wants to know what becomes of it.

use std::collections::HashSet;

use tokio::{sync::oneshot, time::Instant};

use super::{task::Place, write};
use crate::{Changes, CommitError, Value};

/// How many bytes, and how many rows, a commit of a group may have: larger ones would have the others wait.
const BYTES: usize = 16 * 1024;
const ROWS: usize = 4;

/// A commit, and who wants to know.
pub(super) struct Job {
    pub(super) changes: Changes,
    answer: oneshot::Sender<Result<(), CommitError>>,
    pub(super) came: Instant,
    /// What it writes to.
    pub(super) rows: Vec<Place>,
    /// Whether it is made by itself.
    pub(super) is_alone: bool,
}

impl Job {
    pub(super) fn new(changes: Changes, answer: oneshot::Sender<Result<(), CommitError>>) -> Self {
        let rows: Vec<Place> = changes
            .writes
            .iter()
            .map(|write| {
                let (table, id) = write::row(write);
                Place::of(table, id)
            })
            .collect();
        let is_twice = rows.iter().collect::<HashSet<_>>().len() < rows.len();
        // What removes a row may have to wait until messages are moved out of it.
        let is_removing = changes.writes.iter().any(|write| write::left(write).is_none());
        let is_large = rows.len() > ROWS || bytes(&changes) > BYTES;
        let is_alone = is_twice || is_removing || is_large || !changes.handled.is_empty();
        Job { changes, answer, came: Instant::now(), rows, is_alone }
    }

    /// Whether nobody wants to know.
    pub(super) fn is_forgotten(&self) -> bool {
        self.answer.is_closed()
    }

    /// Tells what became of it. Who is gone does not want to know.
    pub(super) fn tell(self, made: Result<(), CommitError>) {
        let _ = self.answer.send(made);
    }
}

/// About how large the documents are.
fn bytes(changes: &Changes) -> usize {
    const EACH: usize = 100;
    let values = changes.writes.iter().filter_map(write::left).flatten();
    let texts = values.map(|value| if let Value::Text(text) = value { text.len() } else { 0 });
    let messages = changes.outgoing.iter().map(|message| {
        let headers = message.headers.iter().map(|header| header.value.len());
        message.payload.len() + headers.sum::<usize>()
    });
    let parts = changes.writes.len() + changes.outgoing.len();
    parts * EACH + texts.sum::<usize>() + messages.sum::<usize>()
}
