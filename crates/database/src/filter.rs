//! What the filter of a page means, for backends that look at the rows themselves.

use std::cmp::Ordering;

use crate::{Condition, Id, Row, Test, Value};

impl Condition {
    /// Whether a row meets the condition.
    pub(crate) fn is_met_by(&self, row: &Row) -> bool {
        match (self.column, &row.id) {
            (Some(column), _) => {
                row.values.get(column).is_some_and(|value| self.test.is_met_by(value))
            }
            (None, Id::Text(id)) => self.test.is_met_by(&Value::Text(id.clone())),
            (None, Id::Integer(id)) => self.test.is_met_by(&Value::Integer(*id)),
        }
    }
}

impl Test {
    fn is_met_by(&self, value: &Value) -> bool {
        let equals = |other: &Value| compare(value, other) == Some(Ordering::Equal);
        let is = |wanted: fn(Ordering) -> bool, other| compare(value, other).is_some_and(wanted);
        match self {
            Test::IsSet(set) => *set == (*value != Value::Null),
            _ if *value == Value::Null => false,
            Test::OneOf(values) => values.iter().any(equals),
            Test::NoneOf(values) => !values.iter().any(equals),
            Test::Contains(part) => contains(value, part) == Some(true),
            Test::Lacks(part) => contains(value, part) == Some(false),
            Test::Less(limit) => is(Ordering::is_lt, limit),
            Test::AtMost(limit) => is(Ordering::is_le, limit),
            Test::Greater(limit) => is(Ordering::is_gt, limit),
            Test::AtLeast(limit) => is(Ordering::is_ge, limit),
        }
    }
}

/// The order of two values of one kind.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        (Value::Real(left), Value::Real(right)) => left.partial_cmp(right),
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
        (Value::Instant(left), Value::Instant(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Nothing when the value is no text.
fn contains(value: &Value, part: &str) -> Option<bool> {
    let Value::Text(text) = value else { return None };
    Some(text.to_lowercase().contains(&part.to_lowercase()))
}
