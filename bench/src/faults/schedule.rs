//! What happens in a run and when, derived from its seed alone: requests, and faults of every part that can have one.

mod faults;
mod steps;
mod text;

use std::time::Duration;

pub(crate) use self::steps::{Step, Work};
use super::{history::Kind, post::Manner, proxy::Mode, random::Random};

/// What a system consists of, as far as it can be disturbed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Processes that are killed and paused.
    pub(crate) processes: &'static [&'static str],
    /// Links whose connections are slow, dead or broken.
    pub(crate) links: &'static [&'static str],
    /// Servers that are restarted and paused.
    pub(crate) servers: &'static [&'static str],
    /// How long the callers go on, in milliseconds: least and most.
    pub(crate) traffic: (u64, u64),
    /// How long nothing may have changed at the end, when everything is there: longer than it takes until something is
    /// delivered a second time.
    pub(crate) still: Duration,
}

/// The plan of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    /// How long the callers go on.
    pub(crate) traffic: Duration,
    pub(crate) announced: Announced,
    /// How many get a mail of each announcement.
    pub(crate) recipients: usize,
    pub(crate) partitions: u64,
    /// What each caller does, one step after the other, over and over.
    pub(crate) callers: Vec<Vec<Step>>,
    pub(crate) timelines: Vec<Timeline>,
}

/// Which changes are announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    /// As in the tutorial.
    Updates,
    Everything,
}

/// The faults of one part, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timeline {
    pub(crate) of: Part,
    pub(crate) events: Vec<Event>,
}

/// What can have faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Process(&'static str),
    Link(&'static str),
    Server(&'static str),
    MailServer,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// How long all is well before it.
    pub(crate) after: Duration,
    pub(crate) fault: Fault,
    pub(crate) lasts: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Ends without warning, and is started again when the fault is over.
    Kill,
    /// As `Kill`, and once more so long after the first start, whether or not it was ready.
    KillTwice(Duration),
    /// Does nothing while it lasts.
    Pause,
    Link(Mode),
    Mail(Manner),
}

impl Schedule {
    /// The plan of a seed for a system of this shape.
    pub(crate) fn new(seed: u64, shape: &Shape) -> Schedule {
        let mut random = Random::of(seed, 0);
        let traffic = random.milliseconds(shape.traffic.0, shape.traffic.1);
        let announced = if random.chance(35) { Announced::Everything } else { Announced::Updates };
        let recipients = if random.chance(30) { 2 } else { 1 };
        let partitions = random.pick(&[1, 1, 2, 4]).unwrap_or(1);
        let callers = 3 + random.below(4);
        let poisonous = random.chance(30);
        Schedule {
            seed,
            traffic,
            announced,
            recipients,
            partitions,
            callers: (0..callers)
                .map(|number| steps::new(&mut Random::of(seed, 100 + number), poisonous))
                .collect(),
            timelines: faults::timelines(seed, shape, traffic),
        }
    }

    /// Whether a server is disturbed that other runs may share.
    pub(crate) fn needs_servers(&self) -> bool {
        self.timelines.iter().any(|timeline| matches!(timeline.of, Part::Server(_)))
    }
}

impl Announced {
    pub(crate) fn kinds(self) -> Vec<Kind> {
        match self {
            Announced::Updates => vec![Kind::Replace],
            Announced::Everything => vec![Kind::Create, Kind::Replace, Kind::Patch, Kind::Delete],
        }
    }

    /// The same in the program's configuration.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Announced::Updates => "updated",
            Announced::Everything => "created,updated,patched,deleted",
        }
    }
}

#[cfg(test)]
mod tests;
