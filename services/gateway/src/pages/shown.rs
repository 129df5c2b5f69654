//! How a value is shown to a person.

use ::pages::{Time, brief};
use serde_json::{Map, Value};

use crate::openapi::{Field, Kind};

/// How many badge colours the style sheet has.
const TONES: usize = 4;

/// A value in the form that suits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    Text(String),
    Code(String),
    Badge(Badge),
    Instant(Time),
}

/// A state at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Badge {
    pub(crate) text: String,
    /// A class of the style sheet.
    pub(crate) tone: String,
}

impl Shown {
    /// The form that fits a cell of a table.
    pub(crate) fn brief(self) -> Self {
        match self {
            Shown::Text(text) => Shown::Text(brief(&text)),
            Shown::Code(text) => Shown::Code(brief(&text)),
            Shown::Badge(badge) => Shown::Badge(Badge { text: brief(&badge.text), ..badge }),
            Shown::Nothing | Shown::Instant(_) => self,
        }
    }
}

/// What the value of a field is called; times are told in UTC.
pub(crate) fn label(field: &Field) -> String {
    if field.kind == Kind::Instant { format!("{} (UTC)", field.label) } else { field.label.clone() }
}

/// Shows the value of a field.
pub(crate) fn shown(field: &Field, entity: &Map<String, Value>) -> Shown {
    match (&field.kind, entity.get(&field.name)) {
        (_, None | Some(Value::Null)) => Shown::Nothing,
        (Kind::Choice(options), Some(Value::String(text))) => {
            let place = options.iter().position(|option| option == text);
            badge(text, place.map(|place| format!("tone-{}", place % TONES)).unwrap_or_default())
        }
        (Kind::Instant, Some(Value::String(text))) => text.parse().map_or_else(
            |_| Shown::Text(text.clone()),
            |instant| Shown::Instant(Time::of(instant)),
        ),
        (Kind::Flag, Some(Value::Bool(yes))) => {
            Shown::Text(if *yes { "Yes" } else { "No" }.to_owned())
        }
        (_, Some(value)) if field.is_id() => Shown::Code(plain(value)),
        (Kind::Text, Some(Value::String(text))) if is_state(&field.name) && !text.is_empty() => {
            badge(text, String::new())
        }
        (_, Some(value)) => Shown::Text(plain(value)),
    }
}

/// The plain text of a value.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn badge(text: &str, tone: String) -> Shown {
    Shown::Badge(Badge { text: text.to_owned(), tone })
}

/// A text that is called a status is one, although it may hold anything.
fn is_state(name: &str) -> bool {
    name.to_lowercase().ends_with("status")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(name: &str, kind: Kind, value: Value, expected: Shown) {
        let (name, label) = (name.to_owned(), String::new());
        let field = Field {
            name: name.clone(),
            label,
            kind,
            required: false,
            read_only: false,
            max_length: None,
        };
        assert_eq!(shown(&field, json!({ name: value }).as_object().unwrap()), expected);
    }

    #[test]
    fn values_are_shown_in_the_form_that_suits_them() {
        let text = |text: &str| Shown::Text(text.to_owned());
        let time =
            Time { exact: "2026-01-02T03:04:05.678Z".into(), text: "2026-01-02 03:04:05".into() };
        let options = || Kind::Choice(vec!["OPEN".into(), "CLOSED".into()]);
        check("x", Kind::Text, json!(null), Shown::Nothing);
        check("x", Kind::Text, json!("a"), text("a"));
        check("x", Kind::Other, json!([1]), text("[1]"));
        check("x", Kind::Flag, json!(false), text("No"));
        check("x", Kind::Instant, json!("2026-01-02T03:04:05.678Z"), Shown::Instant(time));
        check("x", Kind::Instant, json!("soon"), text("soon"));
        check("x", options(), json!("CLOSED"), badge("CLOSED", "tone-1".into()));
        check("x", options(), json!("ODD"), badge("ODD", String::new()));
        check("orderStatus", Kind::Text, json!("SENT"), badge("SENT", String::new()));
        check("id", Kind::Integer, json!(7), Shown::Code("7".into()));
    }

    #[test]
    fn cells_are_short() {
        let (long, cut) = ("ü".repeat(81), format!("{}…", "ü".repeat(80)));
        let text = |text: &str| Shown::Text(text.to_owned());
        assert_eq!(text(&long).brief(), text(&cut));
        assert_eq!(text(&long[2..]).brief(), text(&long[2..]));
        assert_eq!(Shown::Code(long.clone()).brief(), Shown::Code(cut.clone()));
        assert_eq!(badge(&long, "tone-1".into()).brief(), badge(&cut, "tone-1".into()));
    }
}
