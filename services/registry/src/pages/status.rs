//! Putting an operator's status in place of the instance's own: asked once more before it is done.

use std::sync::Arc;

use ::pages::{Frame, page, shortened};
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use chassis::{Problem, http::Form};
use discovery::Status;
use serde::Deserialize;
use tracing::info;

use super::{
    Pages, Which, frame, instance::Head, query::Query, shown::query, visit::Administrator,
};

#[derive(Template)]
#[template(path = "status.html")]
struct Confirm {
    frame: Frame,
    head: Head,
    app: String,
    id: String,
    to: &'static str,
    meaning: &'static str,
}

/// Which instance gets which status.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    which: Which,
    to: String,
}

pub(super) async fn ask(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let instance = pages.find(&asked.which)?;
    let (status, meaning) = offered(&asked.to)?;
    page(&Confirm {
        frame: frame(format!("Change the status of {}?", shortened(instance.id())), &visit),
        head: Head::of(&instance, &visit),
        app: asked.which.app,
        id: asked.which.id,
        to: status.name(),
        meaning,
    })
}

pub(super) async fn change(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    let (status, _) = offered(&asked.to)?;
    let Which { app, id } = &asked.which;
    if !pages.registry.set_status(app, id, status, &visit.login) {
        return Err(Problem::not_found());
    }
    info!(
        instance.app = %app,
        instance.id = %id,
        user.login = %visit.login,
        "an operator set the status of {app}/{id} to {}",
        status.name()
    );
    Ok(Redirect::to(&format!("/instance{}", query(app, id))).into_response())
}

/// A status that an operator can give, and what it means.
fn offered(name: &str) -> Result<(Status, &'static str), Problem> {
    match name {
        "OUT_OF_SERVICE" => Ok((
            Status::OutOfService,
            "It gets no more requests from clients that ask the registry, until somebody puts it into service again. It goes on running.",
        )),
        "UP" => Ok((Status::Up, "It gets requests, whatever it says of itself.")),
        "UNKNOWN" => Ok((
            Status::Unknown,
            "What it says of itself counts again, beginning with its next sign of life.",
        )),
        _ => Err(Problem::bad_request("The status is OUT_OF_SERVICE, UP or UNKNOWN")),
    }
}
