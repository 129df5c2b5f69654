//! Checks tokens: signature, issuer, audience, times (RFC 7519, OpenID Connect Core §3.1.3.7, contract §6).

use std::sync::Arc;

use chassis::Outside;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde_json::{Map, Value};

use crate::{
    Caller, Provider,
    provider::{Key, KeyError},
};

/// The longest token that is looked at, in bytes.
const TOKEN_LIMIT: usize = 16 * 1024;
/// How far the clocks of issuer and service may differ, in seconds.
const SKEW: f64 = 60.0;
/// What may sign a token. Everything with a shared secret, and `none`, is left out on purpose.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
];

const UNREADABLE: &str = "Malformed payload";
const NO_KEY: &str = "Signed JWT rejected: Another algorithm expected, or no matching key(s) found";
const BAD_SIGNATURE: &str = "Signed JWT rejected: Invalid signature";
const BAD_ISSUER: &str = "The iss claim is not valid";
const BAD_AUDIENCE: &str = "The required audience is missing";

/// Checks tokens of one provider.
pub struct Verifier {
    provider: Arc<Provider>,
    audiences: Vec<String>,
    outside: Outside,
}

/// Why a token does not let its bearer in.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token is not good; the reason may be told to the caller.
    #[error("{0}")]
    Invalid(String),
    /// Nobody can tell now whether the token is good.
    #[error("the identity provider does not answer: {0:#}")]
    Unavailable(anyhow::Error),
}

type Claims = Map<String, Value>;

impl Verifier {
    /// Accepts tokens of the provider that are meant for one of these audiences.
    pub fn new(provider: Arc<Provider>, audiences: Vec<String>, outside: Outside) -> Verifier {
        Verifier { provider, audiences, outside }
    }

    /// Checks an access token and tells whom it names.
    ///
    /// # Errors
    /// `Invalid` with a reason in the words of the Java services, `Unavailable` when the keys cannot be had.
    pub async fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let claims = self.claims(token).await?;
        let meant_for_us =
            audiences(&claims).any(|audience| self.audiences.iter().any(|ours| ours == audience));
        require(meant_for_us, BAD_AUDIENCE)?;
        Ok(Caller::from_claims(claims))
    }

    /// Checks an ID token that was fetched for this client after a sign-in with this nonce, and tells its claims
    /// (OpenID Connect Core §3.1.3.7).
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn verify_id_token(
        &self,
        token: &str,
        client_id: &str,
        nonce: &str,
    ) -> Result<Claims, TokenError> {
        let claims = self.claims(token).await?;
        require(audiences(&claims).any(|audience| audience == client_id), BAD_AUDIENCE)?;
        let party = claims.get("azp");
        require(party.is_some() || audiences(&claims).count() == 1, "The azp claim is missing")?;
        require(party.is_none_or(|party| party == client_id), "The azp claim is not valid")?;
        require(seconds(&claims, "exp")?.is_some(), "The exp claim is missing")?;
        let issued = seconds(&claims, "iat")?;
        require(issued.is_some(), "The iat claim is missing")?;
        require(
            issued.is_none_or(|issued| issued - SKEW <= self.now()),
            "The iat claim is in the future",
        )?;
        require(
            claims.get("nonce").is_some_and(|value| value == nonce),
            "The nonce claim is not valid",
        )?;
        let subject = claims.get("sub").and_then(Value::as_str);
        require(subject.is_some_and(|subject| !subject.is_empty()), "The sub claim is missing")?;
        Ok(claims)
    }

    /// Checks what every token must keep: who signed it, for which issuer, and when it holds.
    async fn claims(&self, token: &str) -> Result<Claims, TokenError> {
        require(token.len() <= TOKEN_LIMIT, "The token is too long")?;
        let header = header(token)?;
        let key =
            self.provider.key(header.kid.as_deref(), header.alg).await.map_err(
                |error| match error {
                    KeyError::Unknown => invalid(NO_KEY),
                    KeyError::Unavailable(cause) => TokenError::Unavailable(cause),
                },
            )?;
        let claims = signed_claims(token, &header, &key)?;
        require(
            claims.get("iss").is_some_and(|issuer| issuer == self.provider.issuer()),
            BAD_ISSUER,
        )?;
        check_times(&claims, self.now())?;
        Ok(claims)
    }

    fn now(&self) -> f64 {
        self.outside.now().as_duration().as_secs_f64()
    }
}

fn header(token: &str) -> Result<Header, TokenError> {
    require(token.contains('.'), "Invalid JWT serialization: Missing dot delimiter(s)")?;
    let header = jsonwebtoken::decode_header(token).map_err(|_| invalid(UNREADABLE))?;
    require(ALGORITHMS.contains(&header.alg), NO_KEY)?;
    // Whoever does not know a critical extension must refuse the token (RFC 7515 §4.1.11); none is known here.
    require(header.crit.is_none(), BAD_SIGNATURE)?;
    let kind = header.typ.as_deref().unwrap_or("JWT");
    let known = ["JWT", "at+jwt", "application/at+jwt"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(kind));
    let shown: String = kind.chars().take(20).collect();
    require(known, &format!("JOSE header typ (type) {shown} not allowed"))?;
    Ok(header)
}

fn signed_claims(token: &str, header: &Header, key: &Key) -> Result<Claims, TokenError> {
    // The library would ask the machine's clock and knows no missing audience; what a token says is checked here.
    let mut signature_only = Validation::new(header.alg);
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    let decoded = jsonwebtoken::decode::<Claims>(token, &key.decoding, &signature_only);
    decoded.map(|decoded| decoded.claims).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => invalid(BAD_SIGNATURE),
        jsonwebtoken::errors::ErrorKind::InvalidAlgorithm => invalid(NO_KEY),
        _ => invalid(UNREADABLE),
    })
}

fn check_times(claims: &Claims, now: f64) -> Result<(), TokenError> {
    let expires = seconds(claims, "exp")?;
    if let (Some(issued), Some(expires)) = (seconds(claims, "iat")?, expires) {
        require(expires > issued, "expiresAt must be after issuedAt")?;
    }
    if let Some(expires) = expires {
        require(expires + SKEW >= now, &format!("Jwt expired at {}", instant(expires)))?;
    }
    if let Some(begins) = seconds(claims, "nbf")? {
        require(begins - SKEW <= now, &format!("Jwt used before {}", instant(begins)))?;
    }
    Ok(())
}

/// Reads a time in seconds since 1970, which may have a fraction. A time that is not a number spoils the token.
fn seconds(claims: &Claims, name: &str) -> Result<Option<f64>, TokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| invalid(UNREADABLE)),
    }
}

/// Writes a time as the Java services do; one that no calendar knows stays a number.
fn instant(seconds: f64) -> String {
    Timestamp::from_second(seconds as i64)
        .map_or_else(|_| seconds.to_string(), |instant| instant.to_string())
}

/// `aud` may be one text or a list (RFC 7519 §4.1.3).
fn audiences(claims: &Claims) -> impl Iterator<Item = &str> {
    let (one, many) = match claims.get("aud") {
        Some(Value::String(one)) => (Some(one.as_str()), [].as_slice()),
        Some(Value::Array(many)) => (None, many.as_slice()),
        _ => (None, [].as_slice()),
    };
    one.into_iter().chain(many.iter().filter_map(Value::as_str))
}

fn require(kept: bool, reason: &str) -> Result<(), TokenError> {
    if kept { Ok(()) } else { Err(invalid(reason)) }
}

fn invalid(reason: &str) -> TokenError {
    TokenError::Invalid(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: f64 = 1_800_000_000.0;

    fn check(claims: Value, expected: Result<(), &str>) {
        let outcome =
            check_times(claims.as_object().unwrap(), NOW).map_err(|error| error.to_string());
        assert_eq!(outcome, expected.map_err(str::to_owned), "{claims}");
    }

    #[test]
    fn a_token_holds_between_its_times_give_or_take_a_minute() {
        check(json!({}), Ok(()));
        check(json!({ "exp": NOW - 60.0 }), Ok(()));
        check(json!({ "exp": NOW - 60.5 }), Err("Jwt expired at 2027-01-15T07:58:59Z"));
        check(json!({ "nbf": NOW + 60.0 }), Ok(()));
        check(json!({ "nbf": NOW + 61.0 }), Err("Jwt used before 2027-01-15T08:01:01Z"));
        check(json!({ "iat": NOW, "exp": NOW - 1.0 }), Err("expiresAt must be after issuedAt"));
    }

    #[test]
    fn a_time_that_is_no_number_spoils_the_token() {
        check(json!({ "exp": "tomorrow" }), Err(UNREADABLE));
        check(json!({ "nbf": [1] }), Err(UNREADABLE));
        check(json!({ "exp": 1e300 }), Ok(()));
        check(json!({ "exp": -1e300 }), Err(&format!("Jwt expired at {}", -1e300)));
    }

    fn check_audiences(claims: Value, expected: &[&str]) {
        assert_eq!(audiences(claims.as_object().unwrap()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_audience_is_a_text_or_a_list() {
        check_audiences(json!({ "aud": "account" }), &["account"]);
        check_audiences(json!({ "aud": ["a", 5, "b"] }), &["a", "b"]);
        check_audiences(json!({ "aud": 5 }), &[]);
        check_audiences(json!({}), &[]);
    }
}
