//! What comes from outside a program: the time and randomness.
//! Passed in everywhere, so that a test can fix both and no decision depends on the moment it runs.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;

/// Tells the time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still, for tests.
    Fixed(Timestamp),
}

/// Supplies random bytes.
#[derive(Clone, Debug)]
pub enum Random {
    /// The operating system's generator.
    System,
    /// A repeatable sequence, for tests. Never use it where a secret is made.
    Seeded(Arc<AtomicU64>),
}

/// The time and randomness that a service is given.
#[derive(Clone, Debug)]
pub struct Outside {
    clock: Clock,
    random: Random,
}

impl Outside {
    /// The machine's clock and the operating system's randomness.
    pub fn system() -> Self {
        Outside { clock: Clock::System, random: Random::System }
    }

    /// A clock that stands still and repeatable randomness, for tests.
    pub fn fixed(now: Timestamp, seed: u64) -> Self {
        Outside { clock: Clock::Fixed(now), random: Random::Seeded(Arc::new(AtomicU64::new(seed))) }
    }

    /// Tells the time.
    pub fn now(&self) -> Timestamp {
        match self.clock {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the clock that everybody else is given"
            )]
            Clock::System => Timestamp::now(),
            Clock::Fixed(now) => now,
        }
    }

    /// What tells the time, for who is given nothing else.
    pub fn teller(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let outside = self.clone();
        Arc::new(move || outside.now())
    }

    /// Draws `N` random bytes.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing that needs secrets may go on then.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.random {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the source that everybody else is given"
            )]
            #[expect(
                clippy::expect_used,
                reason = "without randomness no secret can be made; stopping is right"
            )]
            Random::System => {
                getrandom::fill(&mut bytes).expect("the operating system gives randomness")
            }
            Random::Seeded(state) => {
                for chunk in bytes.chunks_mut(8) {
                    let word = split_mix(state.fetch_add(1, Ordering::Relaxed));
                    chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
                }
            }
        }
        bytes
    }

    /// Draws a token of 256 random bits in URL-safe base64 (43 characters), as sessions, states and codes need.
    pub fn token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// Makes a time-ordered identifier (RFC 9562, version 7) in its textual form of 36 characters.
    pub fn uuid(&self) -> String {
        let millis = self.now().as_millisecond().to_be_bytes();
        let mut bytes = self.bytes::<16>();
        bytes[..6].copy_from_slice(&millis[2..]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// One step of the SplitMix64 generator, which turns a counter into well-spread words.
fn split_mix(counter: u64) -> u64 {
    let mut word = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::Outside;

    #[test]
    fn makes_version_7_identifiers_in_order_of_time() {
        let early = Outside::fixed("2026-01-01T00:00:00Z".parse().unwrap(), 1).uuid();
        let late = Outside::fixed("2026-01-01T00:00:01Z".parse().unwrap(), 1).uuid();
        assert!(early < late);
        assert_eq!(early.as_bytes()[14], b'7');
        assert!(matches!(early.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_eq!(early.len(), 36);
    }

    #[test]
    fn repeats_a_seeded_sequence() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let (first, second) = (Outside::fixed(now, 7), Outside::fixed(now, 7));
        assert_eq!(first.token(), second.token());
        assert_ne!(first.token(), Outside::fixed(now, 7).token());
    }
}
