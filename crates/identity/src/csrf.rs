//! Protection against requests that another site makes a browser send (contract §5.2): a cookie that only pages of
//! ours can read must come back in a header or a form field.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use chassis::{Outside, Problem};
use percent_encoding::percent_decode_str;

use crate::login::{bearer_token, cookies, is_https};

const COOKIE: &str = "XSRF-TOKEN";
const HEADER: &str = "x-xsrf-token";
const FIELD: &str = "_csrf";

/// The token that a form of this browser must carry in its field `_csrf`. A handler takes it as an argument.
#[derive(Clone, PartialEq, Eq)]
pub struct CsrfToken(pub String);

impl<S: Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing = || {
            Problem::internal(anyhow::anyhow!(
                "no CSRF token: csrf::protect is not around this route"
            ))
        };
        parts.extensions.get().cloned().ok_or_else(missing)
    }
}

/// In the extensions of a request that needs no token, because it shows by other means that no page made a browser send
/// it. Whoever puts it there, outside of [`protect`], has checked that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exempt;

/// Refuses requests that change something and do not carry the browser's token. Requests with a bearer token are
/// exempt: no browser adds one by itself. So are those that are [`Exempt`].
pub fn protect(router: Router, outside: Outside) -> Router {
    router.layer(middleware::from_fn_with_state(outside, guard))
}

async fn guard(State(outside): State<Outside>, request: Request, next: Next) -> Response {
    if request.extensions().get::<Exempt>().is_some() {
        return next.run(request).await;
    }
    let secure = is_https(request.headers());
    let kept = cookies::read(request.headers(), COOKIE).filter(|token| cookies::is_token(token));
    let mut request = match check(request, kept.as_deref()).await {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    let is_new = kept.is_none();
    let token = kept.unwrap_or_else(|| outside.token());
    request.extensions_mut().insert(CsrfToken(token.clone()));
    let mut response = next.run(request).await;
    if is_new {
        cookies::set(&mut response, &cookies::cookie(COOKIE, token, secure).build());
    }
    response
}

/// Why a request is refused.
enum Refusal {
    NoCookie,
    Mismatch,
    Unreadable(Problem),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let sentence = match self {
            Refusal::NoCookie => "An expected CSRF token cannot be found",
            Refusal::Mismatch => "Invalid CSRF Token",
            Refusal::Unreadable(problem) => return problem.into_response(),
        };
        (
            StatusCode::FORBIDDEN,
            [(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))],
            sentence,
        )
            .into_response()
    }
}

/// Hands the request on if it may change something, or does not want to.
async fn check(request: Request, kept: Option<&str>) -> Result<Request, Refusal> {
    let is_safe =
        [Method::GET, Method::HEAD, Method::TRACE, Method::OPTIONS].contains(request.method());
    if is_safe || bearer_token(request.headers()).is_some() {
        return Ok(request);
    }
    let kept = kept.ok_or(Refusal::NoCookie)?;
    if let Some(presented) = request.headers().get(HEADER) {
        return if is_equal(presented.as_bytes(), kept) {
            Ok(request)
        } else {
            Err(Refusal::Mismatch)
        };
    }
    if !is_form(request.headers()) {
        return Err(Refusal::Mismatch);
    }
    let (parts, body) = request.into_parts();
    let bytes = chassis::http::body(body).await.map_err(Refusal::Unreadable)?;
    match field(&bytes, FIELD) {
        Some(presented) if is_equal(&presented, kept) => {
            Ok(Request::from_parts(parts, Body::from(bytes)))
        }
        _ => Err(Refusal::Mismatch),
    }
}

fn is_equal(presented: &[u8], kept: &str) -> bool {
    verify_slices_are_equal(presented, kept.as_bytes()).is_ok()
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The first value of a field of an `application/x-www-form-urlencoded` body.
fn field(form: &[u8], name: &str) -> Option<Vec<u8>> {
    let form = str::from_utf8(form).ok()?;
    form.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key) == name.as_bytes()).then(|| decoded(value))
    })
}

fn decoded(text: &str) -> Vec<u8> {
    percent_decode_str(&text.replace('+', " ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_a_form() {
        for (form, expected) in [
            ("_csrf=abc", Some("abc")),
            ("name=A+Book&_csrf=a%2Bb+c&x=1", Some("a+b c")),
            ("%5Fcsrf=abc", Some("abc")),
            ("_csrf=first&_csrf=second", Some("first")),
            ("_csrf", Some("")),
            ("x_csrf=abc", None),
            ("", None),
        ] {
            assert_eq!(
                field(form.as_bytes(), FIELD).as_deref(),
                expected.map(str::as_bytes),
                "{form}"
            );
        }
        assert_eq!(field(b"\xff_csrf=abc", FIELD), None);
    }

    #[test]
    fn a_form_is_known_by_its_type() {
        let check = |content_type: &'static str| {
            is_form(&HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                HeaderValue::from_static(content_type),
            )]))
        };
        assert!(check("application/x-www-form-urlencoded"));
        assert!(check("Application/X-WWW-form-urlencoded; charset=UTF-8"));
        assert!(!check("application/json"));
        assert!(!check("multipart/form-data; boundary=x"));
        assert!(!is_form(&HeaderMap::new()));
    }
}
