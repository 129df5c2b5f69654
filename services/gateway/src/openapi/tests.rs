//! The reading of OpenAPI documents, those of springdoc included.

use serde_json::{Value, json};

use super::*;

fn document(schema: &Value) -> Value {
    let reference = json!({ "$ref": "#/components/schemas/BookOrder" });
    let body = json!({ "content": { "application/json": { "schema": reference } } });
    json!({
        "paths": {
            "/api/book-orders": { "get": {}, "post": { "requestBody": body } },
            "/api/book-orders/{id}": { "get": { "responses": { "200": body } }, "put": {}, "delete": {} },
        },
        "components": { "schemas": { "BookOrder": schema, "Size": { "type": "string", "enum": ["BIG", "SMALL"] } } },
    })
}

fn check(property: Value, expected: Kind) {
    let found = collections(&document(&json!({ "properties": { "x": property } })));
    assert_eq!(found[0].fields[0].kind, expected, "{property}");
}

#[test]
fn types_become_kinds() {
    check(json!({ "type": "string" }), Kind::Text);
    check(json!({ "type": "string", "format": "date-time" }), Kind::Instant);
    check(
        json!({ "type": "string", "enum": ["A", null, "B"] }),
        Kind::Choice(vec!["A".into(), "B".into()]),
    );
    check(
        json!({ "$ref": "#/components/schemas/Size" }),
        Kind::Choice(vec!["BIG".into(), "SMALL".into()]),
    );
    check(json!({ "type": "integer", "format": "int64" }), Kind::Integer);
    check(json!({ "type": "number" }), Kind::Decimal);
    check(json!({ "type": "boolean" }), Kind::Flag);
    check(json!({ "type": "array", "items": {} }), Kind::Other);
    check(json!({ "$ref": "#/components/schemas/Nowhere" }), Kind::Other);
    check(json!(7), Kind::Other);
}

#[test]
fn a_collection_has_names_for_people_and_its_id_first() {
    let schema = json!({
        "required": ["title"],
        "properties": {
            "title": { "type": "string", "maxLength": 255 },
            "id": { "type": "string", "readOnly": true },
            "orderedAt": { "type": "string", "format": "date-time" },
        },
    });
    let found = collections(&document(&schema));
    let [collection] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (collection.name.as_str(), collection.title.as_str(), collection.singular.as_str()),
        ("book-orders", "Book orders", "book order")
    );
    assert!(collection.can_create && collection.can_edit && collection.can_delete);
    let fields: Vec<_> =
        collection.fields.iter().map(|field| (field.label.as_str(), field.required)).collect();
    assert_eq!(fields, [("ID", false), ("Title", true), ("Ordered at", false)]);
    assert_eq!(collection.fields[1].max_length, Some(255));
    assert!(!collection.fields[0].is_editable() && collection.fields[1].is_editable());
}

#[test]
fn what_cannot_be_listed_and_read_is_no_collection() {
    for (path, other) in [
        ("/api/users", "/api/people/{id}"),
        ("/api/book/{id}", "/api/book/{id}/pages"),
        ("/api/a/b", "/api/a/b/{id}"),
        ("/books", "/books/{id}"),
        ("/api/<script>", "/api/<script>/{id}"),
    ] {
        let item = json!({ "get": { "responses": { "200": { "content": { "*/*": { "schema": { "properties": {} } } } } } } });
        assert_eq!(collections(&json!({ "paths": { path: item, other: item } })), [], "{path}");
    }
}

#[test]
fn nonsense_has_no_collections() {
    for text in ["null", "[]", "{\"paths\":[]}", "{\"paths\":{\"/api/x\":3,\"/api/x/{id}\":[]}}"] {
        assert_eq!(collections(&serde_json::from_str(text).unwrap()), [], "{text}");
    }
}

#[test]
fn a_document_of_springdoc_is_understood() {
    let document: Value =
        serde_json::from_str(include_str!("../../../../contracts/recorded/openapi/springdoc.json"))
            .unwrap();
    let found = collections(&document);
    let [collection] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((collection.title.as_str(), collection.singular.as_str()), ("Stores", "store"));
    let fields: Vec<_> = collection
        .fields
        .iter()
        .map(|field| (field.name.as_str(), &field.kind, field.required))
        .collect();
    let choice = Kind::Choice(vec!["OPEN".into(), "CLOSED".into()]);
    assert_eq!(
        fields,
        [
            ("id", &Kind::Text, false),
            ("name", &Kind::Text, true),
            ("address", &Kind::Text, true),
            ("status", &choice, false),
            ("createTimestamp", &Kind::Instant, true),
            ("updateTimestamp", &Kind::Instant, false),
        ]
    );
}
