//! What OpenAPI documents say of the two resources, as the Java services' do.

use serde_json::{Value, json};

/// A part of an OpenAPI document, to be merged into a service's: paths and schemas of people and authorities.
pub fn operations() -> Value {
    json!({
        "paths": {
            "/api/users": { "get": {
                "tags": ["public-user-resource"],
                "operationId": "getAllPublicUsers",
                "parameters": [
                    parameter(
                        "page",
                        "Zero-based page index (0..N)",
                        json!({ "minimum": 0, "type": "integer", "default": 0 }),
                    ),
                    parameter(
                        "size",
                        "The size of the page to be returned",
                        json!({ "minimum": 1, "type": "integer", "default": 20 }),
                    ),
                    parameter(
                        "sort",
                        "Sorting criteria in the format: property,(asc|desc). Default sort order is ascending. Multiple sort criteria are supported.",
                        json!({ "type": "array", "items": { "type": "string" } }),
                    ),
                ],
                "responses": ok(json!({ "$ref": "#/components/schemas/UserDTO" }))
            } },
            "/api/authorities": { "get": {
                "tags": ["public-user-resource"],
                "operationId": "getAuthorities",
                "responses": ok(json!({ "type": "string" }))
            } }
        },
        "components": { "schemas": { "UserDTO": {
            "type": "object",
            "properties": { "id": { "type": "string" }, "login": { "type": "string" } }
        } } }
    })
}

fn parameter(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "required": false, "schema": schema })
}

fn ok(item: Value) -> Value {
    json!({ "200": {
        "description": "OK",
        "content": { "*/*": { "schema": { "type": "array", "items": item } } }
    } })
}
