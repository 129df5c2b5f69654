//! Serves documents where springdoc does: `/v3/api-docs`, by group, and as YAML.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chassis::Problem;
use serde_json::{Value, json};

use super::yaml;

/// A document, and the group that it is found under.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiGroup {
    /// For example `springdocDefault`.
    pub name: Cow<'static, str>,
    /// An OpenAPI document, whose `servers` become the address that the caller uses.
    pub document: Value,
}

type Groups = State<Arc<Vec<ApiGroup>>>;

/// Serves documents at `/v3/api-docs/{group}` and `/v3/api-docs.yaml/{group}`; the first group is found without a name too.
pub fn api_docs(groups: Vec<ApiGroup>) -> Router {
    Router::new()
        .route("/v3/api-docs", get(default_json))
        .route("/v3/api-docs/{group}", get(json))
        .route("/v3/api-docs.yaml", get(default_yaml))
        .route("/v3/api-docs.yaml/{group}", get(yaml))
        .with_state(Arc::new(groups))
}

async fn default_json(State(groups): Groups, headers: HeaderMap) -> Result<Response, Problem> {
    document(groups.first(), "", &headers).map(|document| Json(document).into_response())
}

async fn json(
    State(groups): Groups,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let group = groups.iter().find(|group| group.name == name);
    document(group, &name, &headers).map(|document| Json(document).into_response())
}

async fn default_yaml(State(groups): Groups, headers: HeaderMap) -> Result<Response, Problem> {
    document(groups.first(), "", &headers).map(as_yaml)
}

async fn yaml(
    State(groups): Groups,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let group = groups.iter().find(|group| group.name == name);
    document(group, &name, &headers).map(as_yaml)
}

fn document(group: Option<&ApiGroup>, name: &str, headers: &HeaderMap) -> Result<Value, Problem> {
    let group = group.ok_or_else(|| {
        let name: String = name.chars().take(100).collect();
        let detail = format!("No OpenAPI resource found for group: {name}");
        Problem::new(StatusCode::NOT_FOUND, detail)
    })?;
    let mut document = group.document.clone();
    let address = chassis::http::base_address(headers);
    if !address.is_empty() {
        document["servers"] = json!([{ "url": address, "description": "Generated server url" }]);
    }
    Ok(document)
}

fn as_yaml(document: Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/vnd.oai.openapi;charset=UTF-8")];
    (kind, yaml::text(&document)).into_response()
}
