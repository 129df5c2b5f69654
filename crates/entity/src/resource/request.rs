//! What a request must be before the resource looks at it, and what it is told when it is not.

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use chassis::{Problem, http};
use database::{Id, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tracing::debug;

use crate::{Entity, codec};

/// What Java's `URLEncoder` leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'*').remove(b'_');

pub(super) fn url_encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string().replace("%20", "+")
}

/// 406 unless the caller takes JSON.
pub(super) fn acceptable(headers: &HeaderMap) -> Result<(), Problem> {
    let mut accepted =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if accepted.peek().is_none() {
        return Ok(());
    }
    let mut ranges =
        accepted.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
    let takes_json = ranges.any(|range| {
        let range = range.trim().to_ascii_lowercase();
        matches!(range.as_str(), "*/*" | "application/*" | "application/json")
            || (range.starts_with("application/") && range.ends_with("+json"))
    });
    match takes_json {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "Could not find acceptable representation",
        )),
    }
}

/// 415 unless the body is JSON, or, for a patch, of one of the `only` types or plain JSON.
pub(super) fn json(headers: &HeaderMap, only: &[&str]) -> Result<(), Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/octet-stream");
    let kind = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let any_json = only.is_empty() && kind.starts_with("application/") && kind.ends_with("+json");
    if kind == "application/json" || any_json || only.contains(&kind.as_str()) {
        return Ok(());
    }
    let supported = match only {
        [] => "application/json, application/*+json".to_owned(),
        only => format!("application/json, {}", only.join(", ")),
    };
    let problem = Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("Content type '{given}' not supported"),
    );
    Err(problem.with_header(header::ACCEPT, &supported))
}

/// Reads the id of the path; 400 when it is none.
pub(super) fn id(entity: &Entity, text: &str) -> Result<Id, Problem> {
    codec::path_id(entity.id, text)
        .ok_or_else(|| Problem::bad_request("Unexpected runtime exception"))
}

pub(super) async fn decode(
    entity: &Entity,
    body: Body,
) -> Result<(Option<Id>, Vec<Value>), Problem> {
    let body = http::body(body).await?;
    codec::decode(entity, &body).map_err(|error| {
        debug!("unreadable body: {}", error.reason);
        Problem::bad_request("Unable to convert http message")
    })
}
