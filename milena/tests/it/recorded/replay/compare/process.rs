//! Answers that show the state of a process: the same members with the same kinds of values, whatever the values are.

use serde_json::{Map, Value};

use super::cut::completed;

/// Members whose names tell about one system only: any names will do, and each value has the recorded form.
const OPEN: [&str; 17] = [
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
    "inputs",
    "jvm",
    "liquibaseBeans",
    "loggers",
    "percode",
    "properties",
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
        Ok(came) => misfit("$", &recorded, &came),
        Err(error) => Some(format!("came no JSON ({error})")),
    }
}

/// Where and how a value does not have the recorded form.
fn misfit(at: &str, recorded: &Value, came: &Value) -> Option<String> {
    let name = at.rsplit('/').next().unwrap_or_default();
    if EXACT.contains(&name) && !recorded.is_object() {
        return (recorded != came).then(|| format!("{at}: expected {recorded}, came {came}"));
    }
    match (recorded, came) {
        (Value::Object(recorded), Value::Object(came)) if is_open(name, recorded) => {
            came.iter().find_map(|(member, came)| {
                let at = format!("{at}/{member}");
                match recorded.get(member) {
                    Some(recorded) => misfit(&at, recorded, came),
                    None => fits_none(&at, recorded.values(), came),
                }
            })
        }
        (Value::Object(recorded), Value::Object(came)) => {
            recorded.iter().find_map(|(member, recorded)| match came.get(member) {
                Some(came) => misfit(&format!("{at}/{member}"), recorded, came),
                None => Some(format!("{at}/{member}: expected {recorded}, came nothing")),
            })
        }
        (Value::Array(recorded), Value::Array(came)) => {
            came.iter().find_map(|came| fits_none(&format!("{at}/*"), recorded.iter(), came))
        }
        (Value::Null, _) | (_, Value::Null) => None,
        _ => (kind(recorded) != kind(came))
            .then(|| format!("{at}: expected {} like {recorded}, came {came}", kind(recorded))),
    }
}

/// The older form of health keeps its components in `details`, which else are what a component tells.
fn is_open(name: &str, recorded: &Map<String, Value>) -> bool {
    let has_components = || recorded.values().any(|value| value.get("status").is_some());
    OPEN.contains(&name) || name == "details" && has_components()
}

/// How a value has the form of none of the recorded ones; any will do where none was recorded.
fn fits_none<'a>(
    at: &str,
    recorded: impl Iterator<Item = &'a Value>,
    came: &Value,
) -> Option<String> {
    let mut misfits = recorded.map(|recorded| misfit(at, recorded, came));
    let first = misfits.next()??;
    misfits.all(|misfit| misfit.is_some()).then_some(first)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
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
        (r#"{"status":"UP","details":{"total":"7"},"threads":[]}"#, Some("$/details/total")),
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
