//! HTTP Basic authentication (RFC 7617) of one user, in a time that does not depend on the guess.

use aws_lc_rs::{constant_time, digest};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::{self, Next},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chassis::{Problem, Secret};

const CHALLENGE: &str = "Basic realm=\"JHipster Registry\"";

/// Knows one user by name and password. Holds a digest only, so that guesses of any length take the same time to compare.
#[derive(Clone)]
pub struct Gate {
    expected: digest::Digest,
}

impl Gate {
    /// A gate for this user.
    pub fn new(user: &str, password: &Secret<String>) -> Self {
        Gate { expected: digest_of(format!("{user}:{}", password.expose()).as_bytes()) }
    }

    /// Whether a request with these headers comes from the user.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let credentials = headers.get(header::AUTHORIZATION).and_then(|value| {
            let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
            let credentials = BASE64_STANDARD.decode(encoded.trim()).ok()?;
            scheme.eq_ignore_ascii_case("basic").then_some(credentials)
        });
        credentials.is_some_and(|credentials| {
            constant_time::verify_slices_are_equal(
                digest_of(&credentials).as_ref(),
                self.expected.as_ref(),
            )
            .is_ok()
        })
    }

    /// Lets only the user through to these routes, and to what stands beside them: others learn nothing of any path.
    pub fn protect(&self, routes: Router) -> Router {
        routes
            .fallback(|| async { Problem::not_found() })
            .layer(middleware::from_fn_with_state(self.clone(), check))
    }
}

/// What is answered to everybody else: 401 with a challenge.
pub fn challenge() -> Problem {
    Problem::unauthorized().with_header(header::WWW_AUTHENTICATE, CHALLENGE)
}

async fn check(
    State(gate): State<Gate>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if gate.admits(request.headers()) {
        return Ok(next.run(request).await);
    }
    Err(challenge())
}

fn digest_of(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(authorization: &str, expected: bool) {
        let gate = Gate::new("admin", &Secret::new("p:w".into()));
        let value = HeaderValue::from_str(authorization).unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        assert_eq!(gate.admits(&headers), expected, "{authorization}");
    }

    #[test]
    fn admits_the_right_password_and_nothing_else() {
        let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        check(&basic("admin:p:w"), true);
        check(&basic("admin:p:w").replace("Basic", "basic"), true);
        check(&basic("admin:p:"), false);
        check(&basic("other:p:w"), false);
        check(&basic("admin"), false);
        check("Basic !!!", false);
        check("Bearer x", false);
        check("", false);
    }
}
