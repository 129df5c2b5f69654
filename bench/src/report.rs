//! The figures of a run with their goals, as a table for people and as JSON for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::goal::Goal;

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
            let goal = figure.goal.limit().map_or_else(String::new, |(sign, limit)| {
                let goal = format!("goal {sign} {} {}", digits(limit), figure.unit);
                let reached = if figure.reached() { "reached" } else { "MISSED" };
                format!("{:<20}{reached}", goal.trim_end())
            });
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
        self.goal.reached(self.value)
    }

    fn to_json(&self) -> Value {
        let mut value = json!({"value": self.value, "unit": self.unit});
        if let Some((_, limit)) = self.goal.limit() {
            value["goal"] = json!(limit);
            value["reached"] = json!(self.reached());
        }
        value
    }
}

/// As many digits as a person can use.
pub(crate) fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        value if value.fract() == 0.0 || value >= 1000.0 => 0,
        value if value >= 100.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// Cells below one another: the first and the last ones from the left, those between from the right.
pub(crate) fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let width =
        |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for cells in lines {
        let mut line = String::new();
        // Writing to a string cannot fail.
        for (column, cell) in cells.iter().enumerate() {
            let width = width(column);
            let _ = match column {
                0 => write!(line, "{cell:<width$}"),
                column if column + 1 == N => write!(line, "   {cell}"),
                _ => write!(line, "   {cell:>width$}"),
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
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
