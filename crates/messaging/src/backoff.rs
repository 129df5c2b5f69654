//! How long to wait before the next try.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Waits longer from try to try, with jitter, up to five seconds.
#[derive(Debug, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// Nothing has failed yet.
    pub fn new() -> Self {
        Backoff::default()
    }

    /// Forgets past failures.
    pub fn reset(&mut self) {
        self.tries = 0;
    }

    /// How long to wait after one more failure: doubled each time, capped, then shortened by up to half.
    pub fn next_delay(&mut self) -> Duration {
        let delay = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        // Each `RandomState` has other keys, which is all the randomness that spreading retries needs.
        let jitter = RandomState::new().hash_one(self.tries) % 1000;
        delay.mul_f64(1.0 - jitter as f64 / 2000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_cap_and_starts_again() {
        let mut backoff = Backoff::new();
        let first = backoff.next_delay();
        assert!(first >= FIRST / 2 && first <= FIRST, "{first:?}");
        for _ in 0..100 {
            assert!(backoff.next_delay() <= LONGEST);
        }
        assert!(backoff.next_delay() >= LONGEST / 2);
        backoff.reset();
        assert!(backoff.next_delay() <= FIRST);
    }
}
