//! Random numbers that depend on nothing but a seed (SplitMix64: Steele, Lea, Flood 2014), so that a schedule can be made
//! again.

use std::time::Duration;

/// A source of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// One of many independent sources of a seed.
    pub(crate) fn of(seed: u64, source: u64) -> Random {
        let mut mixing = Random(seed);
        let first = mixing.next();
        Random(first ^ Random(source.wrapping_add(0x51ED_2701)).next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0. The slight preference of small numbers does not matter here.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A time from the first to the second number of milliseconds.
    pub(crate) fn milliseconds(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most.saturating_sub(least) + 1))
    }

    /// One of them; nothing of none.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let index = self.below(choices.len() as u64);
        choices.get(usize::try_from(index).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_algorithm() {
        // The first values for seed 1234567, as the reference implementation prints them.
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn every_source_of_a_seed_has_numbers_of_its_own() {
        let first = |seed, source| Random::of(seed, source).next();
        assert_eq!(first(7, 1), first(7, 1));
        assert_ne!(first(7, 1), first(7, 2));
        assert_ne!(first(7, 1), first(8, 1));
    }

    #[test]
    fn numbers_stay_within_their_limits() {
        let mut random = Random::of(1, 1);
        for _ in 0..1000 {
            assert!(random.below(3) < 3);
            let time = random.milliseconds(5, 7).as_millis();
            assert!((5..=7).contains(&time), "{time}");
        }
        assert_eq!(random.pick::<u8>(&[]), None);
        assert_eq!(random.pick(&[4]), Some(4));
    }
}
