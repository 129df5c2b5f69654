//! What one caller does.

use std::time::Duration;

use crate::faults::random::Random;

/// How many steps a caller has before it begins again.
const STEPS: usize = 128;

/// One request, and the pause before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) pause: Duration,
    pub(crate) work: Work,
    /// Chooses where it goes when there are several instances.
    pub(crate) instance: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Replaces the caller's own store.
    Replace,
    /// As `Replace`, by a name whose mails the mail server refuses for good.
    ReplaceRefused,
    Patch,
    /// Replaces a store that all callers share.
    ReplaceShared,
    PatchShared,
    /// Removes the caller's own store and opens another one.
    Move,
    /// Sends something unreadable to the topic.
    Poison,
}

pub(super) fn new(random: &mut Random, poisonous: bool) -> Vec<Step> {
    // Some callers are quick, some are slow.
    let longest = random.pick(&[5, 40, 120]).unwrap_or(40);
    let step = |random: &mut Random| Step {
        pause: random.milliseconds(0, longest),
        work: work(random, poisonous),
        instance: usize::from(random.chance(50)),
    };
    (0..STEPS).map(|_| step(random)).collect()
}

fn work(random: &mut Random, poisonous: bool) -> Work {
    match random.below(100) {
        0..55 => Work::Replace,
        55..70 => Work::ReplaceShared,
        70..80 => Work::Patch,
        80..85 => Work::PatchShared,
        85..90 => Work::Move,
        90..92 if poisonous => Work::Poison,
        92..94 if poisonous => Work::ReplaceRefused,
        _ => Work::Replace,
    }
}
