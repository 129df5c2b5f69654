//! What was over before something else began comes before it, store by store.

use std::collections::HashMap;

use super::{Promise, Violation, rows::DELETED};
use crate::faults::{
    found::Found,
    history::{Change, History, Kind, store_of},
};

/// Where something stands among the rows or the mails.
type Places<'a> = HashMap<(&'a str, &'a str), usize>;

pub(super) fn check(history: &History, found: &Found) -> Vec<Violation> {
    let rows = places(found.rows.iter().map(|row| (&*row.name, &*row.status)));
    let mut violations = Vec::new();
    let mut compare = |promise: Promise, what: &str, places: &Places<'_>| {
        for store in history.stores() {
            violations.extend(
                reversed(history, store, places)
                    .map(|text| promise.broken(format!("{what} in the wrong order: {text}"))),
            );
        }
    };
    compare(Promise::RowOrder, "rows", &rows);
    for recipient in &history.recipients {
        let mails = found.mails.iter().filter(|mail| mail.recipient == *recipient);
        let mails = places(mails.map(|mail| (&*mail.name, &*mail.status)));
        compare(Promise::MailOrder, &format!("mails to {recipient}"), &mails);
    }
    violations
}

/// The first place of each.
fn places<'a>(all: impl Iterator<Item = (&'a str, &'a str)>) -> Places<'a> {
    let mut places = Places::new();
    for (place, (name, status)) in all.enumerate() {
        places.entry((name, status)).or_insert(place);
    }
    places
}

/// The first two changes of a store whose places are the wrong way round.
fn reversed(history: &History, store: usize, places: &Places<'_>) -> Option<String> {
    let of_store = history.changes.iter().filter(|change| change.store == store);
    let placed: Vec<(&Change, usize)> =
        of_store.filter_map(|change| Some((change, place(change, places)?))).collect();
    placed.iter().find_map(|(first, place)| {
        let later = placed.iter().find(|(second, other)| first.precedes(second) && place > other);
        later.map(|(second, _)| format!("\n    {first} stands behind\n    {second}"))
    })
}

fn place(change: &Change, places: &Places<'_>) -> Option<usize> {
    match change.kind {
        Kind::Poison => None,
        Kind::Delete => places
            .iter()
            .find(|((name, status), _)| *status == DELETED && store_of(name) == Some(change.store))
            .map(|(_, place)| *place),
        _ => places.get(&(&*change.name, change.status)).copied(),
    }
}
