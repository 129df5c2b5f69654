//! What OpenAPI documents say of a feed's resources, as the Java services' do.

use serde_json::{Map, Value, json};

/// A part of an OpenAPI document, to be merged into a service's: paths and schemas of a feed with this prefix, under this
/// tag.
pub fn operations(prefix: &str, tag: &str) -> Value {
    let ok = || json!({ "200": { "description": "OK" } });
    let stream = json!({ "200": {
        "description": "OK",
        "content": { "*/*": { "schema": { "$ref": "#/components/schemas/ResponseBodyEmitter" } } }
    } });
    let mut paths = Map::new();
    let message = json!({ "name": "message", "in": "query", "required": true, "schema": { "type": "string" } });
    let publish = json!({ "post": {
        "tags": [tag], "operationId": "publish", "parameters": [message], "responses": ok()
    } });
    let register =
        json!({ "get": { "tags": [tag], "operationId": "register", "responses": stream } });
    let unregister =
        json!({ "get": { "tags": [tag], "operationId": "unregister", "responses": ok() } });
    paths.insert(format!("{prefix}/publish"), publish);
    paths.insert(format!("{prefix}/register"), register);
    paths.insert(format!("{prefix}/unregister"), unregister);
    json!({
        "paths": paths,
        "components": { "schemas": { "ResponseBodyEmitter": {
            "type": "object",
            "properties": { "timeout": { "type": "integer", "format": "int64" } }
        } } }
    })
}
