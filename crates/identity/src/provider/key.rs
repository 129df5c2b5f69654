//! The keys that a provider publishes (RFC 7517), narrowed to those that can check a signature.

use std::{str::FromStr, sync::Arc};

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::debug;

/// How many keys of a provider are looked at; real ones publish a handful.
const MOST_KEYS: usize = 100;

/// A key set as it is on the wire. Keys of kinds that nobody here knows must not spoil the others.
#[derive(Deserialize)]
pub(super) struct KeySet {
    keys: Vec<Value>,
}

/// A public key of the provider.
pub(crate) struct Key {
    id: Option<String>,
    fits: Vec<Algorithm>,
    /// The form in which a signature is checked with it.
    pub(crate) decoding: DecodingKey,
}

/// The keys of a provider that can check signatures.
pub(super) struct Keys(Vec<Arc<Key>>);

impl Keys {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds the key with this id or, when the token names none, the only key that fits the algorithm.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<Key>> {
        let mut fitting = self.0.iter().filter(|key| key.fits.contains(&algorithm));
        let Some(id) = id else {
            let only = fitting.next()?;
            return fitting.next().is_none().then(|| only.clone());
        };
        fitting.find(|key| key.id.as_deref() == Some(id)).cloned()
    }
}

impl From<KeySet> for Keys {
    fn from(set: KeySet) -> Self {
        Keys(set.keys.into_iter().take(MOST_KEYS).filter_map(Key::read).map(Arc::new).collect())
    }
}

impl Key {
    fn read(value: Value) -> Option<Key> {
        let jwk = serde_json::from_value::<Jwk>(value)
            .inspect_err(|error| debug!("skipped a key: {error}"))
            .ok()?;
        if jwk
            .common
            .public_key_use
            .as_ref()
            .is_some_and(|purpose| *purpose != PublicKeyUse::Signature)
        {
            return None;
        }
        let mut fits = algorithms(&jwk.algorithm);
        if let Some(named) = jwk.common.key_algorithm {
            // A name that is no signature algorithm, such as RSA-OAEP, leaves nothing.
            let named = Algorithm::from_str(&named.to_string()).ok();
            fits.retain(|algorithm| Some(*algorithm) == named);
        }
        let decoding = DecodingKey::from_jwk(&jwk)
            .inspect_err(|error| debug!("skipped a key: {error}"))
            .ok()?;
        (!fits.is_empty()).then_some(Key { id: jwk.common.key_id, fits, decoding })
    }
}

/// The algorithms that a key of this kind can be used with. Shared secrets are no public keys and fit none:
/// otherwise whoever reads the key set could sign.
fn algorithms(kind: &AlgorithmParameters) -> Vec<Algorithm> {
    match kind {
        AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa.algorithms().to_vec(),
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(keys: Value, id: Option<&str>, algorithm: Algorithm, found: bool) {
        let keys = Keys::from(serde_json::from_value::<KeySet>(json!({ "keys": keys })).unwrap());
        assert_eq!(keys.find(id, algorithm).is_some(), found, "{id:?} {algorithm:?}");
    }

    fn rsa(members: Value) -> Value {
        let mut key = json!({ "kty": "RSA", "n": "sXch", "e": "AQAB" });
        key.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        key
    }

    #[test]
    fn finds_a_key_by_its_id() {
        let keys = json!([rsa(json!({ "kid": "a" })), rsa(json!({ "kid": "b" }))]);
        check(keys.clone(), Some("b"), Algorithm::RS256, true);
        check(keys, Some("c"), Algorithm::RS256, false);
    }

    #[test]
    fn takes_the_only_fitting_key_when_the_token_names_none() {
        check(json!([rsa(json!({ "kid": "a" }))]), None, Algorithm::RS256, true);
        check(
            json!([rsa(json!({ "kid": "a" })), rsa(json!({ "kid": "b" }))]),
            None,
            Algorithm::RS256,
            false,
        );
    }

    #[test]
    fn a_key_serves_only_its_own_algorithm() {
        check(
            json!([rsa(json!({ "kid": "a", "alg": "RS256" }))]),
            Some("a"),
            Algorithm::RS512,
            false,
        );
        check(json!([rsa(json!({ "kid": "a" }))]), Some("a"), Algorithm::PS384, true);
        check(json!([rsa(json!({ "kid": "a" }))]), Some("a"), Algorithm::ES256, false);
        let curve = json!([{ "kty": "EC", "kid": "a", "crv": "P-384", "x": "AAAA", "y": "AAAA" }]);
        check(curve.clone(), Some("a"), Algorithm::ES384, true);
        check(curve, Some("a"), Algorithm::ES256, false);
    }

    #[test]
    fn passes_over_keys_that_check_no_signatures() {
        check(
            json!([rsa(json!({ "kid": "a", "use": "enc" }))]),
            Some("a"),
            Algorithm::RS256,
            false,
        );
        check(
            json!([rsa(json!({ "kid": "a", "alg": "RSA-OAEP" }))]),
            Some("a"),
            Algorithm::RS256,
            false,
        );
        check(
            json!([{ "kty": "oct", "kid": "a", "k": "c2VjcmV0" }]),
            Some("a"),
            Algorithm::HS256,
            false,
        );
    }

    #[test]
    fn a_strange_key_does_not_spoil_the_others() {
        check(
            json!([7, { "kty": "XYZ" }, rsa(json!({ "kid": "a" }))]),
            Some("a"),
            Algorithm::RS256,
            true,
        );
    }
}
