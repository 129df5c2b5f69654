//! The figures of a run with their goals, as a table for people and as JSON for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

/// One measured figure.
struct Figure {
    /// For programs.
    key: String,
    /// For people.
    label: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    None,
    AtMost(f64),
}

/// Figures in the order in which they were measured.
pub(crate) struct Report {
    machine: String,
    system: String,
    figures: Vec<Figure>,
}

impl Report {
    /// An empty report about a system on a machine.
    pub(crate) fn new(machine: String, system: String) -> Report {
        Report { machine, system, figures: Vec::new() }
    }

    /// Adds a figure; `key` is its name in JSON.
    pub(crate) fn add(
        &mut self,
        key: impl Into<String>,
        label: impl Into<String>,
        value: f64,
        unit: &'static str,
        goal: Goal,
    ) {
        self.figures.push(Figure { key: key.into(), label: label.into(), value, unit, goal });
    }

    /// The table.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("machine  {}\nsystem   {}\n\n", self.machine, self.system);
        let labels =
            self.figures.iter().map(|figure| figure.label.chars().count()).max().unwrap_or(0);
        for figure in &self.figures {
            let value = format!("{} {}", digits(figure.value), figure.unit);
            let goal = match figure.goal {
                Goal::None => String::new(),
                Goal::AtMost(limit) => {
                    let goal = format!("goal ≤ {} {}", digits(limit), figure.unit);
                    format!(
                        "{:<20}{}",
                        goal.trim_end(),
                        if figure.reached() { "reached" } else { "MISSED" }
                    )
                }
            };
            let line = format!("{:<labels$}  {value:>16}   {goal}", figure.label);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    /// The same as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let figures: Map<_, _> =
            self.figures.iter().map(|figure| (figure.key.clone(), figure.to_json())).collect();
        json!({"machine": self.machine, "system": self.system, "figures": figures})
    }
}

impl Figure {
    fn reached(&self) -> bool {
        match self.goal {
            Goal::None => true,
            // A figure that could not be measured is not a number, and reaches nothing.
            Goal::AtMost(limit) => self.value <= limit,
        }
    }

    fn to_json(&self) -> Value {
        let mut value = json!({"value": self.value, "unit": self.unit});
        if let Goal::AtMost(limit) = self.goal {
            value["goal"] = json!(limit);
            value["reached"] = json!(self.reached());
        }
        value
    }
}

/// As many digits as a person can use.
fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        value if value.fract() == 0.0 || value >= 1000.0 => 0,
        value if value >= 100.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_digits(value: f64, expected: &str) {
        assert_eq!(digits(value), expected);
    }

    #[test]
    fn a_figure_has_as_many_digits_as_a_person_can_use() {
        check_digits(0.0, "0");
        check_digits(10_000.0, "10000");
        check_digits(1234.567, "1235");
        check_digits(123.456, "123.5");
        check_digits(12.3456, "12.35");
        check_digits(0.123_456, "0.123");
        check_digits(f64::NAN, "NaN");
    }

    fn check_reached(value: f64, goal: Goal, expected: bool) {
        let figure = Figure { key: String::new(), label: String::new(), value, unit: "ms", goal };
        assert_eq!(figure.reached(), expected, "{value}");
    }

    #[test]
    fn a_goal_is_reached_up_to_its_limit() {
        check_reached(1.0, Goal::AtMost(1.5), true);
        check_reached(1.5, Goal::AtMost(1.5), true);
        check_reached(1.6, Goal::AtMost(1.5), false);
        check_reached(f64::NAN, Goal::AtMost(1.5), false);
        check_reached(1e9, Goal::None, true);
    }

    #[test]
    fn the_table_and_the_json_say_the_same() {
        let mut report = Report::new("a machine".to_owned(), "a system".to_owned());
        report.add("start", "start → ready", 0.4, "s", Goal::AtMost(0.5));
        report.add("memory", "resident memory, idle", 71.2, "MB", Goal::AtMost(60.0));
        report.add("rate", "updates", 812.0, "per s", Goal::None);
        let expected = "\
machine  a machine
system   a system

start → ready                   0.400 s   goal ≤ 0.500 s      reached
resident memory, idle          71.20 MB   goal ≤ 60 MB        MISSED
updates                       812 per s
";
        assert_eq!(report.to_text(), expected);
        let expected = json!({
            "machine": "a machine",
            "system": "a system",
            "figures": {
                "start": {"value": 0.4, "unit": "s", "goal": 0.5, "reached": true},
                "memory": {"value": 71.2, "unit": "MB", "goal": 60.0, "reached": false},
                "rate": {"value": 812.0, "unit": "per s"},
            },
        });
        assert_eq!(report.to_json(), expected);
    }
}
