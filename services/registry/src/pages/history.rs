//! What happened, and who was registered at a moment.

use std::sync::Arc;

use ::pages::{Frame, Time, page};
use askama::Template;
use axum::{extract::State, response::Response};
use chassis::Problem;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Pages, frame, query::Query, shown::Past, visit::Administrator};
use crate::{
    api::forgetful,
    history::{Period, moment},
};

#[derive(Template)]
#[template(path = "history.html")]
struct Page {
    frame: Frame,
    asked: Asked,
    wrong: Option<String>,
    /// The moment that was asked for.
    at: Option<Time>,
    events: Vec<Past>,
    total: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    at: String,
    from: String,
    to: String,
    app: String,
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let now = pages.interface.outside.now();
    let mut wrong = None;
    let mut time = |text: &str| {
        let found = moment(text, now);
        if found.is_none() && !text.trim().is_empty() {
            wrong = Some(text.to_owned());
        }
        found
    };
    let (at, from, to) = (time(&asked.at), time(&asked.from), time(&asked.to));
    let (events, total) = match (&wrong, at) {
        (Some(_), _) => (Vec::new(), 0),
        (None, Some(at)) => pages.history.registered_at(at).await.map_err(forgetful)?,
        (None, None) => {
            let app = asked.app.trim().to_uppercase();
            let period = Period { from, to, app };
            pages.history.happened(&period).await.map_err(forgetful)?
        }
    };
    page(&Page {
        frame: frame("History", &visit),
        events: events.iter().map(Past::of).collect(),
        at: at.map(|at: Timestamp| Time::of(at)),
        asked,
        wrong,
        total,
    })
}
