//! Tells every request who sent it: nobody known, a browser with a session, or a program with a bearer token.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use chassis::{Problem, Secret};
use cookie::Cookie;

use super::{Login, cookies, is_https, refresh::Refreshed};
use crate::{Caller, session::Session};

/// Who sent a request. A handler behind [`sessions`] takes it as an argument.
#[derive(Debug, Clone)]
pub enum Visitor {
    /// Nobody known.
    Anonymous,
    /// A browser that signed in.
    Session(SignedIn),
    /// A program that sent a good bearer token.
    Bearer(SignedIn),
}

/// Somebody known.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who it is.
    pub caller: Caller,
    token: Result<Secret<String>, Arc<anyhow::Error>>,
    session: Option<Arc<Session>>,
}

impl Visitor {
    /// Who it is, if known.
    pub fn signed_in(&self) -> Option<&SignedIn> {
        match self {
            Visitor::Anonymous => None,
            Visitor::Session(signed_in) | Visitor::Bearer(signed_in) => Some(signed_in),
        }
    }
}

impl SignedIn {
    /// The access token that speaks for the caller to the services.
    ///
    /// # Errors
    /// 503 when it has expired and the identity provider, which would give a new one, does not answer.
    pub fn access_token(&self) -> Result<&Secret<String>, Problem> {
        const DETAIL: &str = "The identity provider cannot be reached";
        self.token
            .as_ref()
            .map_err(|cause| Problem::unavailable(DETAIL, anyhow::anyhow!("{cause:#}")))
    }

    /// The session, unless the caller came with a bearer token.
    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_deref()
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing = || {
            Problem::internal(anyhow::anyhow!(
                "no visitor: login::sessions is not around this route"
            ))
        };
        parts.extensions.get().cloned().ok_or_else(missing)
    }
}

/// Puts the [`Visitor`] into the extensions of every request to these routes, with a fresh access token.
///
/// A bad bearer token is answered with 401 everywhere, as the Java gateway does; a session that has ended only makes
/// its browser anonymous, and takes the cookie away.
pub fn sessions(router: Router, login: Arc<Login>) -> Router {
    router.layer(middleware::from_fn_with_state(login, visit))
}

async fn visit(State(login): State<Arc<Login>>, mut request: Request, next: Next) -> Response {
    let name = login.cookie;
    let cookie = cookies::read(request.headers(), name);
    let visitor = match (bearer_token(request.headers()), &cookie) {
        (Some(token), _) => login.bearer(token).await,
        (None, Some(token)) => login.browser(token).await,
        (None, None) => Ok(Visitor::Anonymous),
    };
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(problem) => return problem.into_response(),
    };
    let is_over = cookie.is_some() && matches!(visitor, Visitor::Anonymous);
    let secure = is_https(request.headers());
    request.extensions_mut().insert(visitor);
    let mut response = next.run(request).await;
    if is_over && !sets_session(&response, name) {
        cookies::remove(&mut response, session_cookie(name, String::new(), secure));
    }
    response
}

impl Login {
    async fn bearer(&self, token: &str) -> Result<Visitor, Problem> {
        let caller = self.verifier.verify(token).await?;
        Ok(Visitor::Bearer(SignedIn {
            caller,
            token: Ok(Secret::new(token.to_owned())),
            session: None,
        }))
    }

    async fn browser(self: &Arc<Self>, token: &str) -> Result<Visitor, Problem> {
        if !cookies::is_token(token) {
            return Ok(Visitor::Anonymous);
        }
        let unreadable = |cause| Problem::unavailable("The session cannot be read now", cause);
        let Some(session) = self.sessions.open(token).await.map_err(unreadable)? else {
            return Ok(Visitor::Anonymous);
        };
        let (session, token) = match self.refreshed(session).await {
            Refreshed::Fresh(session) => {
                let token = session.tokens.access.clone();
                (session, Ok(token))
            }
            Refreshed::Stale(session, cause) => (session, Err(cause)),
            Refreshed::Ended => return Ok(Visitor::Anonymous),
        };
        Ok(Visitor::Session(SignedIn {
            caller: session.caller.clone(),
            token,
            session: Some(session),
        }))
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1).
pub(crate) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// The cookie that holds a session's token: out of reach for scripts, gone when the browser closes.
pub(super) fn session_cookie(name: &'static str, token: String, secure: bool) -> Cookie<'static> {
    cookies::cookie(name, token, secure).http_only(true).build()
}

fn sets_session(response: &Response, name: &str) -> bool {
    let set = response.headers().get_all(header::SET_COOKIE);
    set.iter().any(|cookie| {
        cookie.as_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_bearer_token_is_known_by_its_scheme() {
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Bearer ", Some("")),
            ("Basic abc", None),
            ("Bearer", Some("")),
            ("BearerX abc", None),
        ] {
            let headers =
                HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
            assert_eq!(bearer_token(&headers), expected, "{value}");
        }
    }
}
