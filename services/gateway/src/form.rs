//! An entity's form: which inputs it has, and what a submission of it means. Knows no HTTP and no HTML.

mod instant;

use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use crate::openapi::{Field, Kind};

/// The inputs of an entity's form, with the values that they show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) inputs: Vec<Input>,
}

/// One input with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) control: Control,
    pub(crate) required: bool,
    pub(crate) max_length: Option<u64>,
    pub(crate) error: Option<String>,
}

impl Input {
    pub(crate) fn is_flag(&self) -> bool {
        matches!(self.control, Control::Flag(_))
    }

    pub(crate) fn is_instant(&self) -> bool {
        matches!(self.control, Control::Instant(_))
    }
}

/// How a value is entered, and what is entered at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Control {
    Line(String),
    /// Text with line breaks, which a single line would silently drop.
    Lines(String),
    Choice(Vec<Choice>),
    Instant(String),
    Integer(String),
    Decimal(String),
    Flag(bool),
}

/// An option of a select element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) selected: bool,
}

/// A field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    pub(crate) message: String,
}

/// The pairs of a submitted form.
pub(crate) struct Submission(pub(crate) Vec<(String, String)>);

impl Submission {
    fn text(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    }
}

impl Form {
    /// A form for a new entity. Instants that must be given start at `now`.
    pub(crate) fn blank(fields: &[Field], now: Timestamp) -> Self {
        Form::with(fields, |field| match field.kind {
            Kind::Instant if field.required => instant::shown(now),
            _ => String::new(),
        })
    }

    /// A form that shows an entity.
    pub(crate) fn of(fields: &[Field], entity: &Map<String, Value>) -> Self {
        Form::with(fields, |field| shown(field, entity.get(&field.name)))
    }

    /// The form as it was submitted.
    pub(crate) fn submitted(fields: &[Field], submission: &Submission) -> Self {
        Form::with(fields, |field| submission.text(&field.name).to_owned())
    }

    fn with(fields: &[Field], value: impl Fn(&Field) -> String) -> Self {
        let input = |field: &Field| Input {
            name: field.name.clone(),
            label: field.label.clone(),
            control: control(field, value(field)),
            required: field.required,
            max_length: field.max_length,
            error: None,
        };
        Form { inputs: fields.iter().filter(|field| field.is_editable()).map(input).collect() }
    }

    /// Puts each error beside its input; answers those that have none.
    pub(crate) fn mark(&mut self, errors: Vec<FieldError>) -> Vec<FieldError> {
        let mut homeless = Vec::new();
        for error in errors {
            match self.inputs.iter_mut().find(|input| input.name == error.field) {
                Some(input) => input.error = Some(error.message),
                None => homeless.push(error),
            }
        }
        homeless
    }
}

fn control(field: &Field, value: String) -> Control {
    match &field.kind {
        Kind::Choice(options) => Control::Choice(choices(options, value, field.required)),
        Kind::Instant => Control::Instant(value),
        Kind::Integer => Control::Integer(value),
        Kind::Decimal => Control::Decimal(value),
        Kind::Flag => Control::Flag(value == "true"),
        Kind::Text | Kind::Other if value.contains(['\r', '\n']) => Control::Lines(value),
        Kind::Text | Kind::Other => Control::Line(value),
    }
}

/// The options of a choice. A value that the service has and its document does not name stays choosable.
fn choices(options: &[String], value: String, required: bool) -> Vec<Choice> {
    let nothing = String::new();
    let empty = (!required || value.is_empty()).then_some(&nothing);
    let stray = (!value.is_empty() && !options.contains(&value)).then_some(&value);
    let all = empty.into_iter().chain(options).chain(stray);
    all.map(|option| Choice { value: option.clone(), selected: *option == value }).collect()
}

/// What an input shows for a value.
fn shown(field: &Field, value: Option<&Value>) -> String {
    match (&field.kind, value) {
        (_, None | Some(Value::Null)) => String::new(),
        (Kind::Instant, Some(value)) => {
            instant::parse(value).map(instant::shown).unwrap_or_default()
        }
        (_, Some(Value::String(text))) => text.clone(),
        (Kind::Flag, Some(Value::Bool(false))) => String::new(),
        (_, Some(other)) => other.to_string(),
    }
}

/// The entity that a submission describes. What the form does not show, and what was not changed in it, stays exactly
/// as it is in `current`: an input may show less than the value has, as a time without its milliseconds.
pub(crate) fn entity(
    fields: &[Field],
    submission: &Submission,
    current: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, Vec<FieldError>> {
    let mut entity = current.cloned().unwrap_or_default();
    let mut errors = Vec::new();
    for field in fields.iter().filter(|field| field.is_editable()) {
        let text = submission.text(&field.name);
        if current.is_some()
            && is_unchanged(&field.kind, &shown(field, entity.get(&field.name)), text)
        {
            continue;
        }
        match value(&field.kind, text) {
            Ok(value) => drop(entity.insert(field.name.clone(), value)),
            Err(message) => {
                errors.push(FieldError { field: field.name.clone(), message: message.to_owned() })
            }
        }
    }
    if errors.is_empty() { Ok(entity) } else { Err(errors) }
}

/// Tells whether an input came back as it was shown. Browsers may write the same time with or without `:00`, and
/// send every line break as CR LF.
fn is_unchanged(kind: &Kind, shown: &str, submitted: &str) -> bool {
    match kind {
        Kind::Instant => instant::are_same(shown, submitted),
        Kind::Text => unix_lines(shown) == unix_lines(submitted),
        _ => shown == submitted,
    }
}

fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn value(kind: &Kind, text: &str) -> Result<Value, &'static str> {
    match kind {
        Kind::Flag => Ok(Value::Bool(text == "true")),
        _ if text.is_empty() => Ok(Value::Null),
        Kind::Text | Kind::Other => Ok(Value::String(unix_lines(text))),
        Kind::Choice(_) => Ok(Value::String(text.to_owned())),
        Kind::Instant => instant::read(text)
            .map(|instant| Value::String(instant.to_string()))
            .ok_or("must be a date and time"),
        Kind::Integer => {
            text.trim().parse::<i64>().map(Value::from).map_err(|_| "must be a whole number")
        }
        Kind::Decimal => {
            let number = text.trim().parse().ok().and_then(Number::from_f64);
            number.map(Value::Number).ok_or("must be a number")
        }
    }
}

#[cfg(test)]
mod tests;
