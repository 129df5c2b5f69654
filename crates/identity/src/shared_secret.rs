//! Tokens of systems whose services share a secret instead of trusting an identity provider: JHipster's authentication type
//! `jwt`.

use std::time::Duration;

use chassis::Secret;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

/// How long such a token is good for: it is made for one request.
const VALIDITY: Duration = Duration::from_secs(60);

/// A token of JHipster's form for somebody with this one authority: HS512 (RFC 7518 §3.2), the authority in the claim
/// `auth`.
///
/// # Errors
/// When the secret cannot be used.
pub fn token(
    secret: &[u8],
    login: &str,
    authority: &str,
    now: Timestamp,
) -> anyhow::Result<Secret<String>> {
    let issued = now.as_second();
    let claims = json!({
        "sub": login,
        "auth": authority,
        "iat": issued,
        "exp": issued + VALIDITY.as_secs() as i64,
    });
    let key = EncodingKey::from_secret(secret);
    Ok(Secret::new(jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims, &key)?))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_service_with_the_secret_takes_it_for_a_minute() {
        let secret = [7; 64];
        let made = token(&secret, "ann", "ROLE_ADMIN", Timestamp::from_second(1000).unwrap());
        let made = made.unwrap();
        let (signed, signature) = made.expose().rsplit_once('.').unwrap();
        let read = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA512, &secret);
        hmac::verify(&key, signed.as_bytes(), &read(signature)).unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        let json = |part: &str| serde_json::from_slice::<Value>(&read(part)).unwrap();
        assert_eq!(json(head), json!({ "typ": "JWT", "alg": "HS512" }));
        let expected = json!({ "sub": "ann", "auth": "ROLE_ADMIN", "iat": 1000, "exp": 1060 });
        assert_eq!(json(claims), expected);
    }
}
