//! The OpenAPI document of the management endpoints.

use serde_json::{Value, json};

/// The media types of most endpoints.
const ACTUATOR: &[&str] = &[
    "application/vnd.spring-boot.actuator.v3+json",
    "application/vnd.spring-boot.actuator.v2+json",
    "application/json",
];
/// Those of the figures.
const FIGURES: &[&str] = &[
    "text/plain;version=0.0.4;charset=utf-8",
    "application/openmetrics-text;version=1.0.0;charset=utf-8",
];

/// The endpoints that are described: path, method, operation id, in the order of the Java services.
const OPERATIONS: [(&str, &str, &str); 19] = [
    ("/management/loggers/{name}", "get", "loggers-name"),
    ("/management/loggers/{name}", "post", "loggers-name_2"),
    ("/management", "get", "links"),
    ("/management/threaddump", "get", "threaddump"),
    ("/management/prometheus", "get", "prometheus"),
    ("/management/loggers", "get", "loggers"),
    ("/management/liquibase", "get", "liquibase"),
    ("/management/jhiopenapigroups", "get", "jhiopenapigroups"),
    ("/management/jhimetrics", "get", "jhimetrics"),
    ("/management/info", "get", "info"),
    ("/management/httptrace", "get", "httptrace"),
    ("/management/health", "get", "health"),
    ("/management/health/**", "get", "health-path"),
    ("/management/env", "get", "env"),
    ("/management/env/{toMatch}", "get", "env-toMatch"),
    ("/management/configprops", "get", "configprops"),
    ("/management/configprops/{prefix}", "get", "configprops-prefix"),
    ("/management/caches", "get", "caches"),
    ("/management/caches/{cache}", "get", "caches-cache"),
];

/// The document of a service's management endpoints, as springdoc makes it; `name` is what people call the service.
/// Endpoints that the service does not have are left out by their operation ids.
pub fn document(name: &str, version: &str, left_out: &[&str]) -> Value {
    let mut paths = json!({});
    for (path, method, id) in OPERATIONS.into_iter().filter(|(_, _, id)| !left_out.contains(id)) {
        paths[path][method] = operation(path, id);
    }
    let link = json!({
        "type": "object",
        "properties": { "href": { "type": "string" }, "templated": { "type": "boolean" } },
    });
    json!({
        "openapi": "3.0.1",
        "info": {
            "title": format!("{name} Management API"),
            "description": "Management endpoints documentation",
            "version": version,
        },
        "servers": [{ "url": "/", "description": "Generated server url" }],
        "tags": [{
            "name": "Actuator",
            "description": "Monitor and interact",
            "externalDocs": {
                "description": "Spring Boot Actuator Web API Documentation",
                "url": "https://docs.spring.io/spring-boot/docs/current/actuator-api/html/",
            },
        }],
        "paths": paths,
        "components": { "schemas": { "Link": link } },
    })
}

fn operation(path: &str, id: &str) -> Value {
    let summary = match id {
        "links" => "Actuator root web endpoint".to_owned(),
        id => format!("Actuator web endpoint '{}'", id.trim_end_matches("_2")),
    };
    let mut operation = json!({ "tags": ["Actuator"], "summary": summary, "operationId": id });
    if let Some(name) = path.split(['{', '}']).nth(1) {
        let schema = json!({ "type": "string" });
        operation["parameters"] =
            json!([{ "name": name, "in": "path", "required": true, "schema": schema }]);
    }
    if id == "loggers-name_2" {
        let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"];
        let schema = json!({ "type": "string", "enum": levels });
        operation["requestBody"] =
            json!({ "content": { "application/json": { "schema": schema } } });
    }
    operation["responses"] = json!({ "200": { "description": "OK", "content": content(id) } });
    operation
}

/// What an endpoint answers, by media type.
fn content(id: &str) -> Value {
    let object = json!({ "type": "object" });
    let links = json!({
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": { "$ref": "#/components/schemas/Link" },
        },
    });
    let (kinds, schema) = match id {
        "links" => (ACTUATOR, links),
        "prometheus" => (FIGURES, object),
        "loggers-name_2" => (&["*/*"][..], object),
        _ => (ACTUATOR, object),
    };
    let content = kinds.iter().map(|kind| ((*kind).to_owned(), json!({ "schema": schema })));
    Value::Object(content.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_describes_only_what_it_has() {
        let document = document("Library", "1.2.3", &["caches"]);
        assert_eq!(document["info"]["title"], "Library Management API");
        assert_eq!(document["paths"].get("/management/caches"), None);
        let one = &document["paths"]["/management/loggers/{name}"];
        assert_eq!(one["get"]["parameters"][0]["name"], "name");
        assert_eq!(one["post"]["summary"], "Actuator web endpoint 'loggers-name'");
    }
}
