//! The other registries that this one shares its knowledge with.

use std::sync::Arc;

use ::pages::{Frame, page};
use askama::Template;
use axum::{extract::State, response::Response};
use chassis::Problem;

use super::{Pages, frame, visit::Administrator};

#[derive(Template)]
#[template(path = "replicas.html")]
struct Page {
    frame: Frame,
    replicas: Vec<String>,
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
) -> Result<Response, Problem> {
    let replicas = pages.interface.replicas.clone();
    page(&Page { frame: frame("Replicas", &visit), replicas })
}
