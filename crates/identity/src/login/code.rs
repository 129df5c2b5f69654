//! The code flow (RFC 6749 §4.1, RFC 7636, OpenID Connect Core 1.0 §3.1): the way to the issuer and back.

use std::sync::Arc;

use anyhow::{anyhow, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chassis::Secret;
use cookie::time::Duration;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::{info, warn};

use super::{
    CALLBACK, Login, Visitor, cookies,
    exchange::{ExchangeError, brief, with_query},
    is_https,
    page::Failure,
    pending::{LIFETIME, Pending},
    place::{Base, local_path},
    visitor,
};
use crate::{Caller, Profile, TokenError, session::Tokens};

/// Binds a sign-in under way to the browser that started it.
const BROWSER: &str = "SIGN_IN";

const NO_PROVIDER: &str = "The identity provider does not answer. Please try again in a moment.";
const NOT_STARTED_HERE: &str =
    "This sign-in was not started in this browser, took too long, or was finished before.";

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(rename = "return")]
    target: Option<String>,
}

/// Sends the browser to the issuer.
pub(super) async fn authorize(
    State(login): State<Arc<Login>>,
    base: Base,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Failure> {
    let metadata = login
        .provider
        .metadata()
        .await
        .map_err(|cause| Failure::unavailable(NO_PROVIDER, cause))?;
    let target = wanted.ok().and_then(|Query(wanted)| wanted.target).unwrap_or_default();
    let browser = cookies::read(&headers, BROWSER).filter(|token| cookies::is_token(token));
    let browser = browser.unwrap_or_else(|| login.outside.token());
    let (state, code_verifier) = (login.outside.token(), login.outside.token());
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, code_verifier.as_bytes()));
    let pending = Pending {
        nonce: login.outside.token(),
        code_verifier: Secret::new(code_verifier),
        redirect_uri: base.url(CALLBACK),
        target: local_path(&target).unwrap_or("/").to_owned(),
    };
    let location = with_query(
        &metadata.authorization_endpoint,
        &[
            ("response_type", "code"),
            ("client_id", &login.client_id),
            ("scope", &login.scopes),
            ("state", &state),
            ("redirect_uri", &pending.redirect_uri),
            ("nonce", &pending.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ],
    );
    login.pending.keep(state, &browser, pending, login.outside.now());
    let mut response = found(&location);
    let cookie = cookies::cookie(BROWSER, browser, base.is_secure()).http_only(true);
    cookies::set(&mut response, &cookie.max_age(Duration::seconds(LIFETIME.as_secs())).build());
    Ok(response)
}

/// What the issuer sends back through the browser.
#[derive(Deserialize)]
pub(super) struct Returned {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

/// Takes the browser back from the issuer and begins its session.
pub(super) async fn callback(
    State(login): State<Arc<Login>>,
    visitor: Visitor,
    headers: HeaderMap,
    returned: Result<Query<Returned>, QueryRejection>,
) -> Result<Response, Failure> {
    let malformed = |_| Failure::bad_request("The identity provider's answer is malformed.");
    let Query(returned) = returned.map_err(malformed)?;
    let browser = cookies::read(&headers, BROWSER).unwrap_or_default();
    let state = returned.state.as_deref().unwrap_or_default();
    let pending = login.pending.take(state, &browser, login.outside.now());
    let pending = pending.ok_or_else(|| Failure::bad_request(NOT_STARTED_HERE))?;
    // RFC 9207: the answer of another issuer must not be taken to this one.
    if returned.iss.as_deref().is_some_and(|issuer| issuer != login.provider.issuer()) {
        return Err(Failure::untrusted(anyhow!("the answer names another issuer")));
    }
    let code = code(&returned)?;
    let (caller, tokens) = login.redeem(code, &pending).await?;
    if let Some(former) = visitor.signed_in().and_then(|signed_in| signed_in.session())
        && let Err(cause) = login.sessions.end(&former.id).await
    {
        warn!("a browser's former session stays until it expires: {cause:#}");
    }
    info!(user.id = %caller.subject, "signed in {}", caller.subject);
    let begun = login.sessions.begin(caller, tokens).await;
    let token =
        begun.map_err(|cause| Failure::unavailable("The session cannot be kept now.", cause))?;
    let mut response = found(&pending.target);
    cookies::set(
        &mut response,
        &visitor::session_cookie(login.cookie, token.expose().clone(), is_https(&headers)),
    );
    Ok(response)
}

/// The code, or what the issuer said instead.
fn code(returned: &Returned) -> Result<&str, Failure> {
    let Some(error) = &returned.error else {
        return returned
            .code
            .as_deref()
            .ok_or_else(|| Failure::bad_request("The identity provider sent no code."));
    };
    let description = returned.error_description.as_deref().unwrap_or(error);
    Err(Failure::bad_request(format!("The identity provider says: {}", brief(description)))
        .because(anyhow!("{}", brief(error))))
}

fn found(location: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

impl Login {
    /// Exchanges a code for tokens and learns whose they are.
    async fn redeem(&self, code: &str, pending: &Pending) -> Result<(Caller, Tokens), Failure> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &pending.redirect_uri),
            ("code_verifier", pending.code_verifier.expose()),
        ];
        let granted = self.request_tokens(&form).await.map_err(|error| match error {
            ExchangeError::Refused { .. } => {
                Failure::bad_request("The identity provider did not accept the sign-in.")
                    .because(error)
            }
            ExchangeError::Unavailable(cause) => Failure::unavailable(NO_PROVIDER, cause),
        })?;
        let Some(id_token) = granted.id_token.clone() else {
            return Err(Failure::untrusted(anyhow!("the token endpoint sent no ID token")));
        };
        let checked =
            self.verifier.verify_id_token(&id_token, &self.client_id, &pending.nonce).await;
        let id_claims = checked.map_err(|error| match error {
            TokenError::Unavailable(cause) => Failure::unavailable(NO_PROVIDER, cause),
            error => Failure::untrusted(anyhow!(error).context("check the ID token")),
        })?;
        let userinfo = self.userinfo(&granted.access_token).await;
        let userinfo = userinfo.map_err(|cause| Failure::unavailable(NO_PROVIDER, cause))?;
        let caller = caller(id_claims, userinfo).map_err(Failure::untrusted)?;
        Ok((caller, granted.into_tokens(id_token, self.outside.now())))
    }
}

/// Who signed in. Authorities come from the userinfo claims alone; of claims that both have, the signed ones count
/// (contract §5.3).
fn caller(id_claims: Map<String, Value>, userinfo: Map<String, Value>) -> anyhow::Result<Caller> {
    let subject =
        |claims: &Map<String, Value>| claims.get("sub").and_then(Value::as_str).map(str::to_owned);
    ensure!(subject(&id_claims).is_some(), "the ID token names no subject");
    // OpenID Connect Core 1.0 §5.3.2: claims about somebody else must not be used.
    ensure!(
        subject(&userinfo) == subject(&id_claims),
        "the userinfo claims are about another subject than the ID token"
    );
    let authorities = Caller::from_claims(userinfo.clone()).authorities.clone();
    let mut claims = userinfo;
    claims.extend(id_claims);
    let signed = Caller::from_claims(claims);
    Ok(Caller::from(Profile { authorities, ..Profile::clone(&signed) }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("not an object") };
        object
    }

    #[test]
    fn authorities_come_from_userinfo_and_other_claims_from_the_signed_token_first() {
        let id_claims =
            object(json!({ "sub": "7", "groups": ["ROLE_ADMIN"], "email": "signed@example.org" }));
        let userinfo = object(
            json!({ "sub": "7", "groups": ["ROLE_USER"], "email": "x@example.org", "locale": "de" }),
        );
        let caller = caller(id_claims, userinfo).unwrap();
        assert_eq!(caller.authorities, ["ROLE_USER"]);
        assert_eq!(caller.claims["email"], "signed@example.org");
        assert_eq!(caller.claims["locale"], "de");
        assert_eq!(caller.login, "7");
    }

    #[test]
    fn claims_about_somebody_else_are_not_used() {
        let id_claims = object(json!({ "sub": "7" }));
        for userinfo in [json!({ "sub": "8" }), json!({})] {
            assert!(caller(id_claims.clone(), object(userinfo)).is_err());
        }
        assert!(caller(Map::new(), Map::new()).is_err());
    }
}
