//! Callers without a token, and with one that is not good.

use reqwest::Method;
use serde_json::json;

use super::check;
use crate::support::{
    Answer, Running, sent,
    tokens::{Stranger, claims, signed_again, tampered, unsigned},
};

/// Every door that asks for a token.
fn doors(system: &Running) -> [String; 4] {
    let at = &system.at;
    [
        format!("{}/api/stores", at.store),
        format!("{}/api/store-alerts", at.alert),
        format!("{}/services/store/api/stores", at.gateway),
        format!("{}/api/account", at.gateway),
    ]
}

/// Fails unless the answer is the challenge of RFC 6750 §3 with this reason, and nothing else (contract §2.3).
fn check_bad_token(case: &str, answer: &Answer, why: &str) {
    assert_eq!((answer.status.as_u16(), &*answer.body), (401, ""), "{case}: {answer:?}");
    let challenge = answer.header("www-authenticate");
    let beginning = "Bearer error=\"invalid_token\", error_description=\"";
    assert!(challenge.starts_with(beginning), "{case}: {challenge}");
    assert!(challenge.contains(why), "{case}: {challenge}");
}

#[tokio::test]
async fn without_a_token_no_door_opens() {
    let system = Running::start().await;
    let anonymous = system.anonymous();
    for door in doors(&system) {
        check(
            &door,
            &anonymous.get(&door).await,
            401,
            &json!({ "title": "Unauthorized", "message": "error.http.401" }),
        );
        let basic =
            sent(anonymous.request(Method::GET, &door).basic_auth("admin", Some("admin"))).await;
        check(&door, &basic, 401, &json!({ "title": "Unauthorized" }));
    }
    for (method, path) in [
        (Method::POST, ""),
        (Method::PUT, "/1"),
        (Method::PATCH, "/1"),
        (Method::DELETE, "/1"),
        (Method::GET, "/1"),
    ] {
        let answer = anonymous
            .send(method.clone(), &format!("{}{path}", anonymous.stores()), &json!({}))
            .await;
        check(&format!("{method}"), &answer, 401, &json!({ "path": format!("/api/stores{path}") }));
    }
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn a_token_that_is_not_good_opens_no_door_and_the_answer_says_why() {
    let system = Running::start().await;
    let (home, admin) = (system.home().clone(), system.admin().await);
    let good = admin.token();
    let foreign = Stranger::start(None).await;
    let impostor = Stranger::start(Some(&system.at.issuer)).await;
    let signed = |name: &'static str, value| {
        signed_again(&home, good, |all| drop(all.insert(name.to_owned(), value)))
    };
    let now = claims(good)["iat"].as_i64().unwrap();
    let expired = signed_again(&home, good, |all| {
        all.extend([("iat".to_owned(), json!(now - 7200)), ("exp".to_owned(), json!(now - 3600))])
    });
    // First that a token signed in this way is good at all: otherwise the others would prove nothing.
    admin.with_token(&signed("extra", json!(1))).get(&admin.stores()).await.expect(200);
    for (case, token, why) in [
        ("garbage", "not-a-token".to_owned(), "Invalid JWT serialization"),
        ("garbage with dots", "aGVsbG8.d29ybGQ.c2lnbmVk".to_owned(), "Malformed"),
        ("expired", expired, "Jwt expired at"),
        ("not yet good", signed("nbf", json!(now + 3600)), "Jwt used before"),
        (
            "for another audience",
            signed("aud", json!("somebody-else")),
            "The required audience is missing",
        ),
        ("for nobody", signed("aud", json!(null)), "The required audience is missing"),
        (
            "of another issuer, signed here",
            signed("iss", json!("http://localhost:9/realms/jhipster")),
            "The iss claim is not valid",
        ),
        ("of another issuer", foreign.token(&home.secrets).await, "no matching key"),
        (
            "of somebody who calls itself our issuer",
            impostor.token(&home.secrets).await,
            "no matching key",
        ),
        (
            "tampered",
            tampered(good, |all| drop(all.insert("sub".to_owned(), json!("x")))),
            "Invalid signature",
        ),
        ("unsigned", unsigned(good), "Malformed"),
        ("endless", format!("{good}{}", "x".repeat(20_000)), "too long"),
    ] {
        let caller = admin.with_token(&token);
        for door in doors(&system) {
            check_bad_token(&format!("{case} at {door}"), &caller.get(&door).await, why);
        }
    }
    foreign.stop().await;
    impostor.stop().await;
    system.still_works().await;
    system.stop().await;
}
