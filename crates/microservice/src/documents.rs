//! The OpenAPI documents of a microservice: of its resources, and of its management endpoints.

use entity::{ApiGroup, OpenApi};
use serde_json::{Value, json};

use crate::Description;

/// The groups, the default one first, and what each is.
pub(crate) const GROUPS: [(&str, &str); 2] =
    [("springdocDefault", "default"), ("management", "management")];

/// The management endpoints that are described: path, method, operation id.
const MANAGEMENT: [(&str, &str, &str); 16] = [
    ("/management", "get", "links"),
    ("/management/caches", "get", "caches"),
    ("/management/configprops", "get", "configprops"),
    ("/management/env", "get", "env"),
    ("/management/env/{key}", "get", "env-key"),
    ("/management/health", "get", "health"),
    ("/management/health/{path}", "get", "health-path"),
    ("/management/httptrace", "get", "httptrace"),
    ("/management/info", "get", "info"),
    ("/management/jhimetrics", "get", "jhimetrics"),
    ("/management/jhiopenapigroups", "get", "jhiopenapigroups"),
    ("/management/loggers", "get", "loggers"),
    ("/management/loggers/{name}", "get", "loggers-name"),
    ("/management/loggers/{name}", "post", "loggers-name_2"),
    ("/management/prometheus", "get", "prometheus"),
    ("/management/threaddump", "get", "threaddump"),
];

/// The documents of a service.
pub(crate) fn all(description: &Description) -> Vec<ApiGroup> {
    let name = title(description.name);
    let tag = format!("{}-kafka-resource", description.name);
    let more = [
        feed::operations(&description.feed_prefix(), &tag),
        identity::accounts::operations(),
    ];
    let default = OpenApi {
        title: &format!("{name} API"),
        description: &format!("{name} API documentation"),
        version: description.version,
        entities: &[&description.entity],
        more: &more,
    };
    let documents = [default.document(), management(&name, description.version)];
    let group = |((name, _), document): ((&'static str, &str), Value)| ApiGroup {
        name: name.into(),
        document,
    };
    GROUPS.into_iter().zip(documents).map(group).collect()
}

fn management(name: &str, version: &str) -> Value {
    let mut paths = json!({});
    for (path, method, id) in MANAGEMENT {
        paths[path][method] = operation(path, id);
    }
    json!({
        "openapi": "3.0.1",
        "info": {
            "title": format!("{name} Management API"),
            "description": "Management endpoints documentation",
            "version": version,
        },
        "servers": [{ "url": "/", "description": "Generated server url" }],
        "tags": [{ "name": "Actuator", "description": "Monitor and interact" }],
        "paths": paths,
        "components": {},
    })
}

fn operation(path: &str, id: &str) -> Value {
    let mut operation = json!({
        "tags": ["Actuator"],
        "summary": format!("Actuator web endpoint '{}'", id.trim_end_matches("_2")),
        "operationId": id,
        "responses": { "200": { "description": "OK" } },
    });
    if let Some(name) = path.split(['{', '}']).nth(1) {
        let schema = json!({ "type": "string" });
        operation["parameters"] =
            json!([{ "name": name, "in": "path", "required": true, "schema": schema }]);
    }
    operation
}

fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
