//! The userinfo endpoint: an access token for what is known of its user (OpenID Connect Core §5.3).

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap};
use chassis::Problem;
use serde_json::{Map, Value};

use super::Realm;
use crate::caller::bearer;

/// Answers what is known of the user whose access token this is, as long as the session goes on.
pub(super) async fn claims(
    State(realm): State<Arc<Realm>>,
    headers: HeaderMap,
) -> Result<Json<Map<String, Value>>, Problem> {
    let token = bearer(&headers)?.ok_or_else(Problem::unauthorized)?;
    let claims = realm
        .key
        .read(token)
        .ok_or_else(|| Problem::invalid_token("The token was not made here"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let expires = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
    if text("iss") != realm.url
        || text("typ") != "Bearer"
        || expires <= realm.outside.now().as_second()
    {
        return Err(Problem::invalid_token("The token is not an access token, or it has expired"));
    }
    let session = realm.sessions.find(text("sid")).await;
    let session =
        session.map_err(|cause| Problem::unavailable("The session could not be read", cause))?;
    let session = session.ok_or_else(|| Problem::invalid_token("The session has ended"))?;
    Ok(Json(session.user.claims()))
}
