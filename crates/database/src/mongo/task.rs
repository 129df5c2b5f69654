//! Documents whose messages are to be moved, and what is known of them.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use mongodb::bson::{Bson, RawDocumentBuf, oid::ObjectId};
use tokio::time::Instant;

use super::{document, outbox::ENTRY};
use crate::{Id, Table};

/// How long after a commit its messages are thought to wait where they were put.
const FRESH: Duration = Duration::from_millis(100);

/// Where a document is, which messages may wait in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) collection: String,
    pub(super) id: Bson,
}

impl Place {
    /// The document of a row.
    pub(super) fn of(table: &Table, id: &Id) -> Self {
        Place { collection: table.name.to_string(), id: document::id(id) }
    }
}

/// A document whose messages are to be moved.
pub(super) struct Task {
    pub(super) place: Place,
    /// The messages, when none but these were in the document as they were put into it, and when that was: then they need
    /// not be read again.
    pub(super) known: Option<(Instant, Vec<RawDocumentBuf>)>,
}

impl From<Place> for Task {
    fn from(place: Place) -> Self {
        Task { place, known: None }
    }
}

/// Messages that were found by looking, and when: a task that is still fresh may hold them, too.
#[derive(Default)]
pub(super) struct Looked(VecDeque<(Instant, ObjectId)>);

impl Looked {
    pub(super) fn add(&mut self, messages: &[RawDocumentBuf]) {
        let now = Instant::now();
        while self.0.front().is_some_and(|(at, _)| now - *at > FRESH) {
            self.0.pop_front();
        }
        self.0.extend(entries(messages).map(|entry| (now, entry)));
    }

    fn has_any(&self, messages: &[RawDocumentBuf]) -> bool {
        let has = |entry| self.0.iter().any(|(_, looked)| *looked == entry);
        !self.0.is_empty() && entries(messages).any(has)
    }
}

/// The documents that have to be looked at: all, or those of whose messages we know nothing, or no longer.
pub(super) fn to_look<'a>(tasks: &'a [Task], all: bool, looked: &Looked) -> HashSet<&'a Place> {
    let is_known = |task: &&Task| match &task.known {
        Some((at, messages)) => !all && at.elapsed() < FRESH && !looked.has_any(messages),
        None => false,
    };
    tasks.iter().filter(|task| !is_known(task)).map(|task| &task.place).collect()
}

/// What tells messages apart.
pub(super) fn entries(messages: &[RawDocumentBuf]) -> impl Iterator<Item = ObjectId> {
    messages.iter().filter_map(|message| message.get_object_id(ENTRY).ok())
}
