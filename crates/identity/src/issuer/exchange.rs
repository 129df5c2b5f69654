//! The token endpoint: a code, a refresh token or a password for tokens (RFC 6749 §4.1.3, §4.3.2, §6).

use std::sync::Arc;

use axum::{
    Form, Json,
    extract::{State, rejection::FormRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::Problem;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::{
    Realm, client,
    code::{Grant, Redeemed},
    hash::{hash_text, same},
    parameters::{Parameters, known_scopes},
    session::{RefreshError, Ticket},
    tokens,
    user::User,
};

/// Why there are no tokens.
pub(super) enum Refusal {
    /// The client did something wrong: an error code of RFC 6749 §5.2 and a sentence for whoever debugs it.
    Grant(&'static str, String),
    /// This server could not do its part.
    Failed(anyhow::Error),
}

/// Answers a request for tokens.
pub(super) async fn token(
    State(realm): State<Arc<Realm>>,
    headers: HeaderMap,
    form: Result<Form<Parameters>, FormRejection>,
) -> Result<Json<Value>, Response> {
    let Form(parameters) = form.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large(chassis::http::BODY_LIMIT).into_response()
        }
        _ => invalid_request("the body must be a form, application/x-www-form-urlencoded")
            .into_response(),
    })?;
    let tokens = exchange(&realm, &headers, &parameters).await;
    tokens.map(Json).map_err(IntoResponse::into_response)
}

async fn exchange(
    realm: &Realm,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    if let Some(name) = parameters.repeated() {
        return Err(invalid_request(&format!("{name} is given twice")));
    }
    client::check(headers, parameters)
        .map_err(|reason| Refusal::Grant("invalid_client", reason.to_owned()))?;
    match required(parameters, "grant_type")? {
        "authorization_code" => by_code(realm, parameters).await,
        "refresh_token" => by_refresh_token(realm, parameters).await,
        "password" => by_password(realm, parameters).await,
        other => Err(Refusal::Grant(
            "unsupported_grant_type",
            format!("the grant type {other} is not supported"),
        )),
    }
}

async fn by_code(realm: &Realm, parameters: &Parameters) -> Result<Value, Refusal> {
    let code = required(parameters, "code")?;
    let ticket = realm.sessions.ticket();
    let grant = match realm.codes.redeem(code, &ticket.session) {
        Redeemed::Granted(grant) => grant,
        Redeemed::Replayed(session) => return Err(replayed(realm, &session).await),
        Redeemed::Unknown => {
            return Err(invalid_grant("there is no such code, or it is older than a minute"));
        }
    };
    if parameters.get("redirect_uri") != Some(&grant.redirect_uri) {
        return Err(invalid_grant("redirect_uri differs from that of the authorization request"));
    }
    check_verifier(required(parameters, "code_verifier")?, &grant.challenge)?;
    let tokens = open(realm, &ticket, &grant).await?;
    // Somebody else may have tried the same code while the session was being opened.
    if realm.codes.was_replayed(code) {
        return Err(replayed(realm, &ticket.session).await);
    }
    if !realm.sign_ons.attach(&grant.sign_on, &ticket.session) {
        realm.sessions.end(&ticket.session).await?;
        return Err(invalid_grant("the user has signed out"));
    }
    Ok(tokens)
}

async fn open(realm: &Realm, ticket: &Ticket, grant: &Grant) -> anyhow::Result<Value> {
    let session =
        realm.sessions.open(ticket, grant.user, &grant.scopes, grant.authenticated).await?;
    tokens::answer(realm, &session, &ticket.refresh_token, grant.nonce.as_deref())
}

async fn by_refresh_token(realm: &Realm, parameters: &Parameters) -> Result<Value, Refusal> {
    let scopes = parameters.get("scope").map(|scopes| known_scopes(Some(scopes)));
    let shown = required(parameters, "refresh_token")?;
    let refreshed = realm.sessions.refresh(shown, scopes.as_deref()).await;
    let (session, ticket) = refreshed.map_err(|error| match error {
        RefreshError::Ended => invalid_grant("there is no such session, or not any more"),
        RefreshError::Reused => {
            warn!("a refresh token was used twice; its session is ended");
            invalid_grant("the refresh token was used before; its session is ended")
        }
        RefreshError::Wider => {
            let description = "a refresh can only narrow the scopes";
            Refusal::Grant("invalid_scope", description.to_owned())
        }
        RefreshError::Unavailable(cause) => Refusal::Failed(cause),
    })?;
    Ok(tokens::answer(realm, &session, &ticket.refresh_token, None)?)
}

async fn by_password(realm: &Realm, parameters: &Parameters) -> Result<Value, Refusal> {
    let (username, password) =
        (required(parameters, "username")?, required(parameters, "password")?);
    let Some(user) = User::with_password(username, password) else {
        warn!("somebody asked for tokens with a wrong name or password");
        return Err(invalid_grant("Invalid user credentials"));
    };
    let ticket = realm.sessions.ticket();
    let scopes = known_scopes(parameters.get("scope"));
    let session = realm.sessions.open(&ticket, user, &scopes, realm.outside.now()).await?;
    info!(user.login = user.login, "{} signed in with a script", user.login);
    Ok(tokens::answer(realm, &session, &ticket.refresh_token, None)?)
}

/// Takes back what a code was exchanged for, because it was shown a second time (RFC 6749 §4.1.2).
async fn replayed(realm: &Realm, session: &str) -> Refusal {
    warn!("an authorization code was used twice; its session is ended");
    match realm.sessions.end(session).await {
        Ok(()) => invalid_grant("the code was used before; what it was exchanged for is revoked"),
        Err(cause) => Refusal::Failed(cause),
    }
}

fn check_verifier(verifier: &str, challenge: &str) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(allowed) {
        return Err(invalid_request("code_verifier must be 43 to 128 letters, digits, - . _ ~"));
    }
    if !same(&hash_text(verifier), challenge) {
        return Err(invalid_grant("code_verifier does not match the challenge"));
    }
    Ok(())
}

fn required<'a>(parameters: &'a Parameters, name: &str) -> Result<&'a str, Refusal> {
    parameters.get(name).ok_or_else(|| invalid_request(&format!("{name} is missing")))
}

fn invalid_request(description: &str) -> Refusal {
    Refusal::Grant("invalid_request", description.to_owned())
}

fn invalid_grant(description: &str) -> Refusal {
    Refusal::Grant("invalid_grant", description.to_owned())
}

impl From<anyhow::Error> for Refusal {
    fn from(cause: anyhow::Error) -> Self {
        Refusal::Failed(cause)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (error, description) = match self {
            Refusal::Grant(error, description) => (error, description),
            Refusal::Failed(cause) => {
                return Problem::unavailable("The session could not be kept", cause)
                    .into_response();
            }
        };
        let status = if error == "invalid_client" {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::BAD_REQUEST
        };
        let mut response =
            (status, Json(json!({ "error": error, "error_description": description })))
                .into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"jhipster\""),
            );
        }
        response
    }
}
