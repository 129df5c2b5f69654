//! One row for each announcement: none lost, none doubled, none made up.

use std::collections::HashMap;

use super::{Promise, Violation};
use crate::faults::{
    found::Found,
    history::{Change, History, Kind, Outcome, store_of},
};

/// The status of rows about stores that were removed.
pub(super) const DELETED: &str = "DELETED";

pub(super) fn check(history: &History, found: &Found) -> Vec<Violation> {
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    let mut deleted: HashMap<usize, usize> = HashMap::new();
    for row in &found.rows {
        if row.status == DELETED {
            *deleted.entry(store_of(&row.name).unwrap_or(usize::MAX)).or_default() += 1;
        } else {
            *counts.entry((&row.name, &row.status)).or_default() += 1;
        }
    }
    let mut violations = Vec::new();
    for change in history.changes.iter().filter(|change| change.kind != Kind::Poison) {
        let count = match change.kind {
            Kind::Delete => deleted.remove(&change.store),
            _ => counts.remove(&(&*change.name, change.status)),
        };
        violations.extend(judge(change, history.is_announced(change), count.unwrap_or(0)));
    }
    let more = deleted.keys().map(|store| format!("store {store} was never removed"));
    let more = more.chain(counts.keys().map(|(name, status)| {
        format!("there is a row {name:?} {status}, which was never sent or has another status")
    }));
    violations.extend(more.map(|text| Promise::RowWanted.broken(text)));
    violations
}

fn judge(change: &Change, announced: bool, count: usize) -> Option<Violation> {
    let (promise, what) = match (announced, change.outcome, count) {
        (false, _, 0) | (true, Outcome::Refused, 0) => return None,
        (false, _, _) => (Promise::RowWanted, "is not announced and has"),
        (true, Outcome::Refused, _) => (Promise::RowWanted, "was refused and has"),
        (true, Outcome::Acknowledged, 1) | (true, Outcome::Unknown, 0 | 1) => return None,
        (true, Outcome::Acknowledged, 0) => (Promise::RowKept, "was acknowledged and has"),
        (true, _, _) => (Promise::RowOnce, "has"),
    };
    Some(promise.broken(format!("{change} {what} {count} rows")))
}
