//! What the callers of a run have asked for, when, and what they were told.

use std::{fmt, time::Duration};

/// How the names begin that the mail server refuses for good.
const REFUSED: &str = "-refused";

/// What a caller wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Replace,
    Patch,
    Delete,
    /// A record that nobody can read, sent to the topic.
    Poison,
}

/// What a caller knows of what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done.
    Acknowledged,
    /// It was not done.
    Refused,
    /// It may have been done, or may be done later.
    Unknown,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The store, numbered by us.
    pub(crate) store: usize,
    pub(crate) kind: Kind,
    /// What the store is called by it; no other change has the name. Empty for a deletion.
    pub(crate) name: String,
    /// The status that it sets.
    pub(crate) status: &'static str,
    /// When it was sent, since the beginning.
    pub(crate) begin: Duration,
    /// When its answer was here.
    pub(crate) end: Duration,
    pub(crate) outcome: Outcome,
}

/// All requests of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) changes: Vec<Change>,
    /// Which of them are announced.
    pub(crate) announced: Vec<Kind>,
    /// Who gets a mail of each announcement.
    pub(crate) recipients: Vec<String>,
}

impl Change {
    /// Whether it was certainly over when the other one began.
    pub(crate) fn precedes(&self, other: &Change) -> bool {
        self.outcome == Outcome::Acknowledged && self.end < other.begin
    }

    /// Whether it may have been done.
    pub(crate) fn possible(&self) -> bool {
        self.outcome != Outcome::Refused
    }

    /// Where the store is that it is for: the only change that sets an address is one of all members.
    pub(crate) fn address(&self) -> Option<String> {
        matches!(self.kind, Kind::Create | Kind::Replace).then(|| address(&self.name))
    }
}

impl History {
    pub(crate) fn is_announced(&self, change: &Change) -> bool {
        self.announced.contains(&change.kind)
    }

    /// The numbers of all stores, each once.
    pub(crate) fn stores(&self) -> Vec<usize> {
        let mut stores: Vec<usize> = self
            .changes
            .iter()
            .filter(|change| change.kind != Kind::Poison)
            .map(|change| change.store)
            .collect();
        stores.sort_unstable();
        stores.dedup();
        stores
    }
}

/// The name that the `number`th change of a store gives it.
pub(crate) fn name(seed: u64, store: usize, number: usize) -> String {
    format!("s{store}-v{number}-{seed}")
}

/// The same for a change whose mails are refused for good.
pub(crate) fn refused_name(seed: u64, store: usize, number: usize) -> String {
    name(seed, store, number) + REFUSED
}

/// Whether the mail server refuses mails about a store of this name.
pub(crate) fn is_refused(name: &str) -> bool {
    name.ends_with(REFUSED)
}

/// The store that a name belongs to.
pub(crate) fn store_of(name: &str) -> Option<usize> {
    name.strip_prefix('s')?.split_once("-v")?.0.parse().ok()
}

/// The address of a store of this name.
pub(crate) fn address(name: &str) -> String {
    format!("the address of {name}")
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { store, kind, name, status, begin, end, outcome } = self;
        let (begin, end) = (begin.as_secs_f64(), end.as_secs_f64());
        write!(out, "{begin:8.4} {end:8.4} store {store} {kind:?} {name:?} {status} {outcome:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_store() {
        assert_eq!(store_of(&name(9, 1203, 7)), Some(1203));
        assert_eq!(store_of(&refused_name(9, 3, 7)), Some(3));
        assert_eq!(store_of("poison-3"), None);
        assert!(is_refused(&refused_name(9, 3, 7)) && !is_refused(&name(9, 3, 7)));
    }
}
