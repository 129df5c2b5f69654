//! The OpenAPI document of a service, made from the descriptions of its entities.

use database::IdKind;
use serde_json::{Map, Value, json};

use crate::{Entity, Field, FieldKind, Rule};

/// Makes an OpenAPI 3.0 document of the entities' resources, in the shape of the Java services' (springdoc).
pub fn document(service: &str, entities: &[&Entity]) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for entity in entities {
        paths.insert(format!("/api/{}", entity.collection), collection(entity));
        paths.insert(format!("/api/{}/{{id}}", entity.collection), item(entity));
        schemas.insert(entity.name.clone().into_owned(), schema(entity));
    }
    json!({
        "openapi": "3.0.1",
        "info": { "title": format!("{service} API"), "description": format!("{service} API documentation"), "version": "v1" },
        "servers": [{ "url": "/", "description": "this service" }],
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } }
        }
    })
}

fn collection(entity: &Entity) -> Value {
    json!({
        "get": {
            "tags": [tag(entity)],
            "operationId": format!("getAll{}s", entity.name),
            "parameters": [
                query("page", "integer", "the page, from 0; with size"),
                query("size", "integer", "how many on a page"),
                query("sort", "string", "member,asc or member,desc; may be given several times"),
            ],
            "responses": { "200": many(entity) }
        },
        "post": {
            "tags": [tag(entity)],
            "operationId": format!("create{}", entity.name),
            "requestBody": request(entity, &["application/json"]),
            "responses": { "201": one("Created", entity) }
        }
    })
}

fn item(entity: &Entity) -> Value {
    let id =
        json!([{ "name": "id", "in": "path", "required": true, "schema": id_schema(entity.id) }]);
    json!({
        "get": {
            "tags": [tag(entity)],
            "operationId": format!("get{}", entity.name),
            "parameters": id,
            "responses": { "200": one("OK", entity) }
        },
        "put": {
            "tags": [tag(entity)],
            "operationId": format!("update{}", entity.name),
            "parameters": id,
            "requestBody": request(entity, &["application/json"]),
            "responses": { "200": one("OK", entity) }
        },
        "delete": {
            "tags": [tag(entity)],
            "operationId": format!("delete{}", entity.name),
            "parameters": id,
            "responses": { "204": { "description": "No Content" } }
        },
        "patch": {
            "tags": [tag(entity)],
            "operationId": format!("partialUpdate{}", entity.name),
            "parameters": id,
            "requestBody": request(entity, &["application/json", "application/merge-patch+json"]),
            "responses": { "200": one("OK", entity) }
        }
    })
}

fn tag(entity: &Entity) -> String {
    format!("{}-resource", entity.collection.trim_end_matches('s'))
}

fn query(name: &str, kind: &str, description: &str) -> Value {
    json!({ "name": name, "in": "query", "description": description, "required": false, "schema": { "type": kind } })
}

fn reference(entity: &Entity) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", entity.name) })
}

fn one(description: &str, entity: &Entity) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": reference(entity) } } })
}

fn many(entity: &Entity) -> Value {
    let schema = json!({ "type": "array", "items": reference(entity) });
    json!({ "description": "OK", "content": { "application/json": { "schema": schema } } })
}

fn request(entity: &Entity, types: &[&str]) -> Value {
    let content: Map<String, Value> = types
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "schema": reference(entity) })))
        .collect();
    json!({ "content": content, "required": true })
}

fn id_schema(kind: IdKind) -> Value {
    match kind {
        IdKind::ObjectId => json!({ "type": "string" }),
        IdKind::Sequence => json!({ "type": "integer", "format": "int64" }),
    }
}

fn schema(entity: &Entity) -> Value {
    let mut properties = Map::new();
    let mut id = id_schema(entity.id);
    id["readOnly"] = json!(true);
    properties.insert("id".to_owned(), id);
    for field in entity.fields.iter() {
        properties.insert(field.name.clone().into_owned(), property(field));
    }
    let required: Vec<_> =
        entity.fields.iter().filter(|field| field.is_required()).map(|field| &field.name).collect();
    json!({ "required": required, "type": "object", "properties": properties })
}

fn property(field: &Field) -> Value {
    let mut schema = match &field.kind {
        FieldKind::String => json!({ "type": "string" }),
        FieldKind::Integer => json!({ "type": "integer", "format": "int32" }),
        FieldKind::Long => json!({ "type": "integer", "format": "int64" }),
        FieldKind::Double => json!({ "type": "number", "format": "double" }),
        FieldKind::Boolean => json!({ "type": "boolean" }),
        FieldKind::Instant => json!({ "type": "string", "format": "date-time" }),
        FieldKind::Enum(names) => json!({ "type": "string", "enum": names }),
    };
    for rule in field.rules.iter() {
        match rule {
            Rule::Required => {}
            Rule::MinLength(least) => schema["minLength"] = json!(least),
            Rule::MaxLength(most) => schema["maxLength"] = json!(most),
            Rule::Min(least) => schema["minimum"] = json!(least),
            Rule::Max(most) => schema["maximum"] = json!(most),
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::ORDER;

    #[test]
    fn describes_the_resource_and_its_fields() {
        let document = document("shop", &[&ORDER]);
        let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths, ["/api/orders", "/api/orders/{id}"]);
        assert_eq!(
            document["components"]["schemas"]["Order"].to_string(),
            r#"{"required":["title","placed"],"type":"object","properties":{"id":{"type":"integer","format":"int64","readOnly":true},"title":{"type":"string","maxLength":20},"state":{"type":"string","enum":["NEW","PAID"]},"count":{"type":"integer","format":"int32","minimum":1,"maximum":9},"price":{"type":"number","format":"double"},"gift":{"type":"boolean"},"placed":{"type":"string","format":"date-time"}}}"#
        );
    }
}
