//! How long to wait before the next try, and how often to try.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// How what failed is tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// How often in all; `None`: until it works.
    pub attempts: Option<u32>,
    /// The wait before the second try.
    pub first: Duration,
    /// How many times longer each further wait is.
    pub multiplier: f64,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for Retry {
    /// Until it works, after 0.1 s, 0.2 s, 0.4 s, … up to 5 s.
    fn default() -> Self {
        Retry {
            attempts: None,
            first: Duration::from_millis(100),
            multiplier: 2.0,
            longest: Duration::from_secs(5),
        }
    }
}

/// Waits longer from try to try, with jitter.
#[derive(Debug, Default)]
pub struct Backoff {
    retry: Retry,
    tries: u32,
}

impl Backoff {
    /// Nothing has failed yet.
    pub fn new(retry: Retry) -> Self {
        Backoff { retry, tries: 0 }
    }

    /// Forgets past failures.
    pub fn reset(&mut self) {
        self.tries = 0;
    }

    /// How long to wait after one more failure: longer each time, capped, then shortened by up to half.
    pub fn next_delay(&mut self) -> Duration {
        let Retry { first, multiplier, longest, .. } = self.retry;
        let factor = multiplier.max(1.0).powi(i32::try_from(self.tries).unwrap_or(i32::MAX));
        let seconds = (first.as_secs_f64() * factor).min(longest.as_secs_f64());
        self.tries = self.tries.saturating_add(1);
        // Each `RandomState` has other keys, which is all the randomness that spreading retries needs.
        let jitter = RandomState::new().hash_one(self.tries) % 1000;
        Duration::from_secs_f64(seconds * (1.0 - jitter as f64 / 2000.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_cap_and_starts_again() {
        let Retry { first, longest, .. } = Retry::default();
        let mut backoff = Backoff::default();
        let delay = backoff.next_delay();
        assert!(delay >= first / 2 && delay <= first, "{delay:?}");
        for _ in 0..2000 {
            assert!(backoff.next_delay() <= longest);
        }
        assert!(backoff.next_delay() >= longest / 2);
        backoff.reset();
        assert!(backoff.next_delay() <= first);
    }

    #[test]
    fn waits_as_it_is_told() {
        let second = Duration::from_secs(1);
        let retry = Retry { first: second, multiplier: 3.0, longest: 60 * second, attempts: None };
        let mut backoff = Backoff::new(retry);
        for seconds in [1, 3, 9, 27, 60, 60] {
            let (delay, most) = (backoff.next_delay(), seconds * second);
            assert!(delay >= most / 2 && delay <= most, "{delay:?} of {most:?}");
        }
    }
}
