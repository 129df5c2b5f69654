//! A signed-in person's request for a page. Everybody else is sent to sign in and then back.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{Method, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use chassis::{Problem, Secret};
use identity::{
    csrf::CsrfToken,
    login::{SIGN_IN, SignedIn, Visitor},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The role of administrators.
pub const ADMIN: &str = "ROLE_ADMIN";

/// Who asks, with what the pages need of it. A handler behind [`identity::login::sessions`] and
/// [`identity::csrf::protect`] takes it as an argument.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The name that people know the visitor by.
    pub login: String,
    /// Whether the visitor may see and do everything.
    pub is_administrator: bool,
    /// Speaks for the visitor to other services.
    pub token: Secret<String>,
    /// What a form must carry in its field `_csrf`.
    pub csrf: String,
    /// The path that was asked for.
    pub path: String,
}

/// Whether somebody may see and do everything.
pub fn is_administrator(signed_in: &SignedIn) -> bool {
    signed_in.caller.has_role(ADMIN)
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match visit(parts) {
            Ok(Some(visit)) => Ok(visit),
            Ok(None) => Err(Redirect::to(&sign_in(place(parts))).into_response()),
            Err(problem) => Err(problem.into_response()),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        visit(parts)
    }
}

fn visit(parts: &Parts) -> Result<Option<Visit>, Problem> {
    let Some(signed_in) = parts.extensions.get::<Visitor>().and_then(Visitor::signed_in) else {
        return Ok(None);
    };
    let csrf = parts.extensions.get::<CsrfToken>().map(|token| token.0.clone()).unwrap_or_default();
    Ok(Some(Visit {
        login: signed_in.caller.login.clone(),
        is_administrator: is_administrator(signed_in),
        token: signed_in.access_token()?.clone(),
        csrf,
        path: parts.uri.path().to_owned(),
    }))
}

/// Where a visitor was, with what was asked there. What a form has sent is not sent again.
fn place(parts: &Parts) -> &str {
    match parts.uri.path_and_query() {
        Some(all) if parts.method == Method::GET => all.as_str(),
        _ => parts.uri.path(),
    }
}

/// Where a visitor signs in who is to come back to `path`.
pub fn sign_in(path: &str) -> String {
    format!("{SIGN_IN}?return={}", utf8_percent_encode(path, NON_ALPHANUMERIC))
}
