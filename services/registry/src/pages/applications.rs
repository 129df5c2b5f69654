//! Every instance of every application, or of those whose name has something in it.

use std::sync::Arc;

use ::pages::{Frame, page};
use askama::Template;
use axum::{extract::State, response::Response};
use chassis::Problem;
use serde::Deserialize;

use super::{Pages, frame, query::Query, shown::Line, visit::Administrator};

/// How many instances are shown.
const MOST: usize = 500;

#[derive(Template)]
#[template(path = "applications.html")]
struct Applications {
    frame: Frame,
    wanted: String,
    lines: Vec<Line>,
    total: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    name: String,
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let wanted = asked.name.trim().to_uppercase();
    let mut instances = pages.registry.instances();
    instances.retain(|instance| instance.app.contains(&wanted));
    page(&Applications {
        frame: frame("Applications", &visit),
        wanted,
        lines: instances.iter().take(MOST).map(|instance| Line::of(instance)).collect(),
        total: instances.len(),
    })
}
