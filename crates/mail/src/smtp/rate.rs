//! Keeps mails within a limit: no stretch of time of the limit's length has more of them than it allows.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tokio::time::Instant;

use super::settings::RateLimit;

/// When the last mails went, or will go: at most as many as the limit has.
pub(super) struct Rate {
    pub(super) limit: RateLimit,
    turns: Mutex<VecDeque<Instant>>,
}

impl Rate {
    pub(super) fn new(limit: RateLimit) -> Self {
        Rate { limit, turns: Mutex::default() }
    }

    /// When one more mail may go; none when that is later than `latest`. What is answered is counted.
    pub(super) fn turn(&self, latest: Instant) -> Option<Instant> {
        // A list of instants is whole after every statement, whoever panicked.
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let full = turns.len() >= self.limit.mails();
        let free = turns.front().filter(|_| full).map(|first| *first + self.limit.period());
        let turn = free.map_or_else(Instant::now, |free| free.max(Instant::now()));
        if turn > latest {
            return None;
        }
        if full {
            turns.pop_front();
        }
        turns.push_back(turn);
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_mails_than_it_may() {
        let rate = Rate::new("3/s".parse().unwrap());
        let start = Instant::now();
        let mut turns = Vec::new();
        for _ in 0..10 {
            turns.push(rate.turn(start + Duration::from_secs(60)).unwrap());
            advance(Duration::from_millis(30)).await;
        }
        for stretch in turns.windows(4) {
            assert!(stretch[3] - stretch[0] >= Duration::from_secs(1), "{turns:?}");
        }
        assert_eq!(turns[2] - start, Duration::from_millis(60), "no mail waits without need");
        assert_eq!(turns[3] - start, Duration::from_secs(1), "no mail waits longer than needed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_comes_too_late_is_not_counted() {
        let rate = Rate::new("1/m".parse().unwrap());
        let start = Instant::now();
        assert_eq!(rate.turn(start), Some(start));
        for _ in 0..3 {
            assert_eq!(rate.turn(start + Duration::from_secs(59)), None);
        }
        advance(Duration::from_secs(75)).await;
        assert_eq!(rate.turn(Instant::now()), Some(Instant::now()));
        assert_eq!(rate.turns.lock().unwrap().len(), 1);
    }
}
