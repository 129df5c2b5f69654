//! What a request must be before the resource looks at it, and what it is told when it is not.

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use chassis::{Problem, http};
use database::{Id, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tracing::debug;

use super::Resource;
use crate::{
    Entity,
    codec::{self, Given},
    validate::{too_wide, validate},
};

/// What Java's `URLEncoder` leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'*').remove(b'_');

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// What a null in a patch means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    /// Nothing, as in the Java services.
    Keep,
    /// That the field has no value any more (RFC 7396).
    Clear,
}

pub(super) fn url_encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string().replace("%20", "+")
}

/// 406 unless the caller takes JSON. To be asked before anything is written, and after everything else.
pub(super) fn acceptable(headers: &HeaderMap) -> Result<(), Problem> {
    let special = |value: &str| {
        let names = value.split(',').filter_map(|range| range.split(';').next());
        let mut names = names.map(|name| name.trim().to_ascii_lowercase());
        names.any(|name| name.starts_with("application/") && name.ends_with("+json"))
    };
    let mut said = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    match http::accepted(headers, &[JSON]).is_some() || said.any(special) {
        true => Ok(()),
        false => Err(Problem::not_acceptable()),
    }
}

/// 415 unless the body of a POST or PUT is JSON of some kind.
pub(super) fn json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = content_type(headers);
    let kind = kind(given);
    if kind == JSON || (kind.starts_with("application/") && kind.ends_with("+json")) {
        return Ok(());
    }
    let known = headers.contains_key(header::CONTENT_TYPE);
    let shown = shown(given, known);
    Err(Problem::unsupported_media_type(&shown, "application/json, application/*+json"))
}

/// 415 unless the body of a PATCH is JSON or a merge patch.
pub(super) fn patch(headers: &HeaderMap) -> Result<Nulls, Problem> {
    let given = content_type(headers);
    match kind(given).as_str() {
        JSON => Ok(Nulls::Keep),
        MERGE_PATCH => Ok(Nulls::Clear),
        _ => {
            let read = format!("{JSON}, {MERGE_PATCH}");
            Err(Problem::unsupported_media_type(&shown(given, false), &read))
        }
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    given.unwrap_or("application/octet-stream")
}

fn kind(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A media type as Spring prints it, with the character set that it assumes where it reads a body.
fn shown(content_type: &str, with_charset: bool) -> String {
    let mut parts = content_type.split(';').map(str::trim).filter(|part| !part.is_empty());
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    if !kind.contains('/') {
        return content_type.to_owned();
    }
    let mut parts: Vec<&str> = std::iter::once(&*kind).chain(parts).collect();
    let is_charset = |part: &&str| part.to_ascii_lowercase().starts_with("charset=");
    if with_charset && !parts.iter().any(is_charset) {
        parts.push("charset=UTF-8");
    }
    parts.join(";")
}

/// Reads the id of the path; 400 when it is none.
pub(super) fn id(entity: &Entity, text: &str) -> Result<Id, Problem> {
    codec::path_id(entity.id, text)
        .ok_or_else(|| Problem::bad_request("Unexpected runtime exception"))
}

pub(super) async fn given(entity: &Entity, body: Body) -> Result<Given, Problem> {
    let body = http::body(body).await?;
    Given::read(entity, &body).map_err(|error| {
        debug!("unreadable body: {}", error.reason);
        Problem::bad_request("Unable to convert http message")
    })
}

impl Resource {
    /// What the body of a POST or PUT says, if it keeps to the rules.
    pub(super) async fn submitted(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Option<Id>, Vec<Value>), Problem> {
        json(headers)?;
        let Given { id, values } = given(&self.entity, body).await?;
        let values: Vec<_> = values.into_iter().map(|value| value.unwrap_or(Value::Null)).collect();
        let errors = validate(&self.entity, &values);
        if errors.is_empty() { Ok((id, values)) } else { Err(Problem::fields(errors)) }
    }

    /// The id that path and body agree on.
    pub(super) fn same_id(&self, path: Id, id: Option<Id>) -> Result<Id, Problem> {
        let id = id.ok_or_else(|| self.business("idnull", "Invalid id".to_owned()))?;
        match path == id {
            true => Ok(id),
            false => Err(self.business("idinvalid", "Invalid ID".to_owned())),
        }
    }

    /// 400 when the database cannot take a text, though the rules allow it. The Java services find out too late, and answer 500.
    pub(super) fn fitting(&self, values: &[Value]) -> Result<(), Problem> {
        too_wide(&self.entity, values).map_or(Ok(()), |detail| Err(Problem::bad_request(detail)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: Option<&str>) -> HeaderMap {
        value.map(|value| (name, value.parse().unwrap())).into_iter().collect()
    }

    /// What is told of the content type of a POST, and of a PATCH; nothing where it is read.
    fn check(content_type: Option<&str>, post: Option<&str>, patched: Option<&str>) {
        let headers = headers(header::CONTENT_TYPE, content_type);
        for (problem, expected) in [(json(&headers).err(), post), (patch(&headers).err(), patched)]
        {
            let told = problem.map(|problem| problem.detail().to_owned());
            let expected = expected.map(|kind| format!("Content type '{kind}' not supported"));
            assert_eq!(told, expected, "{content_type:?}");
        }
    }

    #[test]
    fn what_is_not_read_is_named_as_spring_names_it() {
        check(Some("application/json"), None, None);
        check(Some("Application/JSON; charset=utf-8"), None, None);
        check(Some("application/merge-patch+json"), None, None);
        let patch = "application/json-patch+json";
        check(Some(patch), None, Some(patch));
        check(None, Some("application/octet-stream"), Some("application/octet-stream"));
        check(Some("text/plain"), Some("text/plain;charset=UTF-8"), Some("text/plain"));
        let given = "text/plain;charset=latin1";
        check(Some("Text/Plain; charset=latin1"), Some(given), Some(given));
        check(
            Some("multipart/form-data; boundary=x"),
            Some("multipart/form-data;boundary=x;charset=UTF-8"),
            Some("multipart/form-data;boundary=x"),
        );
        check(Some("nonsense"), Some("nonsense"), Some("nonsense"));
    }

    #[test]
    fn null_means_something_in_a_merge_patch_only() {
        let nulls = |kind| patch(&headers(header::CONTENT_TYPE, Some(kind))).unwrap();
        assert_eq!(nulls("application/json;charset=UTF-8"), Nulls::Keep);
        assert_eq!(nulls("application/merge-patch+json"), Nulls::Clear);
    }

    #[test]
    fn whoever_takes_json_of_any_kind_is_answered() {
        for (accept, expected) in [
            (None, true),
            (Some(""), true),
            (Some("*/*"), true),
            (Some("text/html, application/*;q=0.1"), true),
            (Some("application/problem+json"), true),
            (Some("text/html"), false),
            (Some("application/xml, image/*"), false),
            (Some("nonsense"), false),
        ] {
            let accepted = acceptable(&headers(header::ACCEPT, accept)).is_ok();
            assert_eq!(accepted, expected, "{accept:?}");
        }
    }

    #[test]
    fn ids_are_encoded_as_java_does_it() {
        assert_eq!(url_encoded("a b/ü*-._~"), "a+b%2F%C3%BC*-._%7E");
    }
}
