//! JSON to values and back, by the description, as Jackson does it for the Java services.

mod given;
mod read;

use database::{Id, IdKind, Value};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value as Json;

use crate::{Entity, instant_text};

pub(crate) use given::Given;

/// A body that is not JSON, or not of the entity's types.
#[derive(Debug, PartialEq, Eq)]
pub struct CodecError {
    /// What was wrong, for a log line at debug level.
    pub reason: String,
}

/// Reads a JSON object: id and one value per field. Unknown members are ignored, a missing member is null.
///
/// # Errors
/// When it is no JSON object or a member has the wrong type.
pub fn decode(entity: &Entity, body: &[u8]) -> Result<(Option<Id>, Vec<Value>), CodecError> {
    let given = Given::read(entity, body)?;
    Ok((given.id, given.values.into_iter().map(|value| value.unwrap_or(Value::Null)).collect()))
}

/// Writes an entity as a JSON object: the id, then every field in the order of the description, null where there is no value.
pub fn encode(entity: &Entity, id: &Id, values: &[Value]) -> Json {
    // Neither a key that is no text nor a number that is none can come up.
    serde_json::to_value(Representation { entity, id, values }).unwrap_or_default()
}

/// Appends the same as text.
pub(crate) fn write(entity: &Entity, id: &Id, values: &[Value], text: &mut Vec<u8>) {
    // The same holds here, and memory takes every byte.
    let _ = serde_json::to_writer(text, &Representation { entity, id, values });
}

/// Reads the id of a path, as Spring converts it.
pub(crate) fn path_id(kind: IdKind, text: &str) -> Option<Id> {
    match kind {
        IdKind::ObjectId => Some(Id::Text(text.to_owned())),
        IdKind::Sequence => text.trim().parse().ok().map(Id::Integer),
    }
}

/// An entity as the wire has it.
struct Representation<'a> {
    entity: &'a Entity,
    id: &'a Id,
    values: &'a [Value],
}

impl Serialize for Representation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(self.values.len() + 1))?;
        match self.id {
            Id::Text(text) => members.serialize_entry("id", text)?,
            Id::Integer(number) => members.serialize_entry("id", number)?,
        }
        for (field, value) in self.entity.fields.iter().zip(self.values) {
            let name = field.name.as_ref();
            match value {
                Value::Null => members.serialize_entry(name, &())?,
                Value::Text(text) => members.serialize_entry(name, text)?,
                Value::Integer(number) => members.serialize_entry(name, number)?,
                Value::Real(number) => members.serialize_entry(name, number)?,
                Value::Boolean(truth) => members.serialize_entry(name, truth)?,
                Value::Instant(instant) => {
                    members.serialize_entry(name, &instant_text(*instant))?;
                }
            }
        }
        members.end()
    }
}

#[cfg(test)]
pub(crate) mod tests;
