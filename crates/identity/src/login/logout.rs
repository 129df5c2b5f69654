//! Signing out, here and at the issuer (OpenID Connect RP-Initiated Logout 1.0; contract §5.3).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use chassis::Problem;
use serde_json::json;
use tracing::warn;

use super::{
    Login, SignedIn, Visitor, cookies,
    exchange::with_query,
    not_authenticated,
    place::{Base, web_origin},
    visitor,
};
use crate::session::Session;

/// Ends the session and tells a script where to send the browser to.
pub(super) async fn by_script(
    State(login): State<Arc<Login>>,
    visitor: Visitor,
    base: Base,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let signed_in = visitor.signed_in().ok_or_else(not_authenticated)?;
    let session = signed_in.session().ok_or_else(no_session)?;
    let origin = headers.get(header::ORIGIN).and_then(|origin| web_origin(origin.to_str().ok()?));
    let after = origin.map_or_else(|| base.url(""), str::to_owned);
    let logout_url = login.end(session, &after).await?;
    Ok(login.gone(Json(json!({ "logoutUrl": logout_url })).into_response(), &base))
}

/// Ends the session and sends the browser on, without any script.
pub(super) async fn by_form(
    State(login): State<Arc<Login>>,
    visitor: Visitor,
    base: Base,
) -> Result<Response, Problem> {
    let Some(session) = visitor.signed_in().and_then(SignedIn::session) else {
        return Ok(Redirect::to("/").into_response());
    };
    let logout_url = login.end(session, &base.url("")).await?;
    Ok(login.gone((StatusCode::SEE_OTHER, [(header::LOCATION, logout_url)]).into_response(), &base))
}

fn no_session() -> Problem {
    Problem::bad_request("A bearer token has no session that could be ended")
}

impl Login {
    /// The answer takes the session's cookie away.
    fn gone(&self, mut response: Response, base: &Base) -> Response {
        let cookie = visitor::session_cookie(self.cookie, String::new(), base.is_secure());
        cookies::remove(&mut response, cookie);
        response
    }

    /// Ends a session here, and returns where the browser ends it at the issuer.
    async fn end(&self, session: &Session, after: &str) -> Result<String, Problem> {
        let ended = self.sessions.end(&session.id).await;
        ended.map_err(|cause| Problem::unavailable("The session cannot be ended now", cause))?;
        let endpoint = match self.provider.metadata().await {
            Ok(metadata) => metadata.end_session_endpoint,
            Err(cause) => {
                warn!("a session was ended here and not at the identity provider: {cause:#}");
                None
            }
        };
        let parameters = [
            ("id_token_hint", session.tokens.id.expose().as_str()),
            ("post_logout_redirect_uri", after),
        ];
        Ok(endpoint.map_or_else(|| after.to_owned(), |endpoint| with_query(&endpoint, &parameters)))
    }
}
