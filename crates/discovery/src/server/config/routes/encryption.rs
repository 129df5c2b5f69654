//! `/encrypt`, `/decrypt` and `/key`: making and reading the values that are kept encrypted.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::Problem;
use percent_encoding::percent_decode_str;

use crate::server::config::{
    ConfigServer,
    cipher::{Cipher, without_names},
    encryption::NotDone,
    json,
};

/// The longest text, in bytes.
const LENGTH: usize = 128 * 1024;
const TEXT: &str = "text/plain;charset=UTF-8";

/// `POST /encrypt` and `POST /encrypt/{app}/{profiles}`: one key serves all.
pub(super) async fn encrypt(
    State(server): State<ConfigServer>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Problem> {
    done(server.encrypt(&given(&headers, body, "encrypt")?))
}

/// `POST /decrypt` and `POST /decrypt/{app}/{profiles}`.
pub(super) async fn decrypt(
    State(server): State<ConfigServer>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Problem> {
    done(server.decrypt(&given(&headers, body, "decrypt")?))
}

fn done(outcome: Result<String, NotDone>) -> Result<Response, Problem> {
    match outcome {
        Ok(text) => Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response()),
        // What the original says then, because without a key its cipher changes nothing.
        Err(NotDone::NoKey) => Ok(too_weak()),
        Err(NotDone::OtherKey) => {
            Ok(told(StatusCode::BAD_REQUEST, "Text not encrypted with this key", "INVALID"))
        }
        Err(NotDone::Failed(cause)) => Err(Problem::internal(cause)),
    }
}

/// `GET /encrypt/status`.
pub(super) async fn status(State(server): State<ConfigServer>) -> Response {
    match server.cipher() {
        Some(_) => answer(StatusCode::OK, json::texts(&[("status", "OK")])),
        None => too_weak(),
    }
}

/// `GET /key`: the public key, to encrypt elsewhere.
pub(super) async fn key(State(server): State<ConfigServer>) -> Response {
    match server.cipher().and_then(Cipher::public_key) {
        Some(key) => ([(header::CONTENT_TYPE, TEXT)], key.to_owned()).into_response(),
        None => told(StatusCode::NOT_FOUND, "No public key available", "NOT_FOUND"),
    }
}

/// `GET /key/{app}/{profiles}`.
pub(super) async fn key_for(
    state: State<ConfigServer>,
    Path(_): Path<(String, String)>,
) -> Response {
    key(state).await
}

/// The text that was sent. Tools such as curl say of any text that it is a form; such a text is encoded, and may end in a
/// sign that the caller did not mean.
fn given(headers: &HeaderMap, body: String, verb: &str) -> Result<String, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.ok_or_else(|| {
        Problem::bad_request("The Content-Type is missing: send the text as text/plain")
    })?;
    if body.len() > LENGTH {
        return Err(Problem::too_large(LENGTH));
    }
    let text = match kind.starts_with("application/x-www-form-urlencoded") {
        true => {
            // A plus is one in Base64, and a blank in a form.
            let blanks = if verb == "encrypt" { body.replace('+', " ") } else { body };
            let text = percent_decode_str(&blanks).decode_utf8_lossy().into_owned();
            match text.strip_suffix('=') {
                Some(rest) if !is_padded(rest, verb) => rest.to_owned(),
                _ => text,
            }
        }
        false => body,
    };
    match text.is_empty() {
        true => Err(Problem::bad_request(format!("There is nothing to {verb}"))),
        false => Ok(text),
    }
}

/// Whether a sign at the end is part of a text in Base64, which comes in fours.
fn is_padded(rest: &str, verb: &str) -> bool {
    let text = without_names(rest);
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit()) && text.len().is_multiple_of(2);
    verb == "decrypt" && !hex && (text.len() + 1).is_multiple_of(4)
}

fn too_weak() -> Response {
    told(StatusCode::NOT_FOUND, "The encryption algorithm is not strong enough", "INVALID")
}

fn told(status: StatusCode, description: &str, word: &str) -> Response {
    answer(status, json::texts(&[("description", description), ("status", word)]))
}

fn answer(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, super::JSON)], body).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(kind: &'static str, body: &str, verb: &str, expected: &str) {
        let value = HeaderValue::from_static(kind);
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
        let text = given(&headers, body.to_owned(), verb).unwrap();
        assert_eq!(text, expected, "{kind} {verb} {body}");
    }

    #[test]
    fn forms_are_read_as_the_text_that_was_meant() {
        let form = "application/x-www-form-urlencoded";
        check("text/plain", "a=", "encrypt", "a=");
        check("text/plain; charset=utf-8", "a+b%20", "encrypt", "a+b%20");
        check(form, "a=", "encrypt", "a");
        check(form, "a+b%2B", "encrypt", "a b+");
        check(form, "{key:x}abc", "encrypt", "{key:x}abc");
        check(form, "00ff=", "decrypt", "00ff");
        check(form, "AB+/CDE=", "decrypt", "AB+/CDE=");
        check(form, "AB+/CDEF=", "decrypt", "AB+/CDEF");
    }
}
