//! What happened lately: the changes that a delta names, and the last registrations and cancellations.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{Listed, Moment, Record};

/// How long the list of changes goes back.
const WINDOW: Duration = Duration::from_secs(180);
/// How many changes it holds at most. Who misses one notices by the hash code that comes with the list.
const MOST_CHANGES: usize = 20_000;
/// How many registrations and how many cancellations are remembered.
const LAST: usize = 1_000;

/// An instance that registered or was cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// `BOOK(book:1)`
    pub name: String,
}

/// The changes of three minutes.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<(Instant, Listed)>);

impl Recent {
    pub(super) fn add(&mut self, record: Arc<Record>, renewed: i64, now: Moment) {
        self.forget(now);
        if self.0.len() >= MOST_CHANGES {
            self.0.pop_front();
        }
        self.0.push_back((now.at, Listed::new(record, renewed)));
    }

    /// The last state of each instance, in order of application and id.
    pub(super) fn latest(&mut self, now: Moment) -> Vec<Listed> {
        self.forget(now);
        let by_name = self.0.iter().map(|(_, listed)| {
            let instance = listed.description();
            ((instance.app.as_str(), instance.id()), listed)
        });
        by_name.collect::<BTreeMap<_, _>>().into_values().cloned().collect()
    }

    fn forget(&mut self, now: Moment) {
        let is_old = |at: Instant| now.at.saturating_duration_since(at) > WINDOW;
        while self.0.front().is_some_and(|(at, _)| is_old(*at)) {
            self.0.pop_front();
        }
    }
}

/// The last of something, the newest first.
#[derive(Debug, Default)]
pub(super) struct Last(VecDeque<Past>);

impl Last {
    pub(super) fn add(&mut self, app: &str, id: &str, at: i64) {
        self.0.truncate(LAST - 1);
        self.0.push_front(Past { at, name: format!("{app}({id})") });
    }

    pub(super) fn to_vec(&self) -> Vec<Past> {
        self.0.iter().cloned().collect()
    }
}
