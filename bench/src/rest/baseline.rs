//! What others needed for the same, and what is asked of this system.

use crate::goal::{Better, Goal};

/// Where the figures of the others come from.
pub(super) const SOURCE: &str = "\
The others were measured with two cores of a shared AMD EPYC and 24 GiB, everything on one machine, and written down by
2026-11-24: 16 kept connections, a Keycloak token (RS256), 20 s after a 20 s run, on MongoDB. Java: the tutorial's store
service (JHipster 7.9.3, OpenJDK 17, -Xmx512m), warm after nine minutes and some load, cold in its first minutes. Rust
rival: a store service by generator-jhipster-rust 1.0.1, which announces nothing on PUT and has no registry. Processor time
is the service's own and can be compared; rates depend on what else the machine had to do.";

/// One figure of the others, and what this system's should be.
pub(super) struct Baseline {
    pub(super) unit: &'static str,
    pub(super) better: Better,
    pub(super) java_warm: Option<f64>,
    pub(super) java_cold: Option<f64>,
    pub(super) rival: Option<f64>,
    pub(super) goal: Goal,
}

/// The figures of one kind of request. Of the two costs, one was measured and the other is its reciprocal: of cold Java
/// the processor time, of the rival the rate.
pub(super) struct Requests {
    pub(super) per_processor_second: Baseline,
    pub(super) processor: Baseline,
    pub(super) rate: Baseline,
    pub(super) median: Baseline,
    pub(super) slowest: Baseline,
}

/// One document is read.
pub(super) static GET: Requests = Requests {
    per_processor_second: of_all(
        "",
        Better::More,
        [1_724.0, 455.0, 6_262.0],
        Goal::AtLeast(9_000.0),
    ),
    processor: of_all("s", Better::Less, [0.58, 2.2, 0.16], Goal::None),
    rate: of_all("per s", Better::More, [2_384.0, 706.0, 6_194.0], Goal::None),
    median: of_all("ms", Better::Less, [6.0, 20.0, 2.5], Goal::None),
    slowest: of_all("ms", Better::Less, [24.0, 77.0, 5.0], Goal::Below(5.0)),
};

/// One document is replaced, and its message committed and relayed; the rival has no message.
pub(super) static PUT: Requests = Requests {
    per_processor_second: of_all("", Better::More, [752.0, 415.0, 4_434.0], Goal::AtLeast(4_500.0)),
    processor: of_all("s", Better::Less, [1.33, 2.41, 0.226], Goal::None),
    rate: of_all("per s", Better::More, [574.0, 359.0, 3_677.0], Goal::None),
    median: of_all("ms", Better::Less, [25.0, 41.0, 4.2], Goal::None),
    slowest: of_all("ms", Better::Less, [88.0, 142.0, 8.4], Goal::Below(8.4)),
};

/// The quickest of the Java service's starts; the slowest took 24.9 s.
pub(super) static START: Baseline = Baseline {
    unit: "s",
    better: Better::Less,
    java_warm: None,
    java_cold: Some(15.4),
    rival: Some(0.11),
    goal: Goal::AtMost(0.1),
};

/// Resident memory after both loads.
pub(super) static MEMORY: Baseline = Baseline {
    unit: "MB",
    better: Better::Less,
    java_warm: Some(553.0),
    java_cold: None,
    rival: Some(28.0),
    goal: Goal::AtMost(28.0),
};

/// The most memory that was resident.
pub(super) static PEAK: Baseline = alone("MB", Goal::None);

/// What the load generator itself needed.
pub(super) static GENERATOR: Baseline = alone("s", Goal::None);

/// How long the service still worked after the load.
pub(super) static BEHIND: Baseline = alone("s", Goal::None);

/// How many requests the other figures come from.
pub(super) static ANSWERED: Baseline = alone("", Goal::None);

/// No request may fail.
pub(super) static FAILURES: Baseline = alone("", Goal::AtMost(0.0));

/// Something that was measured of nobody else.
const fn alone(unit: &'static str, goal: Goal) -> Baseline {
    Baseline { unit, better: Better::Less, java_warm: None, java_cold: None, rival: None, goal }
}

/// `others`: Java warm, Java cold, the rival.
const fn of_all(unit: &'static str, better: Better, others: [f64; 3], goal: Goal) -> Baseline {
    let [java_warm, java_cold, rival] = others;
    Baseline {
        unit,
        better,
        java_warm: Some(java_warm),
        java_cold: Some(java_cold),
        rival: Some(rival),
        goal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways of saying what a request costs were written down by hand: they must say the same, but for rounding.
    #[test]
    fn the_two_costs_of_a_request_agree() {
        for Requests { per_processor_second, processor, .. } in [&GET, &PUT] {
            for (rate, cost) in [
                (per_processor_second.java_warm, processor.java_warm),
                (per_processor_second.java_cold, processor.java_cold),
                (per_processor_second.rival, processor.rival),
            ] {
                let (rate, cost) = (rate.unwrap(), cost.unwrap());
                assert!((rate * cost / 1e3 - 1.0).abs() < 0.03, "{rate} per s, {cost} s");
            }
        }
    }

    #[test]
    fn a_goal_for_the_slowest_is_below_all_others() {
        for requests in [&GET, &PUT] {
            let Baseline { java_warm, java_cold, rival, goal, .. } = requests.slowest;
            let best = [java_warm, java_cold, rival].into_iter().flatten().reduce(f64::min);
            assert_eq!(goal, Goal::Below(best.unwrap()));
        }
    }
}
