//! What a figure should be, and how far it is from that.

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    None,
    AtMost(f64),
    AtLeast(f64),
    Below(f64),
}

impl Goal {
    /// The sign and the number of the goal, where there is one.
    pub(crate) fn limit(self) -> Option<(&'static str, f64)> {
        match self {
            Goal::None => None,
            Goal::AtMost(limit) => Some(("≤", limit)),
            Goal::AtLeast(limit) => Some(("≥", limit)),
            Goal::Below(limit) => Some(("<", limit)),
        }
    }

    /// Whether a figure is what it should be. One that could not be measured is not a number, and reaches nothing.
    pub(crate) fn reached(self, value: f64) -> bool {
        match self {
            Goal::None => true,
            Goal::AtMost(limit) => value <= limit,
            Goal::AtLeast(limit) => value >= limit,
            Goal::Below(limit) => value < limit,
        }
    }

    /// How far a figure is from the limit: on the good side positive, on the bad side negative.
    pub(crate) fn distance(self, value: f64) -> Option<f64> {
        match self {
            Goal::None => None,
            Goal::AtMost(limit) | Goal::Below(limit) => Some(limit - value),
            Goal::AtLeast(limit) => Some(value - limit),
        }
    }
}

/// Which of two figures is the better one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Better {
    More,
    Less,
}

impl Better {
    /// How many times as good a value is as another one.
    pub(crate) fn times(self, value: f64, other: f64) -> f64 {
        match self {
            Better::More => value / other,
            Better::Less => other / value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: f64, goal: Goal, reached: bool, distance: Option<f64>) {
        assert_eq!(goal.reached(value), reached, "{value} {goal:?}");
        assert_eq!(goal.distance(value), distance, "{value} {goal:?}");
    }

    #[test]
    fn a_goal_is_reached_up_to_its_limit() {
        check(1.0, Goal::AtMost(1.5), true, Some(0.5));
        check(1.5, Goal::AtMost(1.5), true, Some(0.0));
        check(2.0, Goal::AtMost(1.5), false, Some(-0.5));
        check(9.0, Goal::AtLeast(8.0), true, Some(1.0));
        check(8.0, Goal::AtLeast(8.0), true, Some(0.0));
        check(7.0, Goal::AtLeast(8.0), false, Some(-1.0));
        check(4.5, Goal::Below(5.0), true, Some(0.5));
        check(5.0, Goal::Below(5.0), false, Some(0.0));
        check(1e9, Goal::None, true, None);
    }

    #[test]
    fn what_could_not_be_measured_reaches_nothing() {
        for goal in [Goal::AtMost(1.0), Goal::AtLeast(1.0), Goal::Below(1.0)] {
            assert!(!goal.reached(f64::NAN), "{goal:?}");
        }
    }
}
