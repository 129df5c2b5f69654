//! Tokens of the development identity provider: what they are exchanged for, and what for not.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use crate::{
    browser::{Answer, REALM, VERIFIER, said, text},
    issuer::with_browser,
};

fn check_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!(
        (answer.status.as_u16(), text(&answer.json()["error"])),
        (status, error),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_code_needs_its_verifier_and_its_address() {
    with_browser(async |_, mut browser| {
        let code = browser.sign_in(&[], "user", "user").await.returned("code").unwrap();
        check_error(&browser.exchange(&code, "").await, 400, "invalid_request");
        let code = browser.authorize(&[]).await.returned("code").unwrap();
        check_error(&browser.exchange(&code, &"x".repeat(43)).await, 400, "invalid_grant");
        check_error(&browser.exchange(&code, VERIFIER).await, 400, "invalid_grant");
        let code = browser.authorize(&[]).await.returned("code").unwrap();
        let elsewhere = "http://localhost:8082/login/oauth2/code/oidc";
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "web_app"),
            ("code", &code),
            ("redirect_uri", elsewhere),
            ("code_verifier", VERIFIER),
        ];
        check_error(&browser.token(&form).await, 400, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_code_that_is_used_twice_takes_its_tokens_back() {
    with_browser(async |_, mut browser| {
        let code = browser.sign_in(&[], "user", "user").await.returned("code").unwrap();
        let tokens = browser.exchange(&code, VERIFIER).await.json();
        check_error(&browser.exchange(&code, VERIFIER).await, 400, "invalid_grant");
        check_error(&browser.refresh(text(&tokens["refresh_token"])).await, 400, "invalid_grant");
        assert_eq!(
            browser.userinfo(text(&tokens["access_token"])).await.status,
            StatusCode::UNAUTHORIZED
        );
    })
    .await;
}

#[tokio::test]
async fn scripts_get_tokens_by_password() {
    with_browser(async |_, mut browser| {
        let form = |secret, password| {
            [
                ("grant_type", "password"),
                ("client_id", "web_app"),
                ("client_secret", secret),
                ("username", "admin"),
                ("password", password),
            ]
        };
        let tokens = browser.token(&form("web_app", "admin")).await.json();
        assert_eq!(said(&tokens["access_token"])["preferred_username"], "admin");
        assert!(tokens.get("id_token").is_none(), "nobody asked for openid");
        assert_eq!(browser.token(&form("", "admin")).await.status, StatusCode::OK);
        check_error(&browser.token(&form("web_app", "wrong")).await, 400, "invalid_grant");
        check_error(&browser.token(&form("wrong", "admin")).await, 401, "invalid_client");
    })
    .await;
}

#[tokio::test]
async fn malformed_requests_for_tokens_are_named() {
    with_browser(async |_, mut browser| {
        check_error(&browser.token(&[("client_id", "web_app")]).await, 400, "invalid_request");
        check_error(
            &browser.token(&[("client_id", "web_app"), ("grant_type", "implicit")]).await,
            400,
            "unsupported_grant_type",
        );
        check_error(&browser.token(&[("grant_type", "password")]).await, 401, "invalid_client");
        let twice =
            [("client_id", "web_app"), ("client_id", "web_app"), ("grant_type", "password")];
        check_error(&browser.token(&twice).await, 400, "invalid_request");
        let path = format!("{REALM}/protocol/openid-connect/token");
        let request = Request::post(&path).header(header::CONTENT_TYPE, "application/json");
        check_error(&browser.send(request, Body::from("{}")).await, 400, "invalid_request");
        let request =
            Request::post(&path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = browser.send(request, Body::from("a".repeat(2 * 1024 * 1024))).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(browser.get(&path).await.status, StatusCode::METHOD_NOT_ALLOWED);
    })
    .await;
}

#[tokio::test]
async fn userinfo_wants_a_living_access_token() {
    with_browser(async |_, mut browser| {
        let tokens = browser.tokens(&[], "user").await;
        for other in [text(&tokens["id_token"]), text(&tokens["refresh_token"]), "a.b.c"] {
            assert_eq!(browser.userinfo(other).await.status, StatusCode::UNAUTHORIZED, "{other}");
        }
    })
    .await;
}
