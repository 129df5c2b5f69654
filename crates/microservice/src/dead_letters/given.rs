//! What a caller changes of a dead letter.

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chassis::{Problem, http};
use messaging::dead_letters::Correction;
use serde::Deserialize;

/// The body of a correction; what is not named stays as it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Given {
    payload: Option<String>,
    payload_base64: Option<String>,
    key: Option<String>,
}

/// Reads a correction of at most 1 MiB.
///
/// # Errors
/// 415 when it is no JSON, 400 when it changes nothing or names something else, 413, 408.
pub(super) async fn correction(headers: &HeaderMap, body: Body) -> Result<Correction, Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.unwrap_or("application/octet-stream");
    let kind = given.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::unsupported_media_type(given, "application/json"));
    }
    read(&http::body(body).await?)
}

fn read(body: &[u8]) -> Result<Correction, Problem> {
    let given: Given = serde_json::from_slice(body).map_err(|error| {
        Problem::bad_request(format!("The body is no correction of a dead letter: {error}"))
    })?;
    let payload = match (given.payload, given.payload_base64) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("Give payload or payloadBase64, not both"));
        }
        (Some(text), None) => Some(text.into_bytes()),
        (None, Some(text)) => Some(
            BASE64_STANDARD
                .decode(text)
                .map_err(|error| Problem::bad_request(format!("payloadBase64: {error}")))?,
        ),
        (None, None) => None,
    };
    let key = given.key.map(String::into_bytes);
    match payload.is_some() || key.is_some() {
        true => Ok(Correction { payload, key }),
        false => {
            Err(Problem::bad_request("Nothing is changed: give payload, payloadBase64 or key"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Result<(Option<&[u8]>, Option<&str>), &str>) {
        match (read(body.as_bytes()), expected) {
            (Ok(found), Ok((payload, key))) => {
                assert_eq!(found.payload.as_deref(), payload, "{body}");
                assert_eq!(found.key.as_deref(), key.map(str::as_bytes), "{body}");
            }
            (Err(problem), Err(expected)) => {
                assert!(problem.detail().contains(expected), "{body}: {}", problem.detail());
            }
            (found, expected) => panic!("{body}: {found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_correction_changes_payload_or_key() {
        check(r#"{"payload":"ü"}"#, Ok((Some("ü".as_bytes()), None)));
        check(r#"{"payloadBase64":"/wA=","key":"k"}"#, Ok((Some(&[0xff, 0]), Some("k"))));
        check(r#"{"payload":""}"#, Ok((Some(b""), None)));
        check(r#"{"payloadBase64":"?"}"#, Err("payloadBase64"));
        check(r#"{"payload":"a","payloadBase64":""}"#, Err("not both"));
        check("{}", Err("Nothing is changed"));
        check(r#"{"reason":"x"}"#, Err("unknown field `reason`"));
        check("no JSON", Err("no correction"));
    }
}
