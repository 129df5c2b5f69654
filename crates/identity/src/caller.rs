//! Who is calling: what a good token says, and the doors that ask for one.

use std::{ops::Deref, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::{self, Next},
    response::Response,
};
use chassis::{Problem, http::CallerName, management::Administrator};
use serde_json::{Map, Value};

use crate::{TokenError, Verifier};

/// The claims that may hold authorities; the first that is there counts, even when it holds none (contract §6).
const AUTHORITY_CLAIMS: [&str; 3] = ["groups", "roles", "https://www.jhipster.tech/roles"];

/// The role that may see and do everything.
const ADMIN: &str = "ROLE_ADMIN";

/// The caller that a token names. A handler behind [`identified`] finds it in the request's extensions.
/// Clones share one [`Profile`], so that they cost nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller(Arc<Profile>);

/// What is known of a caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Identifies the caller at the issuer.
    pub subject: String,
    /// The name that people know the caller by.
    pub login: String,
    /// What the caller may do; each starts with `ROLE_`.
    pub authorities: Vec<String>,
    /// Everything that the token says.
    pub claims: Map<String, Value>,
}

impl Caller {
    /// Reads a caller from the claims of a checked token or of a userinfo answer (contract §6).
    pub fn from_claims(claims: Map<String, Value>) -> Caller {
        let text =
            |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (subject, name) = (text("sub"), text("preferred_username"));
        let login = if name.is_empty() { subject.clone() } else { name };
        Caller::from(Profile { subject, login, authorities: authorities(&claims), claims })
    }

    /// Whether the caller has this role, for example `ROLE_ADMIN`.
    pub fn has_role(&self, role: &str) -> bool {
        self.authorities.iter().any(|authority| authority == role)
    }

    /// What tells this caller from others: the subject or, in a token without one, the login.
    fn name(&self) -> &str {
        if self.subject.is_empty() { &self.login } else { &self.subject }
    }
}

impl From<Profile> for Caller {
    fn from(profile: Profile) -> Self {
        Caller(Arc::new(profile))
    }
}

impl Deref for Caller {
    type Target = Profile;

    fn deref(&self) -> &Profile {
        &self.0
    }
}

/// Lets callers without a token in as nobody, but refuses a token that is not good, as the Java services do on their
/// open paths. Callers with a good one are told to the handlers: a [`Caller`] among the request's extensions and, for who
/// must not know this crate, a [`CallerName`], and [`Administrator`] for `ROLE_ADMIN`.
pub fn identified(router: Router, verifier: Arc<Verifier>) -> Router {
    router.layer(middleware::from_fn_with_state(verifier, identify))
}

async fn identify(
    State(verifier): State<Arc<Verifier>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    introduce(&verifier, &mut request).await?;
    Ok(next.run(request).await)
}

/// Tells the handlers who sent a request, if it came with a token.
async fn introduce(verifier: &Verifier, request: &mut Request) -> Result<(), Problem> {
    let Some(token) = bearer(request.headers())? else { return Ok(()) };
    let caller = verifier.verify(token).await?;
    let extensions = request.extensions_mut();
    if caller.has_role(ADMIN) {
        extensions.insert(Administrator);
    }
    extensions.insert(CallerName(caller.name().to_owned()));
    extensions.insert(caller);
    Ok(())
}

/// Finds the bearer token of a request (RFC 6750 §2.1). Other schemes count as no token.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    const MALFORMED: &str = "Bearer token is malformed";
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::invalid_token(MALFORMED));
    }
    let value = value.to_str().map_err(|_| Problem::invalid_token(MALFORMED))?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(allowed) {
        return Err(Problem::invalid_token(MALFORMED));
    }
    Ok(Some(token))
}

fn authorities(claims: &Map<String, Value>) -> Vec<String> {
    let present =
        AUTHORITY_CLAIMS.iter().filter_map(|name| claims.get(*name)).find(|value| !value.is_null());
    let Some(Value::Array(entries)) = present else { return Vec::new() };
    entries
        .iter()
        .filter_map(Value::as_str)
        .filter(|entry| entry.starts_with("ROLE_"))
        .map(str::to_owned)
        .collect()
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            // The services' own words for every reason (contract §2.3).
            TokenError::Invalid(reason) => Problem::invalid_token(&format!(
                "An error occurred while attempting to decode the Jwt: {reason}"
            )),
            TokenError::Unavailable(cause) => Problem::unavailable(
                "The identity provider cannot be reached",
                cause.context(
                    "the token could not be checked because the identity provider did not answer",
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn caller(claims: Value) -> Caller {
        Caller::from_claims(claims.as_object().unwrap().clone())
    }

    fn check(claims: Value, expected: &[&str]) {
        assert_eq!(caller(claims.clone()).authorities, expected, "{claims}");
    }

    #[test]
    fn the_first_claim_that_is_there_gives_the_authorities() {
        check(json!({ "groups": ["ROLE_A"], "roles": ["ROLE_B"] }), &["ROLE_A"]);
        check(
            json!({ "roles": ["ROLE_B"], "https://www.jhipster.tech/roles": ["ROLE_C"] }),
            &["ROLE_B"],
        );
        check(json!({ "https://www.jhipster.tech/roles": ["ROLE_C"] }), &["ROLE_C"]);
        check(json!({ "groups": ["Everyone"], "roles": ["ROLE_B"] }), &[]);
        check(json!({ "groups": [], "roles": ["ROLE_B"] }), &[]);
        check(json!({ "groups": null, "roles": ["ROLE_B"] }), &["ROLE_B"]);
        check(json!({}), &[]);
    }

    #[test]
    fn only_roles_are_authorities() {
        check(json!({ "roles": ["offline_access", "ROLE_A", "role_b", 7] }), &["ROLE_A"]);
        check(json!({ "roles": { "a": 1 } }), &[]);
        check(json!({ "roles": "ROLE_A" }), &[]);
        check(json!({ "realm_access": { "roles": ["ROLE_A"] } }), &[]);
    }

    #[test]
    fn the_login_is_the_preferred_name_or_else_the_subject() {
        assert_eq!(caller(json!({ "sub": "7", "preferred_username": "ann" })).login, "ann");
        assert_eq!(caller(json!({ "sub": "7" })).login, "7");
    }

    #[test]
    fn callers_are_told_apart_by_subject_or_else_by_login() {
        assert_eq!(caller(json!({ "sub": "7", "preferred_username": "ann" })).name(), "7");
        assert_eq!(caller(json!({ "sub": "", "preferred_username": "ann" })).name(), "ann");
        assert_eq!(caller(json!({ "sub": null })).name(), "");
    }

    fn check_header(values: &[&str], expected: Result<Option<&str>, ()>) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(bearer(&headers).map_err(|_| ()), expected, "{values:?}");
    }

    #[test]
    fn finds_the_bearer_token() {
        check_header(&[], Ok(None));
        check_header(&["Basic YTpi"], Ok(None));
        check_header(&["Bearer a.b.c"], Ok(Some("a.b.c")));
        check_header(&["bearer a.b.c"], Ok(Some("a.b.c")));
        check_header(&["Bearer"], Err(()));
        check_header(&["Bearer a b"], Err(()));
        check_header(&["Bearer a\"b"], Err(()));
        check_header(&["Bearer a.b.c", "Bearer a.b.c"], Err(()));
    }
}
