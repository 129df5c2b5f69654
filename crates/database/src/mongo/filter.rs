//! Conditions and orders of a page, in MongoDB's language. Comparisons there are between values of one kind, as ours are.

use anyhow::{Context, ensure};
use mongodb::bson::{Bson, Document, Regex, doc};

use super::document;
use crate::{Condition, Direction, IdKind, Kind, Page, Table, Test, Value};

/// How many bytes a pattern may have; the limit of the server.
const PATTERN: usize = 32_000;

/// What a document must meet to be on a page.
pub(super) fn filter(table: &Table, page: &Page) -> anyhow::Result<Document> {
    let conditions: Vec<Document> = page
        .filter
        .iter()
        .map(|condition| self::condition(table, condition))
        .collect::<anyhow::Result<_>>()?;
    Ok(match conditions.len() {
        0 | 1 => conditions.into_iter().next().unwrap_or_default(),
        _ => doc! { "$and": conditions },
    })
}

/// The order of a page; nothing when it asks for none, which is the order of insertion.
pub(super) fn order(table: &Table, page: &Page) -> anyhow::Result<Option<Document>> {
    if page.sort.is_empty() {
        return Ok(None);
    }
    let mut order = Document::new();
    for sort in &page.sort {
        let (name, _) = column(table, sort.column)?;
        let direction = match sort.direction {
            Direction::Ascending => 1,
            Direction::Descending => -1,
        };
        // What was ordered by first decides; MongoDB would take the last.
        order.entry(name.to_owned()).or_insert(Bson::Int32(direction));
    }
    order.entry("_id".to_owned()).or_insert(Bson::Int32(1));
    Ok(Some(order))
}

/// The field and the kind of a column; `None` is the id.
fn column(table: &Table, column: Option<usize>) -> anyhow::Result<(&str, Kind)> {
    let Some(at) = column else {
        return Ok(match table.id {
            IdKind::ObjectId => ("_id", Kind::Text),
            IdKind::Sequence => ("_id", Kind::Integer),
        });
    };
    let column =
        table.columns.get(at).with_context(|| format!("{} has no column {at}", table.name))?;
    Ok((&column.name, column.kind))
}

fn condition(table: &Table, condition: &Condition) -> anyhow::Result<Document> {
    let (name, kind) = column(table, condition.column)?;
    let is_id = condition.column.is_none();
    let test = match (&condition.test, is_id) {
        (Test::Contains(part) | Test::Lacks(part), true) if kind == Kind::Text => {
            let has = doc! { "$regexMatch": {
                "input": { "$toString": "$_id" }, "regex": pattern(part)?, "options": "i",
            } };
            return Ok(match condition.test {
                Test::Contains(_) => doc! { "$expr": has },
                _ => doc! { "$expr": { "$not": [has] } },
            });
        }
        (Test::Contains(part), _) if kind == Kind::Text => doc! { "$regex": regex(part)? },
        (Test::Lacks(part), _) if kind == Kind::Text => {
            doc! { "$type": types(kind), "$not": { "$regex": regex(part)? } }
        }
        (Test::Contains(_) | Test::Lacks(_), _) => nothing(),
        (Test::OneOf(values), _) => doc! { "$in": all(values, kind, is_id) },
        (Test::NoneOf(values), _) => {
            let mut others = all(values, kind, is_id);
            // Matches what is missing too.
            others.push(Bson::Null);
            doc! { "$nin": others }
        }
        (Test::Less(limit), _) => {
            compared(Operator { exact: "$lt", cut: "$lte" }, limit, kind, is_id)
        }
        (Test::AtMost(limit), _) => {
            compared(Operator { exact: "$lte", cut: "$lte" }, limit, kind, is_id)
        }
        (Test::Greater(limit), _) => {
            compared(Operator { exact: "$gt", cut: "$gt" }, limit, kind, is_id)
        }
        (Test::AtLeast(limit), _) => {
            compared(Operator { exact: "$gte", cut: "$gt" }, limit, kind, is_id)
        }
        (Test::IsSet(true), true) => doc! { "$exists": true },
        (Test::IsSet(false), true) => nothing(),
        (Test::IsSet(true), false) => doc! { "$type": types(kind) },
        (Test::IsSet(false), false) => doc! { "$not": { "$type": types(kind) } },
    };
    Ok(doc! { name: test })
}

/// A condition that nothing meets.
fn nothing() -> Document {
    doc! { "$in": [] }
}

/// How to compare with a limit, and with one of which something had to be cut off.
struct Operator {
    exact: &'static str,
    cut: &'static str,
}

fn compared(operator: Operator, limit: &Value, kind: Kind, is_id: bool) -> Document {
    if limit.kind() != Some(kind) {
        return nothing();
    }
    let name = if is_exact(limit) { operator.exact } else { operator.cut };
    doc! { name: written(limit, is_id).unwrap_or(Bson::Null) }
}

/// Values to look for: those of this kind, that MongoDB can keep.
fn all(values: &[Value], kind: Kind, is_id: bool) -> Vec<Bson> {
    let known = values.iter().filter(|value| value.kind() == Some(kind) && is_exact(value));
    known.filter_map(|value| written(value, is_id)).collect()
}

fn written(value: &Value, is_id: bool) -> Option<Bson> {
    match (value, is_id) {
        (Value::Text(text), true) => Some(document::text_id(text)),
        _ => document::value(value),
    }
}

fn is_exact(value: &Value) -> bool {
    match value {
        Value::Instant(instant) => instant.subsec_nanosecond() % 1_000_000 == 0,
        _ => true,
    }
}

/// What a field of this kind is read from.
fn types(kind: Kind) -> Bson {
    let names: &[&str] = match kind {
        Kind::Text => &["string", "symbol"],
        Kind::Integer | Kind::Real => &["int", "long", "double"],
        Kind::Boolean => &["bool"],
        Kind::Instant => &["date"],
    };
    Bson::from(names.to_vec())
}

fn regex(part: &str) -> anyhow::Result<Bson> {
    let pattern = pattern(part)?.try_into().context("write a pattern")?;
    Ok(Bson::RegularExpression(Regex {
        pattern,
        options: "i".try_into().context("write a pattern")?,
    }))
}

/// A pattern that matches a text as it stands.
fn pattern(part: &str) -> anyhow::Result<String> {
    let mut pattern = String::with_capacity(part.len() + 8);
    for character in part.chars() {
        match character {
            '\0' => pattern.push_str("\\x00"),
            _ if character.is_ascii_punctuation() => pattern.extend(['\\', character]),
            _ => pattern.push(character),
        }
    }
    ensure!(pattern.len() <= PATTERN, "MongoDB does not look for a text as long as this");
    Ok(pattern)
}
