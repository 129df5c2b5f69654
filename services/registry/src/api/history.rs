//! `GET /api/history?at=…`: who was registered then. `GET /api/history?from=…&to=…&app=…`: what happened, newest first.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use chassis::Problem;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Interface, forgetful};
use crate::history::{Event, Period, moment};

/// What is asked. Times are read by [`moment`].
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    at: Option<String>,
    from: Option<String>,
    to: Option<String>,
    app: Option<String>,
}

pub(super) async fn show(
    State(interface): State<Arc<Interface>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(asked) = asked.map_err(|error| Problem::bad_request(error.body_text()))?;
    let now = interface.outside.now();
    let time = |text: &Option<String>| match text.as_deref().unwrap_or_default() {
        "" => Ok(None),
        text => moment(text, now).map(Some).ok_or_else(|| unreadable(text)),
    };
    if let Some(at) = time(&asked.at)? {
        let (events, total) = interface.history.registered_at(at).await.map_err(forgetful)?;
        let instances: Vec<Value> = events.iter().map(instance).collect();
        return Ok(Json(json!({ "at": at, "total": total, "instances": instances })));
    }
    let app = asked.app.unwrap_or_default().to_uppercase();
    let period = Period { from: time(&asked.from)?, to: time(&asked.to)?, app };
    let (events, total) = interface.history.happened(&period).await.map_err(forgetful)?;
    let events: Vec<Value> = events.iter().map(event).collect();
    Ok(Json(json!({ "total": total, "events": events })))
}

fn unreadable(text: &str) -> Problem {
    Problem::bad_request(format!(
        "{:?} is no time; write 2026-11-29T14:03:00Z, or 14:03 for today in UTC",
        pages::brief(text)
    ))
}

fn instance(event: &Event) -> Value {
    json!({
        "app": event.app,
        "id": event.id,
        "status": event.status.name(),
        "address": event.address,
        "since": told(event.at),
    })
}

fn event(event: &Event) -> Value {
    json!({
        "at": told(event.at),
        "kind": event.kind.name(),
        "app": event.app,
        "id": event.id,
        "status": event.status.name(),
        "address": event.address,
        "by": event.by,
    })
}

fn told(at: Timestamp) -> String {
    format!("{at:.3}")
}
