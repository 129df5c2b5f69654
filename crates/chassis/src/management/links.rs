//! The page of all endpoints.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use serde_json::{Map, Value, json};

use super::{Watched, media};
use crate::Problem;

pub(super) async fn show(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    media::json(&headers, &links(&watched, host))
}

fn links(watched: &Watched, host: &str) -> Value {
    let mut links = Map::new();
    let mut add = |there: bool, name: &str, path: &str| {
        if there {
            let href = format!("http://{host}/management{path}");
            let templated = path.contains('{');
            links.insert(name.to_owned(), json!({ "href": href, "templated": templated }));
        }
    };
    let (caches, loggers) = (!watched.caches.is_empty(), watched.loggers.is_some());
    add(true, "self", "");
    add(true, "prometheus", "/prometheus");
    add(caches, "caches-cache", "/caches/{cache}");
    add(caches, "caches", "/caches");
    add(true, "health", "/health");
    add(true, "health-path", "/health/{*path}");
    add(true, "info", "/info");
    add(true, "configprops", "/configprops");
    add(true, "configprops-prefix", "/configprops/{prefix}");
    add(true, "env-toMatch", "/env/{toMatch}");
    add(true, "env", "/env");
    add(watched.change_log.is_some(), "liquibase", "/liquibase");
    add(loggers, "loggers", "/loggers");
    add(loggers, "loggers-name", "/loggers/{name}");
    add(true, "threaddump", "/threaddump");
    add(true, "httptrace", "/httptrace");
    add(!watched.api_groups.is_empty(), "jhiopenapigroups", "/jhiopenapigroups");
    add(true, "jhimetrics", "/jhimetrics");
    json!({ "_links": links })
}
