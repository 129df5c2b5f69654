//! Which faults there are, part by part. Each part has random numbers of its own, so that a part more does not change the
//! faults of the others.

use std::time::Duration;

use super::{Event, Fault, Part, Shape, Timeline};
use crate::faults::{post::Manner, proxy::Mode, random::Random};

pub(super) fn timelines(seed: u64, shape: &Shape, traffic: Duration) -> Vec<Timeline> {
    let parts = shape.processes.iter().map(|name| (Part::Process(name), 75));
    let parts = parts.chain(shape.links.iter().map(|name| (Part::Link(name), 40)));
    let parts = parts.chain(shape.servers.iter().map(|name| (Part::Server(name), 12)));
    let parts = parts.chain([(Part::MailServer, 40)]);
    let timelines = (1000..).zip(parts).filter_map(|(source, (of, percent))| {
        let mut random = Random::of(seed, source);
        random.chance(percent).then(|| Timeline { of, events: events(&mut random, of, traffic) })
    });
    timelines.collect()
}

fn events(random: &mut Random, of: Part, traffic: Duration) -> Vec<Event> {
    let count = random.pick(&[1, 1, 2, 3]).unwrap_or(1);
    let longest = (traffic.as_millis() as u64 * 2 / (count + 1)).max(1);
    let event = |random: &mut Random| {
        let after = random.milliseconds(0, longest);
        let (fault, lasts) = match of {
            Part::Process(_) => process(random),
            Part::Link(_) => link(random),
            Part::Server(_) => server(random),
            Part::MailServer => mail(random),
        };
        Event { after, fault, lasts }
    };
    (0..count).map(|_| event(random)).collect()
}

fn process(random: &mut Random) -> (Fault, Duration) {
    match random.below(10) {
        0..6 => (Fault::Kill, random.milliseconds(0, 200)),
        6..8 => (Fault::KillTwice(random.milliseconds(1, 250)), random.milliseconds(0, 50)),
        _ => (Fault::Pause, lasting(random)),
    }
}

fn link(random: &mut Random) -> (Fault, Duration) {
    let slow = Mode::Slow {
        pause: random.milliseconds(1, 30),
        bytes: random.pick(&[7, 100, 1000]).unwrap_or(100),
    };
    let modes = [slow, slow, Mode::BlackHole, Mode::BlackHole, Mode::Reset, Mode::Refuse];
    (Fault::Link(random.pick(&modes).unwrap_or(slow)), lasting(random))
}

fn server(random: &mut Random) -> (Fault, Duration) {
    match random.chance(60) {
        true => (Fault::Kill, random.milliseconds(0, 1_500)),
        false => (Fault::Pause, lasting(random)),
    }
}

fn mail(random: &mut Random) -> (Fault, Duration) {
    let manners = [Manner::Later, Manner::Silent, Manner::Rude];
    (Fault::Mail(random.pick(&manners).unwrap_or(Manner::Later)), lasting(random))
}

/// Mostly short, now and then long.
fn lasting(random: &mut Random) -> Duration {
    match random.below(20) {
        0 => random.milliseconds(2_000, 6_000),
        1..4 => random.milliseconds(500, 2_000),
        _ => random.milliseconds(50, 500),
    }
}
