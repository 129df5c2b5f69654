//! The authorization endpoint and its sign-in page (RFC 6749 §4.1.1, RFC 7636, RFC 9207, OpenID Connect Core §3.1.2).

mod request;

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::http::Form;
use serde::Deserialize;
use tracing::{info, warn};

use super::{
    Realm, SIGN_IN, address, code::Grant, page, parameters::Parameters, sign_on::SignOn, user::User,
};
use request::{Authorization, Refusal};

/// What the form of the sign-in page sends.
#[derive(Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// Answers a request for authorization whose parameters stand in the query.
pub(super) async fn by_query(
    State(realm): State<Arc<Realm>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Response {
    authorize(&realm, &headers, &parameters)
}

/// Answers a request for authorization whose parameters stand in a form.
pub(super) async fn by_form(
    State(realm): State<Arc<Realm>>,
    headers: HeaderMap,
    Form(parameters): Form<Parameters>,
) -> Response {
    authorize(&realm, &headers, &parameters)
}

/// Answers the form of the sign-in page, whose query repeats the request for authorization.
pub(super) async fn sign_in(
    State(realm): State<Arc<Realm>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
    Form(credentials): Form<Credentials>,
) -> Response {
    let request = match Authorization::read(&parameters) {
        Ok(request) => request,
        Err(refusal) => return refuse(&realm, refusal),
    };
    if !address::from_own_page(&headers) {
        return page::message(
            StatusCode::FORBIDDEN,
            "Not signed in",
            "The form came from another site. Go back to the application and sign in again.",
        );
    }
    let Some(user) = User::with_password(&credentials.username, &credentials.password) else {
        warn!("somebody tried to sign in with a wrong name or password");
        return ask(&realm, &parameters, &request, Some(&credentials.username));
    };
    if let Some(previous) = realm.sign_ons.find(&headers) {
        realm.sign_ons.end(&previous.name);
    }
    let (sign_on, cookie) = realm.sign_ons.begin(user);
    info!(user.login = user.login, "{} signed in", user.login);
    let mut response = grant(&realm, request, &sign_on);
    page::set(&mut response, header::SET_COOKIE, &cookie);
    response
}

fn authorize(realm: &Realm, headers: &HeaderMap, parameters: &Parameters) -> Response {
    let request = match Authorization::read(parameters) {
        Ok(request) => request,
        Err(refusal) => return refuse(realm, refusal),
    };
    let now = realm.outside.now();
    match realm.sign_ons.find(headers) {
        Some(sign_on) if !request.needs_password(sign_on.authenticated, now) => {
            grant(realm, request, &sign_on)
        }
        _ if request.must_not_ask() => {
            refuse(realm, request.refusal("login_required", "nobody is signed in in this browser"))
        }
        _ => ask(realm, parameters, &request, None),
    }
}

/// Sends the browser back with a code.
fn grant(realm: &Realm, request: Authorization, sign_on: &SignOn) -> Response {
    let code = realm.codes.make(Grant {
        user: sign_on.user,
        redirect_uri: request.back.address.as_str().to_owned(),
        challenge: request.challenge,
        nonce: request.nonce,
        scopes: request.scopes,
        authenticated: sign_on.authenticated,
        sign_on: sign_on.name,
    });
    request.back.to(&realm.url, &[("code", &code)])
}

/// Shows the sign-in page; `wrong` is the name that was given with a wrong password.
fn ask(
    realm: &Realm,
    parameters: &Parameters,
    request: &Authorization,
    wrong: Option<&str>,
) -> Response {
    let action = format!("{}{SIGN_IN}?{}", realm.path, parameters.query());
    // A name of any length would be repeated; nobody's is longer.
    let username: String = wrong
        .unwrap_or(request.login_hint.as_deref().unwrap_or_default())
        .chars()
        .take(100)
        .collect();
    let form = page::SignIn {
        style: page::style(),
        action: &action,
        username: &username,
        wrong: wrong.is_some(),
    };
    let status = if wrong.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    page::show(status, &form, &address::policy_source(&request.back.address))
}

fn refuse(realm: &Realm, refusal: Refusal) -> Response {
    match refusal {
        // Nobody knows yet whether the address can be trusted, so the browser stays here (RFC 6749 §4.1.2.1).
        Refusal::Here(reason) => {
            page::message(StatusCode::BAD_REQUEST, "This sign-in cannot go on", &reason)
        }
        Refusal::Back { back, error, description } => back
            .to(&realm.url, &[("error", error), ("error_description", description)])
            .into_response(),
    }
}
