//! What clients and operators change.

use axum::{
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::Problem;
use serde::Deserialize;
use tracing::debug;

use super::{INSTANCE_LIMIT, answers, asked::Asked, checks};
use crate::{
    instance::{Form, Instance, Status},
    server::{
        Registry,
        leases::{Heartbeat, Renewal, StatusChange},
        operations::NotTaken,
    },
};

pub(super) async fn register(
    State(registry): State<Registry>,
    Path(app): Path<String>,
    asked: Asked,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Some(form) = form_of(&headers) else {
        return Ok(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
    };
    let body: Bytes = chassis::http::body(body).await?;
    if body.len() > INSTANCE_LIMIT {
        return Err(Problem::too_large(INSTANCE_LIMIT));
    }
    let read = match form {
        Form::Json => Instance::from_registration(&body),
        Form::Xml => Instance::from_xml(&body),
    };
    let mut instance = match read {
        Ok(instance) => instance,
        Err(error) => {
            debug!("a registration cannot be read: {error}");
            let body = r#"{"error": "cannot parse request body"}"#.to_owned();
            let asked = Asked { form: Form::Json, ..asked };
            return Ok(asked.answer(StatusCode::BAD_REQUEST, body));
        }
    };
    let app = app.to_uppercase();
    instance.app = instance.app.to_uppercase();
    if let Some(fault) = checks::fault(&instance, &app) {
        return Ok(asked.answer(StatusCode::BAD_REQUEST, fault));
    }
    match registry.register(instance, asked.origin) {
        Ok(()) => Ok(asked.empty(StatusCode::NO_CONTENT)),
        Err(full) => Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, full.to_string())),
    }
}

/// How the body is written; none when in neither way.
fn form_of(headers: &HeaderMap) -> Option<Form> {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return Some(Form::Json) };
    let kind = kind.to_str().unwrap_or_default().to_ascii_lowercase();
    if kind.contains("json") {
        return Some(Form::Json);
    }
    kind.contains("xml").then_some(Form::Xml)
}

#[derive(Deserialize)]
pub(super) struct Renew {
    #[serde(rename = "lastDirtyTimestamp")]
    dirty: Option<String>,
    #[serde(rename = "overriddenstatus")]
    overridden: Option<String>,
}

pub(super) async fn renew(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
    Query(query): Query<Renew>,
    asked: Asked,
) -> Response {
    let heartbeat = Heartbeat {
        dirty: time(query.dirty),
        overridden: query.overridden.and_then(|status| Status::named(&status)),
        from_peer: asked.is_from_peer(),
    };
    match registry.renew(&app.to_uppercase(), &id, heartbeat, asked.origin) {
        Renewal::Renewed => asked.found(true),
        Renewal::Forgotten => asked.found(false),
        Renewal::Newer(instance) => answers::one(asked, StatusCode::CONFLICT, &instance),
    }
}

pub(super) async fn cancel(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    asked.found(registry.cancel(&app.to_uppercase(), &id, asked.origin))
}

#[derive(Deserialize)]
pub(super) struct Override {
    value: Option<String>,
    #[serde(rename = "lastDirtyTimestamp")]
    dirty: Option<String>,
}

impl Override {
    fn change(self) -> Result<Option<StatusChange>, Problem> {
        let dirty = time(self.dirty);
        let Some(value) = self.value else { return Ok(None) };
        let status = Status::named(&value).ok_or_else(|| {
            Problem::bad_request("value must be UP, DOWN, STARTING, OUT_OF_SERVICE or UNKNOWN")
        })?;
        Ok(Some(StatusChange { status, dirty }))
    }
}

pub(super) async fn override_status(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
    Query(query): Query<Override>,
    asked: Asked,
) -> Result<Response, Problem> {
    let Some(change) = query.change()? else {
        return Err(Problem::bad_request("value is missing: the new status"));
    };
    Ok(asked.found(registry.override_status(&app.to_uppercase(), &id, change, asked.origin)))
}

pub(super) async fn remove_override(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
    Query(query): Query<Override>,
    asked: Asked,
) -> Result<Response, Problem> {
    let unknown = StatusChange { status: Status::Unknown, dirty: None };
    let own = query.change()?.unwrap_or(unknown);
    Ok(asked.found(registry.remove_override(&app.to_uppercase(), &id, own, asked.origin)))
}

pub(super) async fn add_metadata(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
    Query(added): Query<Vec<(String, String)>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let app = app.to_uppercase();
    let is_speakable = |text: &String| checks::is_speakable(&text.as_str().into());
    if !added.iter().all(|(name, value)| is_speakable(name) && is_speakable(value)) {
        return Err(Problem::bad_request("metadata must not contain control characters"));
    }
    match registry.add_metadata((&app, &id), added, INSTANCE_LIMIT, asked.origin) {
        Ok(()) => Ok(asked.found(true)),
        Err(NotTaken::Unknown) => Ok(asked.found(false)),
        Err(NotTaken::TooLarge) => Err(Problem::too_large(INSTANCE_LIMIT)),
    }
}

/// Groups of Amazon's auto scaling are known to no registry outside of it: 400, as from Netflix's there.
pub(super) async fn auto_scaling_group(asked: Asked) -> Response {
    asked.empty(StatusCode::BAD_REQUEST)
}

/// Milliseconds since 1970; what is no number is no time.
fn time(text: Option<String>) -> Option<i64> {
    text?.parse().ok()
}
