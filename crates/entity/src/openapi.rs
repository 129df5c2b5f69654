//! The OpenAPI document of a service, made from the descriptions of its entities: what springdoc makes for the Java services
//! (the same paths, operation ids, tags, schemas and constraints in the same order), and what ours do beyond that.

mod operations;
mod schemas;
mod serve;
mod yaml;

use serde_json::{Map, Value, json};

use crate::Entity;

pub use serve::{ApiGroup, api_docs};

/// What a document tells of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenApi<'a> {
    /// For example `Shop API`.
    pub title: &'a str,
    /// For example `Shop API documentation`.
    pub description: &'a str,
    /// The service's version.
    pub version: &'a str,
    /// The entities that it serves, each with a [`Resource`](crate::Resource).
    pub entities: &'a [&'a Entity],
    /// What else it answers: documents, of which `paths` and `components.schemas` are taken.
    pub more: &'a [Value],
}

impl OpenApi<'_> {
    /// Makes an OpenAPI 3.0 document. The address in `servers` is filled in by [`api_docs`], which knows it.
    pub fn document(&self) -> Value {
        let mut paths = Map::new();
        let mut schemas = Map::new();
        for entity in self.entities {
            let collection = format!("/api/{}", entity.collection);
            paths.insert(format!("{collection}/{{id}}"), operations::item(entity));
            paths.insert(collection, operations::collection(entity));
            schemas.insert(entity.name.clone().into_owned(), schemas::entity(entity));
        }
        schemas.insert(schemas::PROBLEM.to_owned(), schemas::problem());
        for document in self.more {
            let operations = document.get("paths").and_then(Value::as_object);
            for (path, methods) in operations.into_iter().flatten() {
                merge(&mut paths, path, methods);
            }
            let others = document.pointer("/components/schemas").and_then(Value::as_object);
            for (name, schema) in others.into_iter().flatten() {
                schemas.entry(name.clone()).or_insert_with(|| schema.clone());
            }
        }
        json!({
            "openapi": "3.0.1",
            "info": {
                "title": self.title,
                "description": self.description,
                "termsOfService": "",
                "contact": { "name": "", "url": "", "email": "" },
                "license": { "name": "unlicensed", "url": "" },
                "version": self.version,
            },
            "servers": [{ "url": "/", "description": "Generated server url" }],
            "security": [{ "bearer": [] }],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                },
            },
        })
    }
}

/// Adds the methods of a path, of which others may be there already.
fn merge(paths: &mut Map<String, Value>, path: &str, methods: &Value) {
    let known = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
    if let (Some(known), Some(methods)) = (known.as_object_mut(), methods.as_object()) {
        for (method, operation) in methods {
            known.entry(method.clone()).or_insert_with(|| operations::with_refusals(operation));
        }
    }
}

#[cfg(test)]
mod tests;
