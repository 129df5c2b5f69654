//! Metrics as text: every line in the form that was asked for, each value under the name of its application.

use super::super::case::Recorded;

/// How metrics are not ones that a dashboard of the original could read.
pub(super) fn deviation(recorded: &Recorded, came: &str) -> Option<String> {
    let application = label(&recorded.body, "application")?;
    let lines = came.lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let value = line.rsplit(' ').next().unwrap_or_default();
        if value.parse::<f64>().is_err() && value != "+Inf" {
            return Some(format!("{line:?} has no value at its end"));
        }
        if label(line, "application") != Some(application) {
            return Some(format!("{line:?} is not of the application {application}"));
        }
    }
    let is_open_metrics = recorded
        .head
        .headers
        .iter()
        .any(|(name, value)| name == "Content-Type" && value.contains("openmetrics"));
    if is_open_metrics != came.ends_with("# EOF\n") {
        return Some("only OpenMetrics has a mark at its end".to_owned());
    }
    // Of a whole answer every name counts; of the beginning of one the names are those of its Java parts.
    let mut names = recorded.body.lines().filter(|line| line.starts_with("# TYPE "));
    names
        .find(|name| recorded.cut.is_none() && !came.lines().any(|line| line == *name))
        .map(|name| format!("expected {name:?}"))
}

fn label<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_once(&format!("{name}=\""))?.1.split('"').next()
}
