//! The schemas of a document: entities, their fields, and problems.

use database::IdKind;
use serde_json::{Map, Value, json};

use crate::{Entity, Field, FieldKind, Rule};

/// The name of the schema of problems.
pub(super) const PROBLEM: &str = "Problem";

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

pub(super) fn id(kind: IdKind) -> Value {
    match kind {
        IdKind::ObjectId => json!({ "type": "string" }),
        IdKind::Sequence => json!({ "type": "integer", "format": "int64" }),
    }
}

pub(super) fn kind(kind: &FieldKind) -> Value {
    match kind {
        FieldKind::String => json!({ "type": "string" }),
        FieldKind::Integer => json!({ "type": "integer", "format": "int32" }),
        FieldKind::Long => json!({ "type": "integer", "format": "int64" }),
        FieldKind::Double => json!({ "type": "number", "format": "double" }),
        FieldKind::Boolean => json!({ "type": "boolean" }),
        FieldKind::Instant => json!({ "type": "string", "format": "date-time" }),
        FieldKind::Enum(names) => json!({ "type": "string", "enum": names }),
    }
}

/// An entity; what is required comes in alphabetical order, as springdoc has it.
pub(super) fn entity(entity: &Entity) -> Value {
    let mut properties = Map::new();
    properties.insert("id".to_owned(), id(entity.id));
    for field in entity.fields.iter() {
        properties.insert(field.name.clone().into_owned(), property(field));
    }
    let mut required: Vec<_> =
        entity.fields.iter().filter(|field| field.is_required()).map(|field| &field.name).collect();
    required.sort();
    let mut schema = json!({ "required": required, "type": "object", "properties": properties });
    if required.is_empty()
        && let Some(schema) = schema.as_object_mut()
    {
        schema.shift_remove("required");
    }
    schema
}

fn property(field: &Field) -> Value {
    let mut schema = kind(&field.kind);
    for rule in field.rules.iter() {
        match rule {
            Rule::Required => {}
            Rule::MinLength(least) => schema["minLength"] = json!(least),
            Rule::MaxLength(most) => schema["maxLength"] = json!(most),
            Rule::Min(least) => schema["minimum"] = json!(least),
            Rule::Max(most) => schema["maximum"] = json!(most),
        }
    }
    if !field.is_required() {
        // Answers have null where there is no value, which springdoc does not say.
        schema["nullable"] = json!(true);
        if let Some(names) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            names.push(Value::Null);
        }
    }
    schema
}

/// Every refusal (contract §2.3).
pub(super) fn problem() -> Value {
    let text = json!({ "type": "string" });
    let errors = |members: &[&str]| {
        let members: Map<_, _> =
            members.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
        json!({ "type": "array", "items": { "type": "object", "properties": members } })
    };
    json!({
        "type": "object",
        "properties": {
            "type": text,
            "title": text,
            "status": { "type": "integer", "format": "int32" },
            "detail": text,
            "path": text,
            "message": text,
            "entityName": text,
            "errorKey": text,
            "params": text,
            "fieldErrors": errors(&["objectName", "field", "message"]),
            "violations": errors(&["field", "message"]),
        },
    })
}
