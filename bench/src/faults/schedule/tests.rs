//! A schedule is its seed's and nothing else's.

use super::*;

const SMALL: Shape = Shape {
    processes: &["one"],
    links: &["callers", "mail"],
    servers: &[],
    traffic: (1_000, 2_000),
    still: Duration::ZERO,
};

const LARGE: Shape = Shape { links: &["callers", "mail", "more"], servers: &["disk"], ..SMALL };

#[test]
fn the_same_seed_makes_the_same_schedule() {
    for seed in 0..200 {
        let schedule = Schedule::new(seed, &SMALL);
        assert_eq!(schedule, Schedule::new(seed, &SMALL));
        assert_eq!(schedule.to_string(), Schedule::new(seed, &SMALL).to_string());
        assert_ne!(schedule, Schedule::new(seed + 1, &SMALL));
    }
}

#[test]
fn a_part_more_leaves_the_faults_of_earlier_ones_alone() {
    for seed in 0..50 {
        let of = |shape: &Shape| {
            let mut timelines = Schedule::new(seed, shape).timelines.into_iter();
            timelines.find(|timeline| timeline.of == Part::Process("one"))
        };
        assert_eq!(of(&SMALL), of(&LARGE));
    }
}

#[test]
fn every_kind_of_fault_and_work_comes_up() {
    let schedules: Vec<Schedule> = (0..100).map(|seed| Schedule::new(seed, &LARGE)).collect();
    let events: Vec<Fault> = schedules
        .iter()
        .flat_map(|schedule| &schedule.timelines)
        .flat_map(|timeline| timeline.events.iter().map(|event| event.fault))
        .collect();
    let modes = [Mode::BlackHole, Mode::Reset, Mode::Refuse].map(Fault::Link);
    let manners = [Manner::Later, Manner::Silent, Manner::Rude].map(Fault::Mail);
    for fault in [Fault::Kill, Fault::Pause].into_iter().chain(modes).chain(manners) {
        assert!(events.contains(&fault), "{fault}");
    }
    assert!(events.iter().any(|fault| matches!(fault, Fault::KillTwice(_))));
    assert!(events.iter().any(|fault| matches!(fault, Fault::Link(Mode::Slow { .. }))));
    assert!(schedules.iter().any(Schedule::needs_servers));
    for work in [Work::Move, Work::Patch, Work::ReplaceShared, Work::PatchShared, Work::Poison] {
        let steps = schedules.iter().flat_map(|schedule| schedule.callers.iter().flatten());
        assert!(steps.clone().any(|step| step.work == work), "{work:?}");
    }
}

#[test]
fn a_schedule_is_short() {
    for seed in 0..200 {
        let schedule = Schedule::new(seed, &LARGE);
        assert!(schedule.traffic <= Duration::from_secs(2), "{schedule}");
        for event in schedule.timelines.iter().flat_map(|timeline| &timeline.events) {
            assert!(event.lasts <= Duration::from_secs(6), "{schedule}");
        }
    }
}
