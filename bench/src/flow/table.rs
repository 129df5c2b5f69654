//! The measured figures beside Java's, with the ratios and the goals, as a table for people and as JSON for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::java::SOURCE;
use crate::{
    goal::{Better, Goal},
    report::{aligned, digits},
};

const COLUMNS: [&str; 4] = ["", "measured", "Java, warm", "goal"];

const LEGEND: &str = "(n ×): so many times as good as Java; less than 1 is worse.";

/// What a figure is measured in, which way is better, what Java has, and what it should be.
#[derive(Clone, Copy)]
pub(super) struct Figure {
    unit: &'static str,
    better: Better,
    java: Option<f64>,
    goal: Goal,
}

/// The figures of a run, in the order in which they were measured.
pub(super) struct Table {
    machine: String,
    system: String,
    rows: Vec<Row>,
}

struct Row {
    /// For programs.
    key: String,
    /// For people.
    label: String,
    value: f64,
    figure: Figure,
}

/// A figure that is better when it is greater.
pub(super) const fn more(unit: &'static str) -> Figure {
    Figure { unit, better: Better::More, java: None, goal: Goal::None }
}

/// A figure that is better when it is smaller.
pub(super) const fn less(unit: &'static str) -> Figure {
    Figure { unit, better: Better::Less, java: None, goal: Goal::None }
}

impl Figure {
    /// What Java has.
    pub(super) const fn java(self, java: f64) -> Figure {
        Figure { java: Some(java), ..self }
    }

    /// What it should be.
    pub(super) const fn goal(self, goal: Goal) -> Figure {
        Figure { goal, ..self }
    }
}

impl Table {
    /// Nothing measured yet.
    pub(super) fn new(machine: String, system: String) -> Table {
        Table { machine, system, rows: Vec::new() }
    }

    /// Adds a figure, and says it; `key` is its name in JSON.
    pub(super) fn add(
        &mut self,
        key: impl Into<String>,
        label: impl Into<String>,
        value: f64,
        figure: Figure,
    ) {
        let row = Row { key: key.into(), label: label.into(), value, figure };
        // A run takes minutes: whoever waits sees what there is.
        eprintln!("  {}", row.cells().join("  ").trim_end());
        self.rows.push(row);
    }

    /// The table.
    pub(super) fn to_text(&self) -> String {
        let header = COLUMNS.map(str::to_owned);
        let lines: Vec<_> =
            std::iter::once(header).chain(self.rows.iter().map(Row::cells)).collect();
        let mut text = format!("machine   {}\nsystem    {}\n\n", self.machine, self.system);
        text.push_str(&aligned(&lines));
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{LEGEND}\n{SOURCE}\n");
        text
    }

    /// The same as JSON.
    pub(super) fn to_json(&self) -> Value {
        let figures: Map<_, _> =
            self.rows.iter().map(|row| (row.key.clone(), row.to_json())).collect();
        json!({
            "machine": self.machine,
            "system": self.system,
            "java": SOURCE.replace('\n', " "),
            "figures": figures,
        })
    }
}

impl Row {
    fn cells(&self) -> [String; 4] {
        let Figure { unit, java, goal, .. } = self.figure;
        let with_unit = |value: f64| format!("{} {unit}", digits(value)).trim_end().to_owned();
        let java = java.map_or_else(String::new, |java| {
            format!("{} ({} ×)", digits(java), digits(self.figure.better.times(self.value, java)))
        });
        let goal = goal.limit().map_or_else(String::new, |(sign, limit)| {
            let reached = if goal.reached(self.value) { "reached" } else { "MISSED" };
            format!("{sign} {}: {reached}", with_unit(limit))
        });
        [self.label.clone(), with_unit(self.value), java, goal]
    }

    fn to_json(&self) -> Value {
        let Figure { unit, java, goal, .. } = self.figure;
        let mut value = json!({"value": self.value, "unit": unit});
        if let Some(java) = java {
            value["java"] =
                json!({"value": java, "times": self.figure.better.times(self.value, java)});
        }
        if let Some((sign, limit)) = goal.limit() {
            value["goal"] =
                json!({"sign": sign, "limit": limit, "reached": goal.reached(self.value)});
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Table {
        let mut table = Table::new("a machine".to_owned(), "a system".to_owned());
        table.add("mail", "PUT → mail", 4.0, less("ms").java(8.8).goal(Goal::AtMost(5.0)));
        table.add(
            "records",
            "records",
            3_190.0,
            more("per s").java(319.0).goal(Goal::AtLeast(5e3)),
        );
        table.add("seconds", "so long", 1.5, less("s"));
        table
    }

    #[test]
    fn the_table_puts_java_and_the_goal_beside() {
        let text = example().to_text();
        let words = |text: &str| {
            text.lines()
                .map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let expected = "\
machine   a machine
system    a system

             measured       Java, warm   goal
PUT → mail       4 ms     8.80 (2.20 ×)   ≤ 5 ms: reached
records    3190 per s      319 (10 ×)   ≥ 5000 per s: MISSED
so long        1.50 s
";
        assert!(words(&text).starts_with(&words(expected)), "{text}");
        assert!(text.contains(LEGEND) && text.contains(SOURCE), "{text}");
    }

    #[test]
    fn the_json_says_the_same() {
        let json = example().to_json();
        let records = json!({
            "value": 3_190.0,
            "unit": "per s",
            "java": {"value": 319.0, "times": 10.0},
            "goal": {"sign": "≥", "limit": 5_000.0, "reached": false},
        });
        assert_eq!(json["figures"]["records"], records);
        assert_eq!(json["figures"]["seconds"], json!({"value": 1.5, "unit": "s"}));
        assert_eq!((&json["machine"], &json["system"]), (&json!("a machine"), &json!("a system")));
    }
}
