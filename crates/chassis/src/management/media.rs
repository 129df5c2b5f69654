//! The media types of the management endpoints.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use serde_json::Value;

use crate::{Problem, http::accepted};

/// The older form, in which the components of health are called details.
pub(super) const V2: &str = "application/vnd.spring-boot.actuator.v2+json";
const V3: &str = "application/vnd.spring-boot.actuator.v3+json";
const JSON: &str = "application/json";

/// Every media type in which JSON is sent and read, the usual one first.
pub(super) const KINDS: [&str; 3] = [V3, V2, JSON];

/// The media type that the caller likes best.
pub(super) fn kind(headers: &HeaderMap) -> Result<&'static str, Problem> {
    accepted(headers, &KINDS).ok_or_else(Problem::not_acceptable)
}

/// Answers with a value as JSON.
pub(super) fn answer(kind: &'static str, value: &Value) -> Response {
    let mut response = Response::new(value.to_string().into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Answers with a value in the media type that the caller likes best.
pub(super) fn json(headers: &HeaderMap, value: &Value) -> Result<Response, Problem> {
    Ok(answer(kind(headers)?, value))
}
