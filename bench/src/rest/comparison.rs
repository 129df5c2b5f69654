//! The measured figures beside those of others, with the ratios and the goals, as a table for people and as JSON for
//! programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{
    baseline::{Baseline, SOURCE},
    health::MONGODB,
};
use crate::report::{aligned, digits};

const COLUMNS: [&str; 6] = ["", "measured", "Java, warm", "Java, cold", "Rust rival", "goal"];

const LEGEND: &str = "(n ×): so many times as good as that; less than 1 is worse.";

const OTHER_DATABASE: &str = "\
This run did not use MongoDB, for which the goals are set: compare it with the others with care (--mongodb names a server).";

/// The figures of a run, in the order in which they were measured.
pub(super) struct Comparison {
    machine: String,
    system: String,
    /// The database in use, once it is known.
    database: String,
    rows: Vec<Row>,
}

/// One measured figure.
struct Row {
    /// For programs.
    key: String,
    /// For people.
    label: String,
    value: f64,
    baseline: &'static Baseline,
}

impl Comparison {
    /// Nothing measured yet.
    pub(super) fn new(machine: String, system: String) -> Comparison {
        Comparison { machine, system, database: String::new(), rows: Vec::new() }
    }

    /// Says which database is in use.
    pub(super) fn name_database(&mut self, database: String) {
        self.database = database;
    }

    /// Adds a figure; `key` is its name in JSON.
    pub(super) fn add(
        &mut self,
        key: impl Into<String>,
        label: impl Into<String>,
        value: f64,
        baseline: &'static Baseline,
    ) {
        self.rows.push(Row { key: key.into(), label: label.into(), value, baseline });
    }

    /// The table.
    pub(super) fn to_text(&self) -> String {
        let header = COLUMNS.map(str::to_owned);
        let lines: Vec<_> =
            std::iter::once(header).chain(self.rows.iter().map(Row::cells)).collect();
        let Comparison { machine, system, database, .. } = self;
        let mut text = format!("machine   {machine}\nsystem    {system}\ndatabase  {database}\n\n");
        text.push_str(&aligned(&lines));
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{LEGEND}\n{SOURCE}\n");
        if !database.starts_with(MONGODB) {
            let _ = writeln!(text, "{OTHER_DATABASE}");
        }
        text
    }

    /// The same as JSON.
    pub(super) fn to_json(&self) -> Value {
        let figures: Map<_, _> =
            self.rows.iter().map(|row| (row.key.clone(), row.to_json())).collect();
        json!({
            "machine": self.machine,
            "system": self.system,
            "database": self.database,
            "others": SOURCE.replace('\n', " "),
            "figures": figures,
        })
    }
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let Baseline { unit, java_warm, java_cold, rival, .. } = self.baseline;
        let beside = |other: &Option<f64>| {
            other.map_or_else(String::new, |other| {
                format!("{} ({} ×)", digits(other), digits(self.times(other)))
            })
        };
        let measured = format!("{} {unit}", digits(self.value)).trim_end().to_owned();
        [
            self.label.clone(),
            measured,
            beside(java_warm),
            beside(java_cold),
            beside(rival),
            self.goal(),
        ]
    }

    /// How many times as good it is as another one.
    fn times(&self, other: f64) -> f64 {
        self.baseline.better.times(self.value, other)
    }

    fn goal(&self) -> String {
        let goal = self.baseline.goal;
        let (Some((sign, limit)), Some(distance)) = (goal.limit(), goal.distance(self.value))
        else {
            return String::new();
        };
        let asked = format!("{sign} {} {}", digits(limit), self.baseline.unit);
        let reached = if goal.reached(self.value) { "reached" } else { "MISSED" };
        let mut text = format!("{}: {reached}", asked.trim_end());
        // Writing to a string cannot fail.
        if distance.is_nan() {
            text.push_str(", not measured");
        } else if distance != 0.0 {
            let _ = write!(text, " by {}", digits(distance.abs()));
            if limit != 0.0 {
                let _ = write!(text, " ({:.1} %)", distance.abs() / limit * 100.0);
            }
        }
        text
    }

    fn to_json(&self) -> Value {
        let Baseline { unit, java_warm, java_cold, rival, goal, .. } = self.baseline;
        let mut value = json!({"value": self.value, "unit": unit});
        for (name, other) in [("java_warm", java_warm), ("java_cold", java_cold), ("rival", rival)]
        {
            if let Some(other) = *other {
                value[name] = json!({"value": other, "times": self.times(other)});
            }
        }
        if let (Some((sign, limit)), Some(distance)) = (goal.limit(), goal.distance(self.value)) {
            value["goal"] = json!({
                "sign": sign,
                "limit": limit,
                "reached": goal.reached(self.value),
                "distance": distance,
            });
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::baseline::{FAILURES, GENERATOR, GET, MEMORY, START};

    fn check_goal(value: f64, baseline: &'static Baseline, expected: &str) {
        let row = Row { key: String::new(), label: String::new(), value, baseline };
        assert_eq!(row.goal(), expected, "{value}");
    }

    #[test]
    fn a_goal_says_whether_it_is_reached_and_the_distance() {
        check_goal(9_450.0, &GET.per_processor_second, "≥ 9000: reached by 450 (5.0 %)");
        check_goal(9_000.0, &GET.per_processor_second, "≥ 9000: reached");
        check_goal(8_100.0, &GET.per_processor_second, "≥ 9000: MISSED by 900 (10.0 %)");
        check_goal(4.0, &GET.slowest, "< 5 ms: reached by 1 (20.0 %)");
        check_goal(5.0, &GET.slowest, "< 5 ms: MISSED");
        check_goal(35.0, &MEMORY, "≤ 28 MB: MISSED by 7 (25.0 %)");
        check_goal(0.05, &START, "≤ 0.100 s: reached by 0.050 (50.0 %)");
        check_goal(3.0, &FAILURES, "≤ 0: MISSED by 3");
        check_goal(0.0, &FAILURES, "≤ 0: reached");
        check_goal(f64::NAN, &MEMORY, "≤ 28 MB: MISSED, not measured");
        check_goal(1.0, &GET.median, "");
    }

    fn check_times(value: f64, baseline: &'static Baseline, other: f64, expected: f64) {
        let row = Row { key: String::new(), label: String::new(), value, baseline };
        assert!((row.times(other) - expected).abs() < 1e-9, "{value} beside {other}");
    }

    #[test]
    fn a_ratio_above_one_is_better_whatever_is_measured() {
        check_times(3_448.0, &GET.per_processor_second, 1_724.0, 2.0);
        check_times(862.0, &GET.per_processor_second, 1_724.0, 0.5);
        check_times(12.0, &GET.slowest, 24.0, 2.0);
        check_times(56.0, &MEMORY, 28.0, 0.5);
    }

    fn example() -> Comparison {
        let mut comparison = Comparison::new("a machine".to_owned(), "a system".to_owned());
        comparison.name_database("a database".to_owned());
        comparison.add("get", "GET per CPU-s", 3_448.0, &GET.per_processor_second);
        comparison.add("memory", "memory", 14.0, &MEMORY);
        comparison.add("own", "load generator", 0.07, &GENERATOR);
        comparison
    }

    #[test]
    fn the_table_puts_the_others_beside() {
        let expected = "\
machine   a machine
system    a system
database  a database

                 measured     Java, warm     Java, cold       Rust rival   goal
GET per CPU-s        3448    1724 (2 ×)   455 (7.58 ×)   6262 (0.551 ×)   ≥ 9000: MISSED by 5552 (61.7 %)
memory              14 MB   553 (39.50 ×)                       28 (2 ×)   ≤ 28 MB: reached by 14 (50.0 %)
load generator    0.070 s
";
        let text = example().to_text();
        let words = |text: &str| {
            text.lines()
                .map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        assert!(words(&text).starts_with(&words(expected)), "{text}");
        assert!(text.contains(LEGEND) && text.contains(SOURCE), "{text}");
        let starts: Vec<_> = text
            .lines()
            .filter_map(|line| line.find(['≥', '≤']).map(|at| line[..at].chars().count()))
            .collect();
        assert!(starts.len() == 2 && starts[0] == starts[1], "{text}");
    }

    #[test]
    fn a_database_for_which_no_goal_was_set_is_pointed_out() {
        for (database, expected) in [("MongoDB 6.0.5", false), ("SQLite", true), ("", true)] {
            let mut comparison = example();
            comparison.name_database(database.to_owned());
            assert_eq!(comparison.to_text().contains(OTHER_DATABASE), expected, "{database}");
        }
    }

    #[test]
    fn the_json_says_the_same() {
        let json = example().to_json();
        let expected = json!({
            "value": 3_448.0,
            "unit": "",
            "java_warm": {"value": 1_724.0, "times": 2.0},
            "java_cold": {"value": 455.0, "times": 3_448.0 / 455.0},
            "rival": {"value": 6_262.0, "times": 3_448.0 / 6_262.0},
            "goal": {"sign": "≥", "limit": 9_000.0, "reached": false, "distance": -5_552.0},
        });
        assert_eq!(json["figures"]["get"], expected);
        assert_eq!(json["figures"]["own"], json!({"value": 0.07, "unit": "s"}));
        let about = ["machine", "system", "database"].map(|member| json[member].clone());
        assert_eq!(about, ["a machine", "a system", "a database"]);
    }
}
