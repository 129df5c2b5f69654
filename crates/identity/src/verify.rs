//! Checks tokens: signature, issuer, audience, times (RFC 7519, OpenID Connect Core §3.1.3.7, contract §6).

mod recent;
mod signed;
mod times;

use std::sync::Arc;

use chassis::{Outside, management::CacheFigures};
use serde_json::{Map, Value};

use crate::{Caller, Provider, provider::KeyError};
use recent::{Digest, Recent};
use times::{SKEW, Times, seconds};

/// The longest token that is looked at, in bytes.
const TOKEN_LIMIT: usize = 16 * 1024;

const UNREADABLE: &str = "Malformed payload";
const NO_KEY: &str = "Signed JWT rejected: Another algorithm expected, or no matching key(s) found";
const BAD_SIGNATURE: &str = "Signed JWT rejected: Invalid signature";
const BAD_ISSUER: &str = "The iss claim is not valid";
const BAD_AUDIENCE: &str = "The required audience is missing";

/// Checks tokens of one provider.
///
/// A token that was found good is taken as good for another minute without a look at its signature, as long as its
/// times hold and the provider's keys were not fetched again. What is remembered is bounded in number and in bytes.
pub struct Verifier {
    provider: Arc<Provider>,
    audiences: Vec<String>,
    outside: Outside,
    recent: Recent,
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
        Verifier { provider, audiences, outside, recent: Recent::default() }
    }

    /// How the cache of tokens that were found good does: a miss is a token whose signature was checked.
    pub fn cache(&self) -> CacheFigures {
        let (hits, misses) = self.recent.counts();
        CacheFigures { hits, misses, puts: misses, ..CacheFigures::default() }
    }

    /// Checks an access token and tells whom it names.
    ///
    /// # Errors
    /// `Invalid` with a reason in the words of the Java services, `Unavailable` when the keys cannot be had.
    pub async fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        require(token.len() <= TOKEN_LIMIT, "The token is too long")?;
        let digest = Digest::of(token);
        // Read before the key is looked up: keys that change in between make the entry outdated, never too new.
        let keys = self.provider.keys_version();
        if let Some(caller) = self.recent.find(&digest, keys, self.now()) {
            return Ok(caller);
        }
        let (claims, times) = self.claims(token).await?;
        let meant_for_us =
            audiences(&claims).any(|audience| self.audiences.iter().any(|ours| ours == audience));
        require(meant_for_us, BAD_AUDIENCE)?;
        let caller = Caller::from_claims(claims);
        self.recent.keep(digest, token.len(), caller.clone(), times, keys);
        Ok(caller)
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
        let (claims, _) = self.claims(token).await?;
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
    async fn claims(&self, token: &str) -> Result<(Claims, Times), TokenError> {
        require(token.len() <= TOKEN_LIMIT, "The token is too long")?;
        let header = signed::header(token)?;
        let key =
            self.provider.key(header.kid.as_deref(), header.alg).await.map_err(
                |error| match error {
                    KeyError::Unknown => invalid(NO_KEY),
                    KeyError::Unavailable(cause) => TokenError::Unavailable(cause),
                },
            )?;
        let claims = signed::claims(token, &header, &key)?;
        require(
            claims.get("iss").is_some_and(|issuer| issuer == self.provider.issuer()),
            BAD_ISSUER,
        )?;
        let times = Times::of(&claims)?;
        times.check(self.now())?;
        Ok((claims, times))
    }

    fn now(&self) -> f64 {
        self.outside.now().as_duration().as_secs_f64()
    }
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
