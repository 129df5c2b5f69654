//! Tokens made by hand to get in all the same.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, header},
    routing::get,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chassis::Service;
use identity::{Access, TokenError, Verifier, guarded};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::provider::{Signer, claims, verifier, with_verifier};

const UNREADABLE: &str = "Malformed payload";
const NO_KEY: &str = "Signed JWT rejected: Another algorithm expected, or no matching key(s) found";
const BAD_SIGNATURE: &str = "Signed JWT rejected: Invalid signature";

async fn check(verifier: &Verifier, what: &str, token: &str, expected: Result<(), &str>) {
    let outcome = match verifier.verify(token).await {
        Ok(_) => Ok(()),
        Err(TokenError::Invalid(reason)) => Err(reason),
        Err(TokenError::Unavailable(cause)) => panic!("{what}: {cause:#}"),
    };
    assert_eq!(outcome, expected.map_err(str::to_owned), "{what}");
}

#[tokio::test]
async fn a_header_cannot_choose_how_it_is_checked() {
    with_verifier(async |_, signer, verifier, issuer| {
        let claims = claims(&issuer, &json!({})).to_string();
        let sign = |header: Value| signer.sign_texts(&header.to_string(), &claims);
        let id = signer.id;
        for (what, header, expected) in [
            ("as it should be", json!({ "alg": "ES256", "kid": id }), Ok(())),
            ("none", json!({ "alg": "none", "kid": id }), Err(UNREADABLE)),
            ("None", json!({ "alg": "None", "kid": id }), Err(UNREADABLE)),
            ("no algorithm", json!({ "kid": id }), Err(UNREADABLE)),
            ("a shared secret", json!({ "alg": "HS256", "kid": id }), Err(NO_KEY)),
            ("an algorithm of another curve", json!({ "alg": "ES384", "kid": id }), Err(NO_KEY)),
            ("an algorithm of another kind", json!({ "alg": "RS256", "kid": id }), Err(NO_KEY)),
            ("a huge key id", json!({ "alg": "ES256", "kid": "k".repeat(8000) }), Err(NO_KEY)),
            ("a key id that is no text", json!({ "alg": "ES256", "kid": 7 }), Err(UNREADABLE)),
            (
                "another type",
                json!({ "alg": "ES256", "kid": id, "typ": "x".repeat(100) }),
                Err("JOSE header typ (type) xxxxxxxxxxxxxxxxxxxx not allowed"),
            ),
            (
                "a critical extension",
                json!({ "alg": "ES256", "kid": id, "crit": ["b64"], "b64": false }),
                Err(BAD_SIGNATURE),
            ),
            (
                "nothing critical",
                json!({ "alg": "ES256", "kid": id, "crit": [] }),
                Err(BAD_SIGNATURE),
            ),
        ] {
            check(&verifier, what, &sign(header), expected).await;
        }
        let twice = format!(r#"{{"alg":"none","alg":"ES256","kid":"{id}"}}"#);
        check(&verifier, "two algorithms", &signer.sign_texts(&twice, &claims), Err(UNREADABLE))
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_header_cannot_bring_its_own_key() {
    with_verifier(async |published, signer, verifier, issuer| {
        let claims = claims(&issuer, &json!({})).to_string();
        let forger = signer.forger();
        let header = json!({ "alg": "ES256", "kid": signer.id, "jwk": forger.public() });
        let forged = forger.sign_texts(&header.to_string(), &claims);
        check(&verifier, "its own key", &forged, Err(BAD_SIGNATURE)).await;
        let header = json!({ "alg": "ES256", "kid": "../other", "jku": format!("{issuer}/certs") });
        let forged = forger.sign_texts(&header.to_string(), &claims);
        check(&verifier, "its own key set", &forged, Err(NO_KEY)).await;
        assert_eq!(published.asked(), 2, "once at first, and once for the unknown key");
    })
    .await;
}

#[tokio::test]
async fn claims_that_can_be_read_in_two_ways_are_not_read() {
    with_verifier(async |_, signer, verifier, issuer| {
        let header = json!({ "alg": "ES256", "kid": signer.id }).to_string();
        let good = claims(&issuer, &json!({})).to_string();
        let twice = good.replace("\"sub\"", "\"sub\":\"somebody\",\"sub\"");
        let nested = |depth: usize| {
            let nest = "[".repeat(depth) + &"]".repeat(depth);
            good.replace("\"sub\"", &format!("\"nest\":{nest},\"sub\""))
        };
        for (what, payload, expected) in [
            ("as it should be", good.clone(), Ok(())),
            ("a claim that is there twice", twice, Err(UNREADABLE)),
            ("a list", format!("[{good}]"), Err(UNREADABLE)),
            ("a text", "\"claims\"".to_owned(), Err(UNREADABLE)),
            ("nothing", String::new(), Err(UNREADABLE)),
            ("more than one", format!("{good}{good}"), Err(UNREADABLE)),
            ("a nest", nested(50), Ok(())),
            ("a deep nest", nested(5000), Err(UNREADABLE)),
        ] {
            check(&verifier, what, &signer.sign_texts(&header, &payload), expected).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_for_many_is_for_us_too_if_it_says_so() {
    with_verifier(async |_, signer, verifier, issuer| {
        let mut many: Vec<String> = (0..200).map(|number| format!("service {number}")).collect();
        let token = signer.sign(&claims(&issuer, &json!({ "aud": many })));
        check(&verifier, "200 others", &token, Err("The required audience is missing")).await;
        many.push("account".to_owned());
        let token = signer.sign(&claims(&issuer, &json!({ "aud": many })));
        check(&verifier, "200 others and us", &token, Ok(())).await;
    })
    .await;
}

#[tokio::test]
async fn the_public_key_is_no_secret_to_sign_with() {
    let signer = Signer::rsa("first");
    let verifier = verifier("http://127.0.0.1:1");
    let header = json!({ "alg": "HS256", "kid": "first" }).to_string();
    let payload = claims("http://127.0.0.1:1", &json!({})).to_string();
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(&header), encode(&payload));
    for secret in ["n", "e"].map(|part| signer.public()[part].as_str().unwrap().to_owned()) {
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let algorithm = jsonwebtoken::Algorithm::HS256;
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
        check(&verifier, "a shared secret", &format!("{message}.{signature}"), Err(NO_KEY)).await;
    }
}

#[tokio::test]
async fn a_token_of_a_megabyte_is_refused_unread() {
    let verifier = verifier("http://127.0.0.1:1");
    let router = Router::new().route("/books", get(|| async { "read" }));
    let router = guarded(router, Arc::new(verifier), &[("/**", Access::Caller)]);
    let router = Service::new("library").routes(router).into_router();
    let request = Request::get("/books")
        .header(header::AUTHORIZATION, format!("Bearer {}", "a.b.c".repeat(200_000)))
        .body(Body::empty())
        .unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 401);
    let challenge = answer.headers()[header::WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains("The token is too long") && challenge.len() < 300, "{challenge}");
}
