//! ID tokens: what must be in one after a sign-in.

use identity::TokenError;
use serde_json::{Value, json};

use crate::provider::{NOW, claims, with_verifier};

/// Checks a well-signed ID token that differs from a good one.
async fn check(cases: &[(Value, Result<(), &str>)]) {
    with_verifier(async |_, signer, verifier, issuer| {
        for (changes, expected) in cases {
            let mut all = json!({ "aud": "web_app", "azp": "web_app", "nonce": "n1" });
            all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            let token = signer.sign(&claims(&issuer, &all));
            let outcome = match verifier.verify_id_token(&token, "web_app", "n1").await {
                Ok(claims) => Ok(claims["sub"].clone()),
                Err(TokenError::Invalid(reason)) => Err(reason),
                Err(TokenError::Unavailable(cause)) => panic!("{cause:#}"),
            };
            let expected = expected.map(|()| json!("u1")).map_err(str::to_owned);
            assert_eq!(outcome, expected, "{changes}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_id_token_must_be_meant_for_the_client() {
    check(&[
        (json!({}), Ok(())),
        (json!({ "azp": null }), Ok(())),
        (json!({ "aud": ["web_app", "other"] }), Ok(())),
        (json!({ "aud": ["web_app", "other"], "azp": null }), Err("The azp claim is missing")),
        (json!({ "azp": "other" }), Err("The azp claim is not valid")),
        (json!({ "aud": "account" }), Err("The required audience is missing")),
    ])
    .await;
}

#[tokio::test]
async fn an_id_token_must_answer_this_sign_in() {
    check(&[
        (json!({ "nonce": "n2" }), Err("The nonce claim is not valid")),
        (json!({ "nonce": null }), Err("The nonce claim is not valid")),
        (json!({ "sub": null }), Err("The sub claim is missing")),
        (json!({ "exp": null }), Err("The exp claim is missing")),
        (json!({ "iat": null }), Err("The iat claim is missing")),
        (json!({ "iat": NOW + 120 }), Err("The iat claim is in the future")),
        (json!({ "iat": NOW - 3600, "exp": NOW - 61 }), Err("Jwt expired at 2027-01-15T07:58:59Z")),
        (json!({ "iss": "http://127.0.0.1:1" }), Err("The iss claim is not valid")),
    ])
    .await;
}
