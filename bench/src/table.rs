//! The measured figures beside those of another system, with the ratios and the goals, as a table for people and as JSON
//! for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::{
    goal::{Better, Goal},
    report::{aligned, digits},
};

const LEGEND: &str = "(n ×): so many times as good as that; less than 1 is worse.";

/// The system whose figures stand beside the measured ones.
pub(crate) struct Other {
    /// For people, at the head of its column.
    pub(crate) heading: &'static str,
    /// For programs.
    pub(crate) key: &'static str,
    /// Where its figures come from.
    pub(crate) source: String,
}

/// What a figure is measured in, which way is better, what the other system has, and what it should be.
#[derive(Clone, Copy)]
pub(crate) struct Figure {
    unit: &'static str,
    better: Better,
    other: Option<f64>,
    goal: Goal,
}

/// The figures of a run, in the order in which they were measured.
pub(crate) struct Table {
    machine: String,
    system: String,
    other: Other,
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
pub(crate) const fn more(unit: &'static str) -> Figure {
    Figure { unit, better: Better::More, other: None, goal: Goal::None }
}

/// A figure that is better when it is smaller.
pub(crate) const fn less(unit: &'static str) -> Figure {
    Figure { unit, better: Better::Less, other: None, goal: Goal::None }
}

impl Figure {
    /// What the other system has, if that is known.
    pub(crate) fn beside(self, other: impl Into<Option<f64>>) -> Figure {
        Figure { other: other.into(), ..self }
    }

    /// What it should be.
    pub(crate) const fn goal(self, goal: Goal) -> Figure {
        Figure { goal, ..self }
    }
}

impl Table {
    /// Nothing measured yet.
    pub(crate) fn new(machine: String, system: String, other: Other) -> Table {
        Table { machine, system, other, rows: Vec::new() }
    }

    /// Adds a figure, and says it; `key` is its name in JSON.
    pub(crate) fn add(
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
    pub(crate) fn to_text(&self) -> String {
        let header = ["", "measured", self.other.heading, "goal"].map(str::to_owned);
        let lines: Vec<_> =
            std::iter::once(header).chain(self.rows.iter().map(Row::cells)).collect();
        let mut text = format!("machine   {}\nsystem    {}\n\n", self.machine, self.system);
        text.push_str(&aligned(&lines));
        text.push('\n');
        if self.rows.iter().any(|row| row.figure.other.is_some()) {
            text.push_str(LEGEND);
            text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", self.other.source);
        text
    }

    /// The same as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let Table { machine, system, other, rows } = self;
        let figures: Map<_, _> =
            rows.iter().map(|row| (row.key.clone(), row.to_json(other.key))).collect();
        let mut json = json!({"machine": machine, "system": system});
        json[other.key] = json!(other.source.replace('\n', " "));
        json["figures"] = json!(figures);
        json
    }

    /// Whether every figure could be measured.
    pub(crate) fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| row.value.is_finite())
    }
}

impl Row {
    fn cells(&self) -> [String; 4] {
        let Figure { unit, other, goal, .. } = self.figure;
        let with_unit = |value: f64| match value.is_nan() {
            true => "–".to_owned(),
            false => format!("{} {unit}", digits(value)).trim_end().to_owned(),
        };
        let other = other.map_or_else(String::new, |other| {
            format!("{} ({} ×)", digits(other), digits(self.figure.better.times(self.value, other)))
        });
        let goal = goal.limit().map_or_else(String::new, |(sign, limit)| {
            let outcome = match goal.reached(self.value) {
                true => "reached",
                false if self.value.is_nan() => "not measured",
                false => "MISSED",
            };
            format!("{sign} {}: {outcome}", with_unit(limit))
        });
        [self.label.clone(), with_unit(self.value), other, goal]
    }

    fn to_json(&self, key: &str) -> Value {
        let Figure { unit, other, goal, .. } = self.figure;
        let mut value = json!({"value": self.value, "unit": unit});
        if let Some(other) = other {
            value[key] =
                json!({"value": other, "times": self.figure.better.times(self.value, other)});
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
        let other =
            Other { heading: "Java", key: "java", source: "measured\nelsewhere".to_owned() };
        let mut table = Table::new("a machine".to_owned(), "a system".to_owned(), other);
        table.add("mail", "PUT → mail", 4.0, less("ms").beside(8.8).goal(Goal::AtMost(5.0)));
        table.add(
            "records",
            "records",
            3_190.0,
            more("per s").beside(319.0).goal(Goal::AtLeast(5e3)),
        );
        table.add("seconds", "so long", 1.5, less("s"));
        table
    }

    #[test]
    fn the_table_puts_the_other_and_the_goal_beside() {
        let text = example().to_text();
        let words = |text: &str| {
            text.lines()
                .map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let expected = "\
machine   a machine
system    a system

             measured       Java   goal
PUT → mail       4 ms     8.80 (2.20 ×)   ≤ 5 ms: reached
records    3190 per s      319 (10 ×)   ≥ 5000 per s: MISSED
so long        1.50 s
";
        assert!(words(&text).starts_with(&words(expected)), "{text}");
        assert!(text.contains(LEGEND) && text.contains("measured\nelsewhere"), "{text}");
    }

    #[test]
    fn ratios_are_explained_where_there_are_any() {
        let mut table = example();
        assert!(table.to_text().contains(LEGEND));
        table.rows.drain(..2);
        assert!(!table.to_text().contains(LEGEND), "{}", table.to_text());
    }

    #[test]
    fn a_figure_that_could_not_be_measured_makes_it_incomplete() {
        let mut table = example();
        assert!(table.is_complete());
        table.add("rate", "requests", f64::NAN, more("per s").goal(Goal::AtLeast(1.0)));
        assert!(!table.is_complete());
        let text = table.to_text();
        assert!(text.contains("–") && text.contains("≥ 1 per s: not measured"), "{text}");
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
        let about = ["machine", "system", "java"].map(|member| json[member].clone());
        assert_eq!(about, ["a machine", "a system", "measured elsewhere"]);
    }
}
