//! The one client of the development identity provider, and how it shows who it is (RFC 6749 §2.3).

use axum::http::{HeaderMap, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;

use super::{hash::same, parameters::Parameters};

/// The client's id.
pub(super) const ID: &str = "web_app";
/// Public, as in the tutorial's realm: it protects nothing, but clients that send one must send this one.
const SECRET: &str = "web_app";

/// What a request shows of its client.
struct Shown<'a> {
    id: Option<&'a str>,
    secret: Option<&'a str>,
}

/// Checks that a request comes from the client: by its id alone, or with the secret in the form or in the header.
pub(super) fn check(headers: &HeaderMap, parameters: &Parameters) -> Result<(), &'static str> {
    let form = Shown { id: parameters.get("client_id"), secret: parameters.get("client_secret") };
    let Some(value) = headers.get(header::AUTHORIZATION) else { return form.check() };
    if form.secret.is_some() {
        return Err("the client's secret is given twice, in the form and in the header");
    }
    let (id, secret) =
        value.to_str().ok().and_then(basic).ok_or("the Authorization header cannot be read")?;
    if form.id.is_some_and(|other| other != id) {
        return Err("the form and the header name different clients");
    }
    Shown { id: Some(&id), secret: Some(&secret) }.check()
}

impl Shown<'_> {
    fn check(&self) -> Result<(), &'static str> {
        match (self.id, self.secret) {
            (None, _) => Err("the client_id is missing"),
            (Some(id), _) if id != ID => Err("there is no such client"),
            (Some(_), Some(secret)) if !same(secret, SECRET) => Err("the client's secret is wrong"),
            (Some(_), _) => Ok(()),
        }
    }
}

fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

/// Both halves are form-encoded before they are joined (RFC 6749 §2.3.1).
fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::{from_value, json};

    use super::*;

    fn check_client(basic: Option<&str>, form: &[(&str, &str)], expected: Result<(), &str>) {
        let mut headers = HeaderMap::new();
        if let Some(pair) = basic {
            let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        }
        assert_eq!(
            check(&headers, &from_value(json!(form)).unwrap()),
            expected,
            "{basic:?} {form:?}"
        );
    }

    #[test]
    fn accepts_the_client_in_every_usual_way() {
        check_client(None, &[("client_id", "web_app")], Ok(()));
        check_client(None, &[("client_id", "web_app"), ("client_secret", "web_app")], Ok(()));
        check_client(Some("web_app:web_app"), &[], Ok(()));
        check_client(Some("web%5Fapp:web%5Fapp"), &[("client_id", "web_app")], Ok(()));
    }

    #[test]
    fn refuses_anybody_else() {
        check_client(None, &[], Err("the client_id is missing"));
        check_client(None, &[("client_id", "other")], Err("there is no such client"));
        check_client(
            None,
            &[("client_id", "web_app"), ("client_secret", "x")],
            Err("the client's secret is wrong"),
        );
        check_client(Some("web_app:x"), &[], Err("the client's secret is wrong"));
        check_client(
            Some("web_app:web_app"),
            &[("client_id", "other")],
            Err("the form and the header name different clients"),
        );
        check_client(
            Some("web_app:web_app"),
            &[("client_secret", "web_app")],
            Err("the client's secret is given twice, in the form and in the header"),
        );
        check_client(Some("web_app"), &[], Err("the Authorization header cannot be read"));
    }
}
