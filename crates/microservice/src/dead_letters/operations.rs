//! What the OpenAPI document of the management endpoints says of dead letters.

use serde_json::{Value, json};

/// A part of an OpenAPI document, to be merged into a service's: paths and schemas.
pub(crate) fn operations() -> Value {
    let letter = json!({ "$ref": "#/components/schemas/DeadLetter" });
    let letters = json!({ "type": "array", "items": letter });
    let reason = object(&[("reason", "string"), ("count", "integer")]);
    let reasons = json!({ "type": "array", "items": reason });
    let outcome = object(&[("replayed", "integer"), ("left", "integer")]);
    let mut some = vec![parameter("reason", "string"), parameter("channel", "string")];
    let mut page = some.clone();
    page.extend([parameter("page", "integer"), parameter("size", "integer")]);
    some.push(parameter("all", "boolean"));
    let pattern = json!({ "type": "string", "pattern": "^[0-9a-f]{24}$" });
    let one = [json!({ "name": "id", "in": "path", "required": true, "schema": pattern })];
    let list = operation("listDeadLetters", &page, Some(letters), &[]);
    let reasons = operation("listDeadLetterReasons", &[], Some(reasons), &[]);
    let replay_some = operation("replayDeadLetters", &some, Some(outcome), &[400]);
    let show = operation("showDeadLetter", &one, Some(letter.clone()), &[404]);
    let discard = operation("discardDeadLetter", &one, None, &[404, 409]);
    let replay = operation("replayDeadLetter", &one, None, &[404, 409, 422]);
    let refusals = [400, 404, 408, 409, 413, 415, 422];
    let mut correct = operation("correctDeadLetter", &one, Some(letter), &refusals);
    let correction =
        object(&[("payload", "string"), ("payloadBase64", "string"), ("key", "string")]);
    correct["requestBody"] =
        json!({ "required": true, "content": { "application/json": { "schema": correction } } });
    json!({
        "paths": {
            "/management/deadletters": { "get": list },
            "/management/deadletters/reasons": { "get": reasons },
            "/management/deadletters/replay": { "post": replay_some },
            "/management/deadletters/{id}": { "get": show, "put": correct, "delete": discard },
            "/management/deadletters/{id}/replay": { "post": replay },
        },
        "components": { "schemas": { "DeadLetter": schema() } },
    })
}

/// An operation that answers with something, or with 204 when there is nothing to say.
fn operation(id: &str, parameters: &[Value], answer: Option<Value>, refusals: &[u16]) -> Value {
    let mut responses = json!({});
    match answer {
        Some(schema) => {
            let content = json!({ "application/json": { "schema": schema } });
            responses["200"] = json!({ "description": "OK", "content": content });
        }
        None => responses["204"] = json!({ "description": "No Content" }),
    }
    // Every one can be without a token, by somebody who may not, and without a database.
    for status in [refusals, &[401, 403, 503]].concat() {
        let name = axum::http::StatusCode::from_u16(status).ok();
        let reason = name.and_then(|name| name.canonical_reason()).unwrap_or_default();
        responses[status.to_string()] = json!({ "description": reason });
    }
    json!({
        "tags": ["dead-letters"],
        "operationId": id,
        "parameters": parameters,
        "responses": responses,
    })
}

fn parameter(name: &str, kind: &str) -> Value {
    json!({ "name": name, "in": "query", "required": false, "schema": { "type": kind } })
}

fn object(members: &[(&str, &str)]) -> Value {
    let mut properties = json!({});
    for (name, kind) in members {
        properties[name] = json!({ "type": kind });
    }
    json!({ "type": "object", "properties": properties })
}

fn schema() -> Value {
    let mut letter = object(&[
        ("id", "string"),
        ("channel", "string"),
        ("message", "string"),
        ("topic", "string"),
        ("partition", "integer"),
        ("offset", "integer"),
        ("reason", "string"),
        ("attempts", "integer"),
        ("first", "string"),
        ("last", "string"),
        ("created", "string"),
        ("key", "string"),
        ("keyBase64", "string"),
        ("headers", "array"),
        ("size", "integer"),
        ("payload", "string"),
        ("payloadBase64", "string"),
        ("truncated", "boolean"),
    ]);
    for time in ["first", "last", "created"] {
        letter["properties"][time]["format"] = json!("date-time");
    }
    for perhaps in ["partition", "offset", "key", "size", "payload"] {
        letter["properties"][perhaps]["nullable"] = json!(true);
    }
    letter["properties"]["headers"]["items"] =
        object(&[("name", "string"), ("value", "string"), ("valueBase64", "string")]);
    letter
}
