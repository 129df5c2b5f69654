//! Answers that show the state of a process: the same members with the same kinds of values, whatever the values are.

use serde_json::{Map, Value};

use super::cut::completed;

/// Members whose names tell about one system only: any names will do, and each value has the recorded form.
const OPEN: [&str; 15] = [
    "applications",
    "beans",
    "cache",
    "cacheManagers",
    "caches",
    "components",
    "contexts",
    "databases",
    "garbageCollector",
    "http.server.requests",
    "jvm",
    "liquibaseBeans",
    "loggers",
    "percode",
    "services",
];
/// Members whose values programs decide by.
const EXACT: [&str; 9] = [
    "activeProfiles",
    "artifact",
    "display-ribbon-on-profiles",
    "exists",
    "group",
    "levels",
    "status",
    "templated",
    "threshold",
];

/// How an answer could not stand in for the recorded one.
pub(super) fn deviation(recorded: &str, came: &str) -> Option<String> {
    let parsed = serde_json::from_str(recorded).ok().or_else(|| completed(recorded));
    let Some(recorded) = parsed else {
        return Some("the recorded body is no JSON, and there is no rule for it".to_owned());
    };
    match serde_json::from_str(came) {
        Ok(came) => Comparison { has_all: true }.misfit(&["$"], &recorded, &came),
        Err(error) => Some(format!("came no JSON ({error})")),
    }
}

/// How values are compared.
#[derive(Clone, Copy)]
struct Comparison {
    /// Whether every recorded member has to be there; else those that are there have the recorded form.
    has_all: bool,
}

impl Comparison {
    /// Where and how a value does not have the recorded form.
    fn misfit(self, at: &[&str], recorded: &Value, came: &Value) -> Option<String> {
        if EXACT.contains(at.last()?) && !recorded.is_object() {
            return (recorded != came).then(|| expected(at, recorded, came));
        }
        match (recorded, came) {
            (Value::Object(recorded), Value::Object(came)) => self.members(at, recorded, came),
            (Value::Array(recorded), Value::Array(came)) => came
                .iter()
                .find_map(|came| self.misfit_of_all(&[at, &["*"]].concat(), recorded.iter(), came)),
            (Value::Null, _) | (_, Value::Null) => None,
            _ => (kind(recorded) != kind(came)).then(|| expected(at, recorded, came)),
        }
    }

    fn members(
        self,
        at: &[&str],
        recorded: &Map<String, Value>,
        came: &Map<String, Value>,
    ) -> Option<String> {
        if is_free(at) {
            return None;
        }
        let lacks = recorded.iter().find(|(name, _)| !came.contains_key(*name));
        if let Some((name, recorded)) = lacks.filter(|_| self.has_all && !is_open(at, recorded)) {
            return Some(expected(&[at, &[name]].concat(), recorded, &Value::Null));
        }
        came.iter().find_map(|(name, came)| {
            let inside = [at, &[name]].concat();
            match recorded.get(name) {
                Some(recorded) => self.misfit(&inside, recorded, came),
                // Another thing than any of those that were recorded: it may tell less than they.
                None if is_open(at, recorded) => {
                    Comparison { has_all: false }.misfit_of_all(&inside, recorded.values(), came)
                }
                None => None,
            }
        })
    }

    /// How a value has the form of none of the recorded ones; any will do where none was recorded.
    fn misfit_of_all<'a>(
        self,
        at: &[&str],
        recorded: impl Iterator<Item = &'a Value>,
        came: &Value,
    ) -> Option<String> {
        let mut misfits = recorded.map(|recorded| self.misfit(at, recorded, came));
        let first = misfits.next()??;
        misfits.all(|misfit| misfit.is_some()).then_some(first)
    }
}

/// Whether a member's members have names of one system. The older form of health keeps its components in `details`, which
/// else are what a component tells.
fn is_open(at: &[&str], recorded: &Map<String, Value>) -> bool {
    let [.., parent, name] = at else { return false };
    let has_components = || recorded.values().any(|value| value.get("status").is_some());
    OPEN.contains(name)
        // Below the URI of a service are the methods that were used.
        || *parent == "services"
        || *name == "details" && has_components()
}

/// Whether a member is what a system is configured with, in whatever form.
fn is_free(at: &[&str]) -> bool {
    at.contains(&"beans") && at.last().is_some_and(|name| ["inputs", "properties"].contains(name))
}

fn expected(at: &[&str], recorded: &Value, came: &Value) -> String {
    format!("{}: expected {} like {recorded}, came {came}", at.join("/"), kind(recorded))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[test]
fn the_form_counts_and_the_figures_do_not() {
    let recorded =
        r#"{"status":"UP","details":{"total":5,"exists":true},"threads":[{"id":1,"name":null}]}"#;
    for (came, misfit) in [
        (
            r#"{"status":"UP","details":{"total":7,"exists":true},"threads":[{"id":2,"name":"x"}],"more":1}"#,
            None,
        ),
        (r#"{"status":"DOWN","details":{},"threads":[]}"#, Some("$/status")),
        (
            r#"{"status":"UP","details":{"total":"7","exists":true},"threads":[]}"#,
            Some("$/details/total"),
        ),
        (r#"{"status":"UP","details":{"total":7},"threads":[]}"#, Some("$/details/exists")),
        (
            r#"{"status":"UP","details":{"total":7,"exists":true},"threads":[{"name":"x"}]}"#,
            Some("$/threads/*/id"),
        ),
        (r#"{"status":"UP","threads":[]}"#, Some("$/details")),
        ("text", Some("no JSON")),
    ] {
        let found = deviation(recorded, came);
        match misfit {
            None => assert_eq!(found, None, "{came}"),
            Some(misfit) => assert!(found.unwrap().contains(misfit), "{came}"),
        }
    }
}
