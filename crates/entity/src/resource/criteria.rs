//! The filters of a list as JHipster's criteria have them: `title.contains=moby`, `count.in=1,2`, `placed.specified=false`.

use chassis::Problem;
use database::{Condition, IdKind, Test, Value};

use crate::{Entity, FieldKind, instant};

/// How many conditions a list may have, and how many values one of them.
pub(crate) const CONDITIONS: usize = 32;
pub(crate) const VALUES: usize = 100;

/// The conditions of a list, each with the parameter that it came from.
#[derive(Debug, Default)]
pub(super) struct Criteria(Vec<(String, Condition)>);

/// What a column holds, as far as filters are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds<'a> {
    Text,
    Integer,
    Long,
    Double,
    Boolean,
    Instant,
    OneOf(&'a FieldKind),
}

/// How a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equals,
    NotEquals,
    In,
    NotIn,
    Specified,
    Contains,
    DoesNotContain,
    GreaterThan,
    LessThan,
    GreaterThanOrEqual,
    LessThanOrEqual,
}

impl Operator {
    /// All of them, with their names.
    pub(crate) const ALL: [(&str, Operator); 11] = [
        ("equals", Operator::Equals),
        ("notEquals", Operator::NotEquals),
        ("in", Operator::In),
        ("notIn", Operator::NotIn),
        ("specified", Operator::Specified),
        ("contains", Operator::Contains),
        ("doesNotContain", Operator::DoesNotContain),
        ("greaterThan", Operator::GreaterThan),
        ("lessThan", Operator::LessThan),
        ("greaterThanOrEqual", Operator::GreaterThanOrEqual),
        ("lessThanOrEqual", Operator::LessThanOrEqual),
    ];

    /// Whether a field of this kind, or the id where there is none, can be compared so.
    pub(crate) fn fits(self, id: IdKind, kind: Option<&FieldKind>) -> bool {
        self.suits(Holds::of(id, kind))
    }

    fn suits(self, holds: Holds<'_>) -> bool {
        match self {
            Operator::Contains | Operator::DoesNotContain => holds == Holds::Text,
            Operator::GreaterThan
            | Operator::LessThan
            | Operator::GreaterThanOrEqual
            | Operator::LessThanOrEqual => !matches!(holds, Holds::Boolean | Holds::OneOf(_)),
            _ => true,
        }
    }
}

impl Criteria {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.0.iter().map(|(_, condition)| condition)
    }

    /// Adds the condition of a parameter; one that is none of a field's filters means nothing, nor does an empty value
    /// where it is no text.
    ///
    /// # Errors
    /// 400 when the field cannot be compared so, when the value is not of the field's kind, and for too much of either.
    pub(super) fn read(&mut self, entity: &Entity, name: &str, text: &str) -> Result<(), Problem> {
        let Some((field, operator)) = name.rsplit_once('.') else { return Ok(()) };
        let known = Operator::ALL.into_iter().find(|(known, _)| *known == operator);
        let Some((_, operator)) = known else { return Ok(()) };
        let column = match (field, entity.position(field)) {
            ("id", _) => None,
            (_, Some(position)) => Some(position),
            (_, None) => return Ok(()),
        };
        let kind = column.and_then(|column| entity.fields.get(column)).map(|field| &field.kind);
        let holds = Holds::of(entity.id, kind);
        if !operator.suits(holds) {
            return Err(refusal(name, format!("{field} cannot be compared so")));
        }
        if text.trim().is_empty() && holds != Holds::Text {
            return Ok(());
        }
        let test = test(operator, holds, text).map_err(|reason| refusal(name, reason))?;
        self.add(name, Condition { column, test })
    }

    /// What is given several times as a list is one list.
    fn add(&mut self, name: &str, condition: Condition) -> Result<(), Problem> {
        let is_list = name.ends_with(".in") || name.ends_with(".notIn");
        let known = self.0.iter_mut().find(|(known, _)| is_list && known == name);
        let known = known.map(|(_, condition)| &mut condition.test);
        match (known, condition.test) {
            (
                Some(Test::OneOf(known) | Test::NoneOf(known)),
                Test::OneOf(more) | Test::NoneOf(more),
            ) => {
                known.extend(more);
                if known.len() > VALUES {
                    return Err(refusal(name, too_many_values()));
                }
            }
            (_, test) => {
                self.0.push((name.to_owned(), Condition { test, ..condition }));
                if self.0.len() > CONDITIONS {
                    let reason = format!("a list can have at most {CONDITIONS} filters");
                    return Err(refusal(name, reason));
                }
            }
        }
        Ok(())
    }
}

fn test(operator: Operator, holds: Holds<'_>, text: &str) -> Result<Test, String> {
    let one = || holds.value(text);
    Ok(match operator {
        Operator::Equals => Test::OneOf(vec![one()?]),
        Operator::NotEquals => Test::NoneOf(vec![one()?]),
        Operator::In => Test::OneOf(several(holds, text)?),
        Operator::NotIn => Test::NoneOf(several(holds, text)?),
        Operator::Specified => match Holds::Boolean.value(text)? {
            Value::Boolean(set) => Test::IsSet(set),
            _ => Test::IsSet(true),
        },
        Operator::Contains => Test::Contains(text.to_owned()),
        Operator::DoesNotContain => Test::Lacks(text.to_owned()),
        Operator::GreaterThan => Test::Greater(one()?),
        Operator::LessThan => Test::Less(one()?),
        Operator::GreaterThanOrEqual => Test::AtLeast(one()?),
        Operator::LessThanOrEqual => Test::AtMost(one()?),
    })
}

fn several(holds: Holds<'_>, text: &str) -> Result<Vec<Value>, String> {
    let parts = text.split(',');
    if parts.clone().count() > VALUES {
        return Err(too_many_values());
    }
    parts.map(|part| holds.value(part)).collect()
}

fn too_many_values() -> String {
    format!("there can be at most {VALUES} values")
}

fn refusal(name: &str, reason: String) -> Problem {
    Problem::bad_request(format!("Parameter '{name}' cannot be used: {reason}"))
}

impl<'a> Holds<'a> {
    fn of(id: IdKind, kind: Option<&'a FieldKind>) -> Self {
        match (kind, id) {
            (None, IdKind::ObjectId) | (Some(FieldKind::String), _) => Holds::Text,
            (None, IdKind::Sequence) | (Some(FieldKind::Long), _) => Holds::Long,
            (Some(FieldKind::Integer), _) => Holds::Integer,
            (Some(FieldKind::Double), _) => Holds::Double,
            (Some(FieldKind::Boolean), _) => Holds::Boolean,
            (Some(FieldKind::Instant), _) => Holds::Instant,
            (Some(kind @ FieldKind::Enum(_)), _) => Holds::OneOf(kind),
        }
    }

    /// Reads a value as Spring converts a parameter.
    fn value(self, text: &str) -> Result<Value, String> {
        let trimmed = text.trim();
        let (value, wanted) = match self {
            Holds::Text => return Ok(Value::Text(text.to_owned())),
            Holds::Integer => {
                let number = trimmed.parse::<i32>().ok();
                (number.map(|number| Value::Integer(number.into())), "a whole number of 32 bits")
            }
            Holds::Long => (trimmed.parse().ok().map(Value::Integer), "a whole number of 64 bits"),
            Holds::Double => {
                let number = trimmed.parse().ok().filter(|number: &f64| number.is_finite());
                (number.map(Value::Real), "a number")
            }
            Holds::Boolean => {
                let truth = match trimmed.to_ascii_lowercase().as_str() {
                    "true" | "on" | "yes" | "1" => Some(true),
                    "false" | "off" | "no" | "0" => Some(false),
                    _ => None,
                };
                (truth.map(Value::Boolean), "true or false")
            }
            Holds::Instant => {
                let wanted = "an instant like 2026-01-31T12:00:00Z";
                (instant::from_text(trimmed).map(Value::Instant), wanted)
            }
            Holds::OneOf(kind) => {
                let FieldKind::Enum(names) = kind else { return Err(String::new()) };
                let name = names.iter().find(|name| *name == trimmed);
                let value = name.map(|name| Value::Text(name.clone().into_owned()));
                return value.ok_or_else(|| {
                    format!("'{}' is none of {}", shortened(text), names.join(", "))
                });
            }
        };
        value.ok_or_else(|| format!("'{}' is not {wanted}", shortened(text)))
    }
}

/// Enough of a text to be recognised.
fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests;
