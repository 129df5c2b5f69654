//! How many signs of life came within the last minute.

use std::time::Duration;

use tokio::time::Instant;

const SECONDS: u64 = 60;

/// Counts by second, for one minute.
#[derive(Debug)]
pub(super) struct Renewals {
    start: Instant,
    /// The second that a place was last used for, and how many there were in it.
    counts: [(u64, u32); SECONDS as usize],
}

impl Renewals {
    pub(super) fn new(start: Instant) -> Self {
        Renewals { start, counts: [(u64::MAX, 0); SECONDS as usize] }
    }

    pub(super) fn add(&mut self, now: Instant) {
        let second = self.second(now);
        let Some(place) = self.counts.get_mut((second % SECONDS) as usize) else { return };
        if place.0 != second {
            *place = (second, 0);
        }
        place.1 = place.1.saturating_add(1);
    }

    pub(super) fn within_a_minute(&self, now: Instant) -> u64 {
        let now = self.second(now);
        let recent = self.counts.iter().filter(|(second, _)| {
            now.checked_sub(*second).is_some_and(|age| age < SECONDS)
        });
        recent.map(|(_, count)| u64::from(*count)).sum()
    }

    /// For how long has been counted.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.start)
    }

    fn second(&self, now: Instant) -> u64 {
        self.age(now).as_secs()
    }
}
