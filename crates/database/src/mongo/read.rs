//! Documents as rows, whoever wrote them. A field that is missing, or of a kind that cannot be taken for the column's, is
//! no value; a text that is no UTF-8, as Java writes a lone surrogate, is read with replacement characters.

use jiff::Timestamp;
use mongodb::bson::{
    Bson, Document, RawBson, RawBsonRef, RawDocument, doc, raw::RawElement, spec::ElementType,
};
use tracing::{debug, warn};

use super::{
    document::{CLASS, PENDING},
    version,
};
use crate::{Id, IdKind, Kind, Row, Table, Value};

/// The row of a document; nothing when its id is of a kind that the table's ids are not.
///
/// # Errors
/// When the bytes are no document.
pub(super) fn row(table: &Table, document: &RawDocument) -> anyhow::Result<Option<Row>> {
    let mut id = None;
    let mut values = vec![Value::Null; table.columns.len()];
    let mut expected = 0;
    for element in document.iter_elements() {
        let element = element?;
        let key = element.key().as_str();
        if key == "_id" {
            id = self::id(table, &element);
        } else if key != CLASS
            && key != PENDING
            && let Some(column) = column(table, key, expected)
        {
            values[column] = value(table, column, &element);
            expected = column + 1;
        }
    }
    let version = version::of(&values);
    Ok(id.map(|id| Row { id, version, values }))
}

/// What the document meets as long as it holds the values that it holds now.
///
/// # Errors
/// When the bytes are no document.
pub(super) fn unchanged(table: &Table, document: &RawDocument) -> anyhow::Result<Document> {
    let mut filter = Document::new();
    for column in table.columns.iter() {
        filter.insert(column.name.as_ref(), doc! { "$eq": Bson::Null });
    }
    for element in document.iter_elements() {
        let element = element?;
        let key = element.key().as_str();
        if key != "_id" && column(table, key, 0).is_none() {
            continue;
        }
        let condition = match Bson::try_from(element.clone()) {
            Ok(value) => doc! { "$eq": value },
            // No filter can hold what is no UTF-8. That it is still a text has to do.
            Err(_) => doc! { "$type": i32::from(element.element_type() as u8) },
        };
        filter.insert(key, condition);
    }
    Ok(filter)
}

/// The column of a field. Fields mostly come in the order of the columns.
fn column(table: &Table, key: &str, expected: usize) -> Option<usize> {
    let is_it = |column: &usize| table.columns.get(*column).is_some_and(|it| it.name == key);
    Some(expected).filter(is_it).or_else(|| (0..table.columns.len()).find(is_it))
}

fn id(table: &Table, element: &RawElement<'_>) -> Option<Id> {
    let id = match (table.id, element.value()) {
        (IdKind::ObjectId, Ok(RawBsonRef::ObjectId(id))) => Some(Id::Text(id.to_hex())),
        (IdKind::ObjectId, Ok(RawBsonRef::String(text))) => Some(Id::Text(text.to_owned())),
        (IdKind::Sequence, Ok(value)) => whole(value).map(Id::Integer),
        _ => None,
    };
    if id.is_none() {
        warn!(
            "a document in {} has an id of type {:?} and is passed over",
            table.name,
            element.element_type()
        );
    }
    id
}

fn value(table: &Table, column: usize, element: &RawElement<'_>) -> Value {
    let column = &table.columns[column];
    let value = match (column.kind, element.value()) {
        (_, Ok(RawBsonRef::Null | RawBsonRef::Undefined)) => return Value::Null,
        (Kind::Text, Ok(RawBsonRef::String(text) | RawBsonRef::Symbol(text))) => {
            Some(Value::Text(text.to_owned()))
        }
        (Kind::Text, Err(_)) => lossy(element),
        (Kind::Integer, Ok(value)) => whole(value).map(Value::Integer),
        (Kind::Real, Ok(value)) => real(value),
        (Kind::Boolean, Ok(RawBsonRef::Boolean(truth))) => Some(Value::Boolean(truth)),
        (Kind::Instant, Ok(RawBsonRef::DateTime(date))) => {
            Some(Value::Instant(instant(date.timestamp_millis())))
        }
        _ => None,
    };
    value.unwrap_or_else(|| {
        let (name, found) = (&column.name, element.element_type());
        debug!("{}.{name} is of type {found:?} in a document and counts as no value", table.name);
        Value::Null
    })
}

fn lossy(element: &RawElement<'_>) -> Option<Value> {
    if !matches!(element.element_type(), ElementType::String | ElementType::Symbol) {
        return None;
    }
    match element.value_utf8_lossy() {
        Ok(RawBson::String(text) | RawBson::Symbol(text)) => Some(Value::Text(text)),
        _ => None,
    }
}

/// A number without a fraction, however it is kept.
pub(super) fn whole(value: RawBsonRef<'_>) -> Option<i64> {
    match value {
        RawBsonRef::Int64(number) => Some(number),
        RawBsonRef::Int32(number) => Some(i64::from(number)),
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        // All whole numbers up to 2^53 have a double of their own.
        RawBsonRef::Double(number) if number.trunc() == number && number.abs() < 9e15 => {
            Some(number as i64)
        }
        _ => None,
    }
}

fn real(value: RawBsonRef<'_>) -> Option<Value> {
    match value {
        RawBsonRef::Double(number) => Some(Value::Real(number)),
        RawBsonRef::Int32(number) => Some(Value::Real(f64::from(number))),
        #[expect(clippy::cast_precision_loss, reason = "as Java reads a long into a double")]
        RawBsonRef::Int64(number) => Some(Value::Real(number as f64)),
        _ => None,
    }
}

/// An instant; the nearest that there is when it is farther away than ours go.
pub(super) fn instant(milliseconds: i64) -> Timestamp {
    let nearest = if milliseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(milliseconds).unwrap_or(nearest)
}

#[cfg(test)]
mod tests;
