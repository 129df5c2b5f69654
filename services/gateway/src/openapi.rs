//! Reads what the pages need from a service's OpenAPI 3.0 document: its collections and their fields.
//! Tolerant: whatever it does not understand is left out, so that any service's document gives some pages.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::words;

/// How many collections of one service, and fields of one entity, are shown; a document may come from anywhere.
const LIMIT: usize = 100;
/// The longest name that is taken from a document.
const NAME_LIMIT: usize = 100;

/// A collection of entities that a service offers at `/api/<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Collection {
    /// The last segment of its path.
    pub(crate) name: String,
    /// What people call all of them, for example `Book orders`.
    pub(crate) title: String,
    /// What people call one of them, for example `book order`.
    pub(crate) singular: String,
    /// What can be told about each of them, in the document's order; the first is the id.
    pub(crate) fields: Vec<Field>,
    pub(crate) can_create: bool,
    pub(crate) can_edit: bool,
    pub(crate) can_delete: bool,
}

/// A property of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// The member's name in JSON.
    pub(crate) name: String,
    /// What people call it.
    pub(crate) label: String,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) read_only: bool,
    pub(crate) max_length: Option<u64>,
}

/// What values a field takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Choice(Vec<String>),
    Instant,
    Integer,
    Decimal,
    Flag,
    /// Objects, lists and the like: shown as JSON, not edited.
    Other,
}

impl Field {
    pub(crate) fn is_id(&self) -> bool {
        self.name == "id"
    }

    /// Tells whether a person may give it a value.
    pub(crate) fn is_editable(&self) -> bool {
        !self.is_id() && !self.read_only && self.kind != Kind::Other
    }
}

/// Finds the collections of a document, in the order of their names.
pub(crate) fn collections(document: &Value) -> Vec<Collection> {
    let Some(paths) = document.get("paths").and_then(Value::as_object) else { return Vec::new() };
    let mut found: Vec<Collection> =
        paths.keys().filter_map(|path| collection(document, paths, path)).take(LIMIT).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// A collection is a path `/api/<name>` that can be listed, beside a path `/api/<name>/{…}` that can be read.
fn collection(document: &Value, paths: &Map<String, Value>, path: &str) -> Option<Collection> {
    let name = path.strip_prefix("/api/").filter(|name| is_segment(name))?;
    let all = paths.get(path)?;
    let (_, one) = paths.iter().find(|(other, _)| is_item_of(other, path))?;
    all.get("get")?;
    let read = one.get("get")?;
    let (schema_name, schema) = [all.pointer("/post/requestBody"), read.pointer("/responses/200")]
        .into_iter()
        .flatten()
        .find_map(|holder| resolve(document, content_schema(holder)?))?;
    let singular = schema_name
        .filter(|name| is_segment(name))
        .map(|name| name.trim_end_matches("DTO").to_owned());
    Some(Collection {
        name: name.to_owned(),
        title: words::title(name),
        singular: words::words(&singular.unwrap_or_else(|| name.trim_end_matches('s').to_owned())),
        fields: fields(document, schema),
        can_create: all.get("post").is_some(),
        can_edit: one.get("put").is_some(),
        can_delete: one.get("delete").is_some(),
    })
}

fn is_segment(name: &str) -> bool {
    (1..=NAME_LIMIT).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn is_item_of(path: &str, collection: &str) -> bool {
    let item =
        path.strip_prefix(collection).and_then(|rest| rest.strip_prefix("/{")?.strip_suffix('}'));
    item.is_some_and(|parameter| !parameter.contains('/'))
}

/// The schema of a request body or an answer; JSON when there is a choice.
fn content_schema(holder: &Value) -> Option<&Value> {
    let content = holder.get("content")?.as_object()?;
    content.get("application/json").or_else(|| content.values().next())?.get("schema")
}

/// Follows one reference into the document's own schemas; answers the schema's name too where it has one.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> Option<(Option<&'a str>, &'a Value)> {
    let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
        return schema.get("properties").is_some().then_some((None, schema));
    };
    let name = reference.strip_prefix("#/components/schemas/")?;
    let schema = document.get("components")?.get("schemas")?.get(name)?;
    schema.get("properties").is_some().then_some((Some(name), schema))
}

fn fields(document: &Value, schema: &Value) -> Vec<Field> {
    let required: HashSet<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut fields: Vec<Field> = properties
        .filter(|(name, _)| name.len() <= NAME_LIMIT)
        .take(LIMIT)
        .map(|(name, property)| Field {
            name: name.clone(),
            label: if name == "id" { "ID".to_owned() } else { words::title(name) },
            kind: kind(document, property),
            required: required.contains(name.as_str()),
            read_only: property.get("readOnly").and_then(Value::as_bool).unwrap_or(false),
            max_length: property.get("maxLength").and_then(Value::as_u64),
        })
        .collect();
    fields.sort_by_key(|field| !field.is_id());
    fields
}

fn kind(document: &Value, property: &Value) -> Kind {
    let property = enumeration(document, property);
    if let Some(choices) = property.get("enum").and_then(Value::as_array) {
        return Kind::Choice(
            choices.iter().filter_map(Value::as_str).take(LIMIT).map(str::to_owned).collect(),
        );
    }
    let text = |member| property.get(member).and_then(Value::as_str);
    match (text("type"), text("format")) {
        (Some("string"), Some("date-time")) => Kind::Instant,
        (Some("string"), _) => Kind::Text,
        (Some("integer"), _) => Kind::Integer,
        (Some("number"), _) => Kind::Decimal,
        (Some("boolean"), _) => Kind::Flag,
        _ => Kind::Other,
    }
}

/// An enumeration may stand apart, behind a reference.
fn enumeration<'a>(document: &'a Value, property: &'a Value) -> &'a Value {
    let name = property
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|text| text.strip_prefix("#/components/schemas/"));
    name.and_then(|name| document.get("components")?.get("schemas")?.get(name)).unwrap_or(property)
}

#[cfg(test)]
mod tests;
