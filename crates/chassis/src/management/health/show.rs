//! The addresses of health. What is inside of it, single components and the reasons, is for administrators.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Map, Value, json};

use super::{Component, Components, Health, Status, overall};
use crate::{
    Problem,
    management::{Administrator, media},
};

/// The groups that there are.
const GROUPS: [&str; 2] = ["liveness", "readiness"];

/// Which form an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    /// The media type that the caller likes best of those that there are.
    kind: &'static str,
    /// Whether the caller may see what is inside.
    details: bool,
}

impl Shape {
    fn of(
        headers: &HeaderMap,
        administrator: Option<Extension<Administrator>>,
    ) -> Result<Self, Problem> {
        Ok(Shape { kind: media::kind(headers)?, details: administrator.is_some() })
    }

    /// Components were called details once.
    fn inside(self) -> &'static str {
        if self.kind == media::V2 { "details" } else { "components" }
    }

    fn answer(self, status: Status, members: Map<String, Value>) -> Response {
        let code =
            if status.is_failure() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        (code, media::answer(self.kind, &Value::Object(members))).into_response()
    }
}

pub(crate) fn routes(health: Arc<Health>) -> Router {
    Router::new()
        .route("/management/health", get(whole))
        .route("/management/health/{*path}", get(part))
        .with_state(health)
}

async fn whole(
    State(health): State<Arc<Health>>,
    administrator: Option<Extension<Administrator>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let shape = Shape::of(&headers, administrator)?;
    let report = &health.report().await.components;
    let names: Vec<&str> = report.keys().map(String::as_str).collect();
    let (status, mut members) = several(report, &names, shape);
    members.insert("groups".into(), json!(GROUPS));
    Ok(shape.answer(status, members))
}

async fn part(
    State(health): State<Arc<Health>>,
    Path(path): Path<String>,
    administrator: Option<Extension<Administrator>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let shape = Shape::of(&headers, administrator)?;
    let report = &health.report().await.components;
    let mut path = path.split('/').filter(|name| !name.is_empty());
    let Some(mut first) = path.next() else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let group = health.group(first);
    if let Some(names) = &group {
        match path.next() {
            None => {
                let (status, members) = several(report, names, shape);
                return Ok(shape.answer(status, members));
            }
            Some(name) if names.contains(&name) => first = name,
            Some(_) => return Ok(StatusCode::NOT_FOUND.into_response()),
        }
    }
    let found = report.get(first).map(|(_, component)| component);
    let found = path.try_fold(found, |component, name| Some(component?.inner(name)));
    match found.flatten() {
        Some(component) if shape.details => {
            let mut members = component.json(shape.inside());
            if component.is_composite() && group.is_none() {
                members.insert("groups".into(), json!(GROUPS));
            }
            Ok(shape.answer(component.status(), members))
        }
        _ => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}

/// Some components as one, in the order of their names.
fn several(report: &Components, names: &[&str], shape: Shape) -> (Status, Map<String, Value>) {
    let shown = || report.iter().filter(|(name, _)| names.contains(&name.as_str()));
    let status = overall(shown().map(|(_, entry)| entry));
    let mut members = Map::from_iter([("status".to_owned(), json!(status.name()))]);
    if shape.details {
        let inside = shape.inside();
        let json = |component: &Component| Value::Object(component.json(inside));
        let shown = shown().map(|(name, (_, component))| (name.clone(), json(component)));
        members.insert(inside.to_owned(), Value::Object(shown.collect()));
    }
    (status, members)
}
