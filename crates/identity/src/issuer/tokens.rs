//! What the tokens of a session say (OpenID Connect Core §2, contract §1.7).

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::{Realm, client, parameters::has_scope, session::Session};

/// How long an access token is good (contract §1.7).
const LIFETIME: SignedDuration = SignedDuration::from_secs(300);

/// Makes the answer of the token endpoint (RFC 6749 §5.1) for a session and its refresh token. The ID token carries
/// the nonce of the sign-in that it answers.
pub(super) fn answer(
    realm: &Realm,
    session: &Session,
    refresh_token: &str,
    nonce: Option<&str>,
) -> anyhow::Result<Value> {
    let now = realm.outside.now();
    let access_token = realm.key.sign(&access(realm, session))?;
    let mut answer = json!({
        "access_token": access_token,
        "expires_in": LIFETIME.as_secs(),
        "refresh_expires_in": session.expires.duration_since(now).as_secs(),
        "refresh_token": refresh_token,
        "token_type": "Bearer",
        "not-before-policy": 0,
        "session_state": session.id,
        "scope": session.scopes,
    });
    if has_scope(&session.scopes, "openid") {
        let mut claims = common(realm, session);
        claims.insert("typ".into(), json!("ID"));
        claims.insert("aud".into(), json!(client::ID));
        claims.insert("at_hash".into(), json!(half_hash(&access_token)));
        if let Some(nonce) = nonce {
            claims.insert("nonce".into(), json!(nonce));
        }
        answer["id_token"] = json!(realm.key.sign(&claims)?);
    }
    Ok(answer)
}

fn access(realm: &Realm, session: &Session) -> Map<String, Value> {
    let mut claims = common(realm, session);
    claims.insert("typ".into(), json!("Bearer"));
    claims.insert("aud".into(), json!("account"));
    claims.insert("scope".into(), json!(session.scopes));
    claims
}

fn common(realm: &Realm, session: &Session) -> Map<String, Value> {
    let now = realm.outside.now();
    let mut claims = Map::from_iter([
        ("exp".to_owned(), json!((now + LIFETIME).as_second())),
        ("iat".to_owned(), json!(now.as_second())),
        ("auth_time".to_owned(), json!(session.authenticated.as_second())),
        ("jti".to_owned(), json!(realm.outside.uuid())),
        ("iss".to_owned(), json!(realm.url)),
        ("azp".to_owned(), json!(client::ID)),
        ("sid".to_owned(), json!(session.id)),
    ]);
    claims.extend(session.user.claims());
    claims
}

/// The left half of a token's hash (OpenID Connect Core §3.1.3.6).
fn half_hash(token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}
