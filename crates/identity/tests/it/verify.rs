//! Access tokens: which are good, which are not and why, and what happens while keys change or the provider is away.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use identity::{TokenError, Verifier};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::provider::{NOW, Signer, claims, verifier, with_verifier};

const NO_KEY: &str = "Signed JWT rejected: Another algorithm expected, or no matching key(s) found";
const BAD_SIGNATURE: &str = "Signed JWT rejected: Invalid signature";

async fn outcome(verifier: &Verifier, token: &str) -> Result<(), String> {
    match verifier.verify(token).await {
        Ok(_) => Ok(()),
        Err(TokenError::Invalid(reason)) => Err(reason),
        Err(TokenError::Unavailable(_)) => Err("unavailable".to_owned()),
    }
}

async fn check(verifier: &Verifier, token: &str, expected: Result<(), &str>) {
    assert_eq!(outcome(verifier, token).await, expected.map_err(str::to_owned), "{token}");
}

/// Checks a well-signed token whose claims differ from a good one's.
async fn check_claims(changes: &[(Value, Result<(), &str>)]) {
    with_verifier(async |_, signer, verifier, issuer| {
        for (changes, expected) in changes {
            let token = signer.sign(&claims(&issuer, changes));
            assert_eq!(
                outcome(&verifier, &token).await,
                expected.map_err(str::to_owned),
                "{changes}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_good_token_names_its_caller() {
    with_verifier(async |_, signer, verifier, issuer| {
        let caller = verifier.verify(&signer.sign(&claims(&issuer, &json!({})))).await.unwrap();
        assert_eq!((caller.subject.as_str(), caller.login.as_str()), ("u1", "minted"));
        assert!(caller.has_role("ROLE_ADMIN"));
        assert_eq!(caller.claims["iss"], issuer);
    })
    .await;
}

#[tokio::test]
async fn a_token_must_be_meant_for_this_service() {
    const MISSING: Result<(), &str> = Err("The required audience is missing");
    check_claims(&[
        (json!({ "aud": "api://default" }), Ok(())),
        (json!({ "aud": ["other", "account"] }), Ok(())),
        (json!({ "aud": "other" }), MISSING),
        (json!({ "aud": [] }), MISSING),
        (json!({ "aud": 5 }), MISSING),
        (json!({ "aud": null }), MISSING),
    ])
    .await;
}

#[tokio::test]
async fn a_token_must_come_from_the_issuer() {
    const FOREIGN: Result<(), &str> = Err("The iss claim is not valid");
    check_claims(&[
        (json!({ "iss": "http://127.0.0.1:1/realms/other" }), FOREIGN),
        (json!({ "iss": null }), FOREIGN),
        (json!({ "iss": 5 }), FOREIGN),
    ])
    .await;
}

#[tokio::test]
async fn a_token_must_hold_now() {
    check_claims(&[
        (json!({ "exp": null }), Ok(())),
        (json!({ "exp": NOW as f64 + 60.5 }), Ok(())),
        (json!({ "iat": null, "exp": NOW - 59 }), Ok(())),
        (json!({ "iat": NOW - 3600, "exp": NOW - 61 }), Err("Jwt expired at 2027-01-15T07:58:59Z")),
        (json!({ "nbf": NOW + 59 }), Ok(())),
        (json!({ "nbf": NOW + 90 }), Err("Jwt used before 2027-01-15T08:01:30Z")),
        (json!({ "exp": "later" }), Err("Malformed payload")),
    ])
    .await;
}

#[tokio::test]
async fn a_token_must_be_signed_by_the_issuer() {
    with_verifier(async |_, signer, verifier, issuer| {
        let claims = claims(&issuer, &json!({}));
        let token = signer.sign(&claims);
        check(&verifier, &signer.forger().sign(&claims), Err(BAD_SIGNATURE)).await;
        let parts: Vec<&str> = token.split('.').collect();
        let other = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string().replace("minted", "someone"));
        check(&verifier, &format!("{}.{other}.{}", parts[0], parts[2]), Err(BAD_SIGNATURE)).await;
        check(&verifier, &format!("{}.{}.", parts[0], parts[1]), Err(BAD_SIGNATURE)).await;
    })
    .await;
}

#[tokio::test]
async fn only_public_key_algorithms_that_fit_the_key_count() {
    with_verifier(async |published, signer, verifier, issuer| {
        let claims = claims(&issuer, &json!({}));
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims.to_string()));
        check(&verifier, &unsigned, Err("Malformed payload")).await;
        let header = Header { kid: Some(signer.id.to_owned()), ..Header::new(Algorithm::HS256) };
        let public = signer.public()["x"].as_str().unwrap().to_owned();
        let secret = EncodingKey::from_secret(&BASE64_URL_SAFE_NO_PAD.decode(public).unwrap());
        let confused = jsonwebtoken::encode(&header, &claims, &secret).unwrap();
        check(&verifier, &confused, Err(NO_KEY)).await;
        assert_eq!(
            published.asked(),
            0,
            "a token that can never be good made the provider be asked"
        );
        let token = signer.sign(&claims);
        let rest = token.split_once('.').unwrap().1;
        let other = encode(&format!(r#"{{"alg":"ES384","kid":"{}"}}"#, signer.id));
        check(&verifier, &format!("{other}.{rest}"), Err(NO_KEY)).await;
    })
    .await;
}

#[tokio::test]
async fn unknown_header_rules_spoil_a_token() {
    with_verifier(async |_, signer, verifier, issuer| {
        let claims = claims(&issuer, &json!({}));
        for (kind, expected) in [
            (None, Ok(())),
            (Some("at+jwt"), Ok(())),
            (Some("jwt"), Ok(())),
            (Some("foo"), Err("JOSE header typ (type) foo not allowed")),
        ] {
            let header = Header { typ: kind.map(str::to_owned), ..signer.header() };
            check(&verifier, &signer.sign_with(&header, &claims), expected).await;
        }
        let critical = Header { crit: Some(vec!["x".to_owned()]), ..signer.header() };
        check(&verifier, &signer.sign_with(&critical, &claims), Err(BAD_SIGNATURE)).await;
    })
    .await;
}

#[tokio::test]
async fn nonsense_is_refused_without_asking_anybody() {
    let verifier = verifier("http://127.0.0.1:1");
    check(&verifier, "", Err("Invalid JWT serialization: Missing dot delimiter(s)")).await;
    check(&verifier, "garbage", Err("Invalid JWT serialization: Missing dot delimiter(s)")).await;
    check(&verifier, "a.b.c", Err("Malformed payload")).await;
    check(&verifier, &"x".repeat(16 * 1024 + 1), Err("The token is too long")).await;
}

#[tokio::test]
async fn an_unknown_key_makes_the_provider_be_asked_once() {
    with_verifier(async |published, signer, verifier, issuer| {
        let claims = claims(&issuer, &json!({}));
        check(&verifier, &signer.sign(&claims), Ok(())).await;
        assert_eq!(published.asked(), 1);
        for stranger in ["second", "third", "fourth"] {
            check(&verifier, &Signer::new(stranger).sign(&claims), Err(NO_KEY)).await;
        }
        assert_eq!(published.asked(), 2);
        check(&verifier, &signer.sign(&claims), Ok(())).await;
    })
    .await;
}

#[tokio::test]
async fn follows_the_provider_to_a_new_key() {
    with_verifier(async |published, old, verifier, issuer| {
        let claims = claims(&issuer, &json!({}));
        check(&verifier, &old.sign(&claims), Ok(())).await;
        let new = Signer::new("new");
        published.keys(&[&new]);
        check(&verifier, &new.sign(&claims), Ok(())).await;
        check(&verifier, &old.sign(&claims), Err(NO_KEY)).await;
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_taken_back_is_noticed_though_its_tokens_were_good_a_moment_ago() {
    with_verifier(async |published, old, verifier, issuer| {
        let token = old.sign(&claims(&issuer, &json!({})));
        for _ in 0..2 {
            check(&verifier, &token, Ok(())).await;
        }
        let new = Signer::new("new");
        published.keys(&[&new]);
        check(&verifier, &new.sign(&claims(&issuer, &json!({}))), Ok(())).await;
        check(&verifier, &token, Err(NO_KEY)).await;
    })
    .await;
}

#[tokio::test]
async fn a_provider_without_keys_is_not_believed() {
    with_verifier(async |published, signer, verifier, issuer| {
        let claims = claims(&issuer, &json!({}));
        check(&verifier, &signer.sign(&claims), Ok(())).await;
        published.keys(&[]);
        check(&verifier, &Signer::new("second").sign(&claims), Err("unavailable")).await;
        check(&verifier, &signer.sign(&claims), Ok(())).await;
    })
    .await;
}

#[tokio::test]
async fn many_callers_share_the_first_fetch() {
    with_verifier(async |published, signer, verifier, issuer| {
        let token = signer.sign(&claims(&issuer, &json!({})));
        let (first, second, third) = tokio::join!(
            outcome(&verifier, &token),
            outcome(&verifier, &token),
            outcome(&verifier, &token)
        );
        assert_eq!((first, second, third), (Ok(()), Ok(()), Ok(())));
        assert_eq!(published.asked(), 1);
    })
    .await;
}

#[tokio::test]
async fn known_keys_go_on_working_while_the_provider_is_away() {
    with_verifier(async |published, signer, verifier, issuer| {
        let claims = claims(&issuer, &json!({}));
        check(&verifier, &signer.sign(&claims), Ok(())).await;
        published.go_away();
        check(&verifier, &Signer::new("second").sign(&claims), Err("unavailable")).await;
        check(&verifier, &signer.sign(&claims), Ok(())).await;
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_never_answered_is_unavailable() {
    let verifier = verifier("http://127.0.0.1:1");
    let token = Signer::new("first").sign(&claims("http://127.0.0.1:1", &json!({})));
    check(&verifier, &token, Err("unavailable")).await;
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_is_not_trusted() {
    with_verifier(async |_, signer, _, issuer| {
        let renamed = verifier(&issuer.replace("127.0.0.1", "localhost"));
        let Err(TokenError::Unavailable(cause)) =
            renamed.verify(&signer.sign(&claims(&issuer, &json!({})))).await
        else {
            panic!("a provider with another name was trusted");
        };
        assert!(format!("{cause:#}").contains("both must be the same"), "{cause:#}");
    })
    .await;
}
