//! What is signed and how: a token's header, which nobody vouches for yet, and its claims under a good signature.

use std::fmt;

use jsonwebtoken::{Algorithm, Header, Validation, errors::ErrorKind};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::Value;

use super::{BAD_SIGNATURE, Claims, NO_KEY, TokenError, UNREADABLE, invalid, require};
use crate::provider::Key;

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

/// Reads the header of a token that can be good. Keys that it brings along (`jwk`, `jku`, `x5u`) are not looked at:
/// only the provider's own count.
pub(super) fn header(token: &str) -> Result<Header, TokenError> {
    require(token.contains('.'), "Invalid JWT serialization: Missing dot delimiter(s)")?;
    let header = jsonwebtoken::decode_header(token).map_err(|_| invalid(UNREADABLE))?;
    require(ALGORITHMS.contains(&header.alg), NO_KEY)?;
    // Whoever does not know a critical extension must refuse the token (RFC 7515 §4.1.11); none is known here.
    require(header.crit.is_none(), BAD_SIGNATURE)?;
    let kind = header.typ.as_deref().unwrap_or("JWT");
    let known = ["JWT", "at+jwt", "application/at+jwt"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(kind));
    if !known {
        let shown: String = kind.chars().take(20).collect();
        return Err(invalid(&format!("JOSE header typ (type) {shown} not allowed")));
    }
    Ok(header)
}

/// Reads the claims of a token that this key has signed.
pub(super) fn claims(token: &str, header: &Header, key: &Key) -> Result<Claims, TokenError> {
    // The library would ask the machine's clock and knows no missing audience; what a token says is checked elsewhere.
    let mut signature_only = Validation::new(header.alg);
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    let decoded = jsonwebtoken::decode::<Unambiguous>(token, &key.decoding, &signature_only);
    decoded.map(|decoded| decoded.claims.0).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => invalid(BAD_SIGNATURE),
        ErrorKind::InvalidAlgorithm => invalid(NO_KEY),
        _ => invalid(UNREADABLE),
    })
}

/// Claims of which none is there twice (RFC 7519 §4): otherwise two readers of one token could see two callers.
struct Unambiguous(Claims);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Unambiguous;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unambiguous, A::Error> {
        let mut claims = Claims::new();
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            if claims.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim is there twice"));
            }
        }
        Ok(Unambiguous(claims))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_an_object_whose_members_differ() {
        for (text, good) in [
            (r#"{"sub":"a","aud":["b","b"]}"#, true),
            ("{}", true),
            (r#"{"sub":"a","sub":"b"}"#, false),
            (r#"{"sub":"a","sub":"a"}"#, false),
            ("[]", false),
            (r#""sub""#, false),
            ("null", false),
        ] {
            assert_eq!(serde_json::from_str::<Unambiguous>(text).is_ok(), good, "{text}");
        }
    }
}
