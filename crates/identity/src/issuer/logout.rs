//! Signing out at the client's request (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::{Problem, http::Form};
use reqwest::Url;
use serde_json::{Map, Value};
use tracing::info;

use super::{PROTOCOL, Realm, address, page, parameters::Parameters};

/// What the button of the page that asks sends with its form.
const CONFIRMED: &str = "confirmed";

/// Answers a wish to sign out that stands in the query.
pub(super) async fn by_query(
    State(realm): State<Arc<Realm>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Problem> {
    match hint(&realm, &parameters) {
        Some(hint) => sign_out(&realm, &headers, &parameters, Some(&hint)).await,
        None => Ok(ask(&realm, &parameters)),
    }
}

/// Answers a wish to sign out that stands in a form, which may be that of the page that asked for it.
pub(super) async fn by_form(
    State(realm): State<Arc<Realm>>,
    headers: HeaderMap,
    Form(parameters): Form<Parameters>,
) -> Result<Response, Problem> {
    let hint = hint(&realm, &parameters);
    let confirmed = parameters.get(CONFIRMED).is_some() && address::from_own_page(&headers);
    if hint.is_some() || confirmed {
        sign_out(&realm, &headers, &parameters, hint.as_ref()).await
    } else {
        Ok(ask(&realm, &parameters))
    }
}

/// The claims of the ID token that the client shows. It may have expired long ago.
fn hint(realm: &Realm, parameters: &Parameters) -> Option<Map<String, Value>> {
    let claims = realm.key.read(parameters.get("id_token_hint")?)?;
    let own = claims.get("iss").is_some_and(|issuer| *issuer == realm.url);
    (own && claims.get("typ").is_some_and(|kind| kind == "ID")).then_some(claims)
}

async fn sign_out(
    realm: &Realm,
    headers: &HeaderMap,
    parameters: &Parameters,
    hint: Option<&Map<String, Value>>,
) -> Result<Response, Problem> {
    let claim = |name: &str| hint.and_then(|claims| claims.get(name)?.as_str());
    if let Some(session) = claim("sid") {
        end(realm, session).await?;
    }
    // A hint about somebody else must not sign out whoever uses the browser now.
    let sign_on = realm
        .sign_ons
        .find(headers)
        .filter(|sign_on| claim("sub").is_none_or(|subject| subject == sign_on.user.subject));
    let mut response = leave(parameters);
    if let Some(sign_on) = sign_on {
        for session in realm.sign_ons.end(&sign_on.name) {
            end(realm, &session).await?;
        }
        info!(user.login = sign_on.user.login, "{} signed out", sign_on.user.login);
        page::set(&mut response, header::SET_COOKIE, &realm.sign_ons.forget());
    }
    Ok(response)
}

async fn end(realm: &Realm, session: &str) -> Result<(), Problem> {
    realm
        .sessions
        .end(session)
        .await
        .map_err(|cause| Problem::unavailable("The session could not be ended", cause))
}

/// Sends the browser where the client wants it, if that is on this machine; otherwise says that it is done.
fn leave(parameters: &Parameters) -> Response {
    let done = || {
        page::message(StatusCode::OK, "Signed out", "You are signed out. You can close this page.")
    };
    match parameters.get("post_logout_redirect_uri").map(address::loopback) {
        None => done(),
        Some(Err(reason)) => {
            let text = format!(
                "You are signed out. The application wanted to go on at a place that is not allowed: {reason}."
            );
            page::message(StatusCode::BAD_REQUEST, "Signed out", &text)
        }
        Some(Ok(address)) => go_on(address, parameters.get("state")),
    }
}

fn go_on(mut address: Url, state: Option<&str>) -> Response {
    if let Some(state) = state {
        address.query_pairs_mut().append_pair("state", state);
    }
    let mut response = StatusCode::SEE_OTHER.into_response();
    page::set(&mut response, header::LOCATION, address.as_str());
    response
}

/// Without a token that shows who asks, any page could sign a person out: so the person is asked.
fn ask(realm: &Realm, parameters: &Parameters) -> Response {
    let action = format!("{}{PROTOCOL}/logout", realm.path);
    let kept = |(name, _): &&(String, String)| {
        ["post_logout_redirect_uri", "state"].contains(&name.as_str())
    };
    let fields: Vec<_> = parameters.pairs().iter().filter(kept).cloned().collect();
    let back = parameters
        .get("post_logout_redirect_uri")
        .and_then(|address| address::loopback(address).ok());
    let targets = back.map(|address| address::policy_source(&address)).unwrap_or_default();
    page::show(
        StatusCode::OK,
        &page::SignOut { style: page::style(), action: &action, fields: &fields },
        &targets,
    )
}
