//! Every store is as a last change has left it: one that no acknowledged change came after.

use std::collections::HashMap;

use super::{Promise, Violation};
use crate::faults::{
    found::{Document, Found},
    history::{Change, History, Kind, Outcome, store_of},
};

pub(super) fn check(history: &History, found: &Found) -> Vec<Violation> {
    let mut documents: HashMap<usize, Vec<&Document>> = HashMap::new();
    let mut violations = Vec::new();
    for document in &found.stores {
        match store_of(&document.name) {
            Some(store) => documents.entry(store).or_default().push(document),
            None => violations.push(broken(format!("nobody has made {document:?}"))),
        }
    }
    for store in history.stores() {
        let changes: Vec<&Change> =
            history.changes.iter().filter(|change| change.store == store).collect();
        let there = documents.remove(&store).unwrap_or_default();
        violations.extend(judge(store, &changes, &there));
    }
    violations.extend(
        documents.into_values().flatten().map(|one| broken(format!("nobody has made {one:?}"))),
    );
    violations
}

fn broken(text: String) -> Violation {
    Promise::LastState.broken(text)
}

fn judge(store: usize, changes: &[&Change], there: &[&Document]) -> Vec<Violation> {
    let outcome = |kind| {
        let change = changes.iter().find(|change| change.kind == kind);
        change.map_or(Outcome::Refused, |change| change.outcome)
    };
    let (created, deleted) = (outcome(Kind::Create), outcome(Kind::Delete));
    let least = created == Outcome::Acknowledged && deleted == Outcome::Refused;
    let most = created != Outcome::Refused && deleted != Outcome::Acknowledged;
    if !(usize::from(least)..=usize::from(most)).contains(&there.len()) {
        let text = format!(
            "store {store} is there {} times; making it: {created:?}, removing it: {deleted:?}",
            there.len()
        );
        return vec![broken(text)];
    }
    let Some(document) = there.first() else { return Vec::new() };
    let named = last(changes, |change| change.kind != Kind::Delete);
    let mut violations = Vec::new();
    if !named
        .iter()
        .any(|change| (&change.name, change.status) == (&document.name, &document.status))
    {
        violations
            .push(broken(format!("store {store} is {document:?}, not as in {}", all(&named))));
    }
    let moved = last(changes, |change| change.address().is_some());
    if !moved.iter().any(|change| change.address().as_ref() == Some(&document.address)) {
        let text = format!("store {store} is at {:?}, not as in {}", document.address, all(&moved));
        violations.push(broken(text));
    }
    violations
}

/// The changes of a kind that may have been the last one.
fn last<'a>(changes: &[&'a Change], of: impl Fn(&Change) -> bool) -> Vec<&'a Change> {
    let able: Vec<&Change> =
        changes.iter().copied().filter(|change| change.possible() && of(change)).collect();
    let overtaken = |change: &Change| {
        able.iter().any(|later| later.outcome == Outcome::Acknowledged && change.precedes(later))
    };
    able.iter().copied().filter(|change| !overtaken(change)).collect()
}

fn all(changes: &[&Change]) -> String {
    changes.iter().map(|change| format!("\n    {change}")).collect()
}
