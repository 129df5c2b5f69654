//! How far a relay looks past messages that have to wait: others behind them are to come through, but a destination that is
//! away is not to be asked for everything that waits, again and again.

/// How many batches in a row may be handed over of which nothing is taken, before the relay waits for the next retry.
const FRUITLESS: u32 = 4;
/// How many batches in a row may be read of which every message waits for an earlier one of its key.
const SKIPPED: u32 = 20;
/// How many batches the relay goes on behind what waits, retry by retry, before it starts again. Twice as many the next time,
/// until it finds the end, or somebody to take something.
const LEAST: u32 = 16;

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// Most of it was taken.
    Taken,
    /// Less than half of it was taken.
    Partly,
    /// Nothing of it was taken.
    Fruitless,
    /// There was nothing to hand over.
    Skipped,
}

impl Passed {
    /// By how many of its messages were taken, have to wait for a retry, and whether some had no turn.
    pub(super) fn of(taken: usize, held: usize, had_no_turn: bool) -> Passed {
        match (taken, held) {
            (0, 0) if !had_no_turn => Passed::Skipped,
            (0, _) => Passed::Fruitless,
            _ if taken < held => Passed::Partly,
            _ => Passed::Taken,
        }
    }
}

/// How far it has come since the oldest message.
#[derive(Debug)]
pub(super) struct Reach {
    /// What is left of its effort until the next retry.
    effort: u32,
    /// Batches since the oldest message.
    batches: u32,
    most: u32,
    /// Whether most of a batch was taken since then.
    is_of_use: bool,
}

impl Reach {
    pub(super) fn new() -> Self {
        Reach { effort: FRUITLESS * SKIPPED, batches: 0, most: LEAST, is_of_use: false }
    }

    /// Whether to look at the next batch now.
    pub(super) fn passes(&mut self, batch: Passed) -> bool {
        self.batches = self.batches.saturating_add(1);
        self.is_of_use |= batch == Passed::Taken;
        self.effort = match batch {
            Passed::Taken | Passed::Partly => FRUITLESS * SKIPPED,
            Passed::Fruitless => self.effort.saturating_sub(SKIPPED),
            Passed::Skipped => self.effort.saturating_sub(FRUITLESS),
        };
        self.effort > 0
    }

    /// Nothing waits behind.
    pub(super) fn ends(&mut self) {
        self.most = 0;
    }

    /// It is time for a retry: whether for what comes next. Otherwise it is for the oldest.
    pub(super) fn goes_on(&mut self) -> bool {
        self.effort = FRUITLESS * SKIPPED;
        self.batches < self.most
    }

    /// Whether a new message may be next.
    pub(super) fn listens(&self) -> bool {
        self.effort > 0 || self.most == 0
    }

    /// The oldest message is next.
    pub(super) fn starts_again(&mut self) {
        let most = if self.is_of_use { 0 } else { self.most.saturating_mul(2) };
        *self = Reach { most: most.max(LEAST), ..Reach::new() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many batches are looked at between one retry and the next, while so many wait that nothing is taken of.
    fn looked_at(waiting: u32, batch: Passed, retries: usize) -> Vec<u32> {
        let (mut reach, mut position) = (Reach::new(), 0);
        let mut retry = || {
            let mut looked_at = 0;
            loop {
                if position == waiting {
                    reach.ends();
                    break;
                }
                position += 1;
                looked_at += 1;
                if !reach.passes(batch) {
                    break;
                }
            }
            if !reach.goes_on() {
                reach.starts_again();
                position = 0;
            }
            looked_at
        };
        (0..retries).map(|_| retry()).collect()
    }

    #[test]
    fn what_fails_is_tried_a_few_batches_at_a_time_until_the_end() {
        assert_eq!(looked_at(3, Passed::Fruitless, 3), [3, 3, 3]);
        assert_eq!(looked_at(10, Passed::Fruitless, 6), [4, 4, 2, 4, 4, 2]);
        let sixteen_and_then_all = [4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 4];
        assert_eq!(looked_at(20, Passed::Fruitless, 11), sixteen_and_then_all);
        assert_eq!(looked_at(50, Passed::Skipped, 3), [20, 20, 20]);
    }

    #[test]
    fn whatever_is_taken_is_followed_by_more() {
        let mut reach = Reach::new();
        for _ in 0..1_000 {
            assert!(reach.passes(Passed::Taken));
            assert!(reach.passes(Passed::Fruitless));
        }
        assert!(!reach.goes_on(), "the oldest have waited long enough");
        reach.starts_again();
        assert_eq!(reach.most, LEAST, "and do not wait longer the next time");
    }

    #[test]
    fn a_new_message_is_next_at_the_end_or_while_there_is_effort() {
        let mut reach = Reach::new();
        assert!(reach.listens());
        while reach.passes(Passed::Fruitless) {}
        assert!(!reach.listens());
        assert!(reach.goes_on() && reach.listens());
        while reach.passes(Passed::Skipped) {}
        reach.ends();
        assert!(reach.listens());
    }
}
