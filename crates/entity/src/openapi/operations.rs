//! The operations of an entity's resource. What springdoc says of them comes first; parameters, headers and answers that
//! only ours have are added to it.

use serde_json::{Map, Value, json};

use super::schemas;
use crate::{
    Entity,
    resource::filters::{Operator, VALUES},
};

pub(super) fn item(entity: &Entity) -> Value {
    let tags = [tag(entity)];
    let name = &entity.name;
    let id =
        json!({ "name": "id", "in": "path", "required": true, "schema": schemas::id(entity.id) });
    let changed = |statuses: &[u16]| {
        responses(
            &[(200, one("OK", "*/*", entity, &["ETag"]))],
            &[&[400, 404, 406, 412], statuses].concat(),
        )
    };
    let conditions = [
        header("If-Match", "the entity tag that the entity must have; a GET with `*` answers it"),
        header("If-None-Match", "entity tags that the entity must not have"),
    ];
    let [only, unless] = &conditions;
    let read = [
        (200, one("OK", "*/*", entity, &["ETag"])),
        (304, json!({ "description": "Not Modified", "headers": headers(&["ETag"]) })),
    ];
    let removed =
        [(200, json!({ "description": "OK" })), (204, json!({ "description": "No Content" }))];
    json!({
        "get": {
            "tags": tags,
            "operationId": format!("get{name}"),
            "parameters": [id, only, unless],
            "responses": responses(&read, &[400, 404, 406, 412]),
        },
        "put": {
            "tags": tags,
            "operationId": format!("update{name}"),
            "parameters": [id, only, unless],
            "requestBody": request(entity, &["application/json"]),
            "responses": changed(&[408, 409, 413, 415]),
        },
        "delete": {
            "tags": tags,
            "operationId": format!("delete{name}"),
            "parameters": [id, only, unless],
            "responses": responses(&removed, &[400, 404, 409, 412]),
        },
        "patch": {
            "tags": tags,
            "operationId": format!("partialUpdate{name}"),
            "parameters": [id, only, unless],
            "requestBody": request(entity, &["application/json", "application/merge-patch+json"]),
            "responses": changed(&[408, 409, 413, 415]),
        },
    })
}

pub(super) fn collection(entity: &Entity) -> Value {
    let tags = [tag(entity)];
    let key = header("Idempotency-Key", "makes the same request, sent again, change nothing");
    let created = [
        (200, one("OK", "*/*", entity, &[])),
        (201, one("Created", "application/json", entity, &["Location", "ETag"])),
    ];
    json!({
        "get": {
            "tags": tags,
            "operationId": format!("getAll{}", plural(entity)),
            "parameters": list_parameters(entity),
            "responses": responses(&[(200, many(entity))], &[400, 406]),
        },
        "post": {
            "tags": tags,
            "operationId": format!("create{}", entity.name),
            "parameters": [key],
            "requestBody": request(entity, &["application/json"]),
            "responses": responses(&created, &[400, 406, 408, 409, 413, 415, 422]),
        },
    })
}

/// Paging and order as Spring Data's `Pageable`, and the filters that fit each field.
fn list_parameters(entity: &Entity) -> Vec<Value> {
    let query = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "description": description, "required": false, "schema": schema });
    let mut parameters = vec![
        query(
            "page",
            "Zero-based page index (0..N); without page and size, the list is not in pages",
            json!({ "minimum": 0, "type": "integer" }),
        ),
        query(
            "size",
            "The size of the page to be returned",
            json!({ "minimum": 1, "type": "integer" }),
        ),
        query(
            "sort",
            "Sorting criteria in the format: property,(asc|desc). Default sort order is ascending. Multiple sort criteria are supported.",
            json!({ "type": "array", "items": { "type": "string" } }),
        ),
    ];
    let fields = entity.fields.iter().map(|field| (field.name.as_ref(), Some(&field.kind)));
    for (name, kind) in std::iter::once(("id", None)).chain(fields) {
        let value = kind.map_or_else(|| schemas::id(entity.id), schemas::kind);
        let fitting = Operator::ALL.iter().filter(|(_, operator)| operator.fits(entity.id, kind));
        for (word, operator) in fitting {
            let schema = match operator {
                Operator::Specified => json!({ "type": "boolean" }),
                Operator::In | Operator::NotIn => {
                    json!({ "type": "array", "items": value, "maxItems": VALUES })
                }
                _ => value.clone(),
            };
            let mut parameter = json!({ "name": format!("{name}.{word}"), "in": "query", "required": false, "schema": schema });
            if matches!(operator, Operator::In | Operator::NotIn) {
                parameter["explode"] = json!(false);
            }
            parameters.push(parameter);
        }
    }
    parameters
}

/// `book-order-resource` for `BookOrder`.
fn tag(entity: &Entity) -> String {
    let mut tag = String::new();
    for letter in entity.name.chars() {
        if letter.is_uppercase() && !tag.is_empty() {
            tag.push('-');
        }
        tag.extend(letter.to_lowercase());
    }
    tag + "-resource"
}

/// `BookOrders` for the collection `book-orders`.
fn plural(entity: &Entity) -> String {
    let words = entity.collection.split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    });
    words.collect()
}

fn header(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "header", "description": description, "required": false, "schema": { "type": "string" } })
}

/// The headers of an answer.
fn headers(names: &[&str]) -> Map<String, Value> {
    let header = |name: &&str| {
        let kind = if *name == "X-Total-Count" { "integer" } else { "string" };
        ((*name).to_owned(), json!({ "schema": { "type": kind } }))
    };
    names.iter().map(header).collect()
}

fn with_headers(mut response: Value, names: &[&str]) -> Value {
    if !names.is_empty() {
        response["headers"] = Value::Object(headers(names));
    }
    response
}

fn one(description: &str, media_type: &str, entity: &Entity, headers: &[&str]) -> Value {
    let content = json!({ media_type: { "schema": schemas::reference(&entity.name) } });
    with_headers(json!({ "description": description, "content": content }), headers)
}

fn many(entity: &Entity) -> Value {
    let schema = json!({ "type": "array", "items": schemas::reference(&entity.name) });
    let response = json!({ "description": "OK", "content": { "*/*": { "schema": schema } } });
    with_headers(response, &["X-Total-Count", "Link"])
}

fn request(entity: &Entity, types: &[&str]) -> Value {
    let schema = schemas::reference(&entity.name);
    let content = types.iter().map(|name| ((*name).to_owned(), json!({ "schema": schema })));
    json!({ "content": content.collect::<Map<_, _>>(), "required": true })
}

/// The answers of an operation: its own, and the refusals that it has; every one can be without a token, and without a database.
fn responses(answers: &[(u16, Value)], refusals: &[u16]) -> Value {
    let mut responses: Map<String, Value> =
        answers.iter().map(|(status, answer)| (status.to_string(), answer.clone())).collect();
    let mut refusals = [refusals, &[401, 503]].concat();
    refusals.sort_unstable();
    for status in refusals {
        responses.insert(status.to_string(), refusal(status));
    }
    Value::Object(responses)
}

/// Adds the refusals that any operation has to one that was described elsewhere.
pub(super) fn with_refusals(operation: &Value) -> Value {
    let mut operation = operation.clone();
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        for status in [400, 401, 413, 429, 503] {
            responses.entry(status.to_string()).or_insert_with(|| refusal(status));
        }
    }
    operation
}

fn refusal(status: u16) -> Value {
    let name = axum::http::StatusCode::from_u16(status).ok();
    let reason = name.and_then(|name| name.canonical_reason()).unwrap_or_default();
    let schema = schemas::reference(schemas::PROBLEM);
    json!({ "description": reason, "content": { "application/problem+json": { "schema": schema } } })
}
