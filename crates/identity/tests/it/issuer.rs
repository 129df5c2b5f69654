//! Signing in at the development identity provider: the page, the code, the tokens, and everything that is refused.

use std::sync::Arc;

use axum::{Router, http::StatusCode};
use chassis::Outside;
use database::{Durability, Sqlite};
use identity::{Issuer, Provider, Verifier, issuer};
use serde_json::json;

use crate::{
    browser::{Browser, ISSUER, REALM, REDIRECT, VERIFIER, encoded, said, start, text},
    provider::serving,
};

pub(crate) async fn with_browser(test: impl AsyncFnOnce(Router, Browser)) {
    let folder = tempfile::tempdir().unwrap();
    let router = start(folder.path(), Outside::system()).await;
    let browser = Browser::new(&router);
    test(router, browser).await;
}

#[tokio::test]
async fn signing_in_gives_tokens_that_name_the_user() {
    with_browser(async |_, mut browser| {
        let page = browser.authorize(&[]).await;
        assert_eq!(page.status, StatusCode::OK);
        for part in
            ["name=\"username\"", "name=\"password\"", "<code>admin</code>", "<code>user</code>"]
        {
            assert!(page.body.contains(part), "{part} is not on the page");
        }
        let answer =
            browser.submit(&page.action(), &[("username", "admin"), ("password", "admin")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(answer.location.as_ref().unwrap().as_str().starts_with(REDIRECT));
        assert_eq!(
            (answer.returned("state"), answer.returned("iss")),
            (Some("s&1".into()), Some(ISSUER.into()))
        );
        let tokens = browser.exchange(&answer.returned("code").unwrap(), VERIFIER).await.json();
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(300)));
        let access = said(&tokens["access_token"]);
        assert_eq!(
            (&access["aud"], &access["azp"], &access["typ"]),
            (&json!("account"), &json!("web_app"), &json!("Bearer"))
        );
        assert_eq!(access["roles"], json!(["ROLE_ADMIN", "ROLE_USER"]));
        assert_eq!(access["roles"], access["groups"]);
        assert_eq!(
            (&access["email"], &access["name"]),
            (&json!("admin@localhost"), &json!("Admin Administrator"))
        );
        let id = said(&tokens["id_token"]);
        assert_eq!(
            (&id["aud"], &id["nonce"], &id["sid"]),
            (&json!("web_app"), &json!("n1"), &access["sid"])
        );
        let userinfo = browser.userinfo(text(&tokens["access_token"])).await.json();
        assert_eq!(
            (&userinfo["sub"], &userinfo["preferred_username"]),
            (&access["sub"], &json!("admin"))
        );
    })
    .await;
}

#[tokio::test]
async fn pages_let_nothing_in_and_lead_only_back_to_the_client() {
    with_browser(async |_, mut browser| {
        let page = browser.authorize(&[]).await;
        assert!(
            page.policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{}",
            page.policy
        );
        assert!(
            page.policy.contains("form-action 'self' http://localhost:8081;"),
            "{}",
            page.policy
        );
        assert!(!page.body.contains("<script"));
        let hostile = browser.authorize(&[("login_hint", "\"><script>x</script>")]).await;
        assert!(!hostile.body.contains("<script"), "{}", hostile.body);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_is_told_and_signs_nobody_in() {
    with_browser(async |_, mut browser| {
        let answer = browser.sign_in(&[], "admin", "wrong").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.body.contains("Wrong name or password"), "{}", answer.body);
        assert!(answer.body.contains("value=\"admin\""), "the name has to be typed again");
        assert_eq!(
            browser.authorize(&[("prompt", "none")]).await.returned("error").as_deref(),
            Some("login_required")
        );
        assert_eq!(
            browser
                .submit(&answer.action(), &[("username", "admin"), ("password", "admin")])
                .await
                .status,
            StatusCode::SEE_OTHER
        );
    })
    .await;
}

#[tokio::test]
async fn a_second_sign_in_needs_no_password() {
    with_browser(async |_, mut browser| {
        browser.tokens(&[], "user").await;
        let code = browser.authorize(&[]).await.returned("code").unwrap();
        let tokens = browser.exchange(&code, VERIFIER).await.json();
        assert_eq!(said(&tokens["access_token"])["preferred_username"], "user");
        for asks in [[("prompt", "login")], [("login_hint", "user")]] {
            let shown = browser.authorize(&asks).await.status == StatusCode::OK;
            assert_eq!(shown, asks[0].0 == "prompt", "{asks:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_that_cannot_be_trusted_stays_on_a_page() {
    with_browser(async |_, mut browser| {
        for change in [
            ("client_id", "other"),
            ("redirect_uri", "http://example.com/login/oauth2/code/oidc"),
            ("redirect_uri", ""),
        ] {
            let answer = browser.authorize(&[change]).await;
            assert_eq!(
                (answer.status, answer.location.is_none()),
                (StatusCode::BAD_REQUEST, true),
                "{change:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_without_a_challenge_is_sent_back() {
    with_browser(async |_, mut browser| {
        for change in [("code_challenge", ""), ("code_challenge_method", "plain")] {
            let answer = browser.authorize(&[change]).await;
            assert_eq!(answer.returned("error").as_deref(), Some("invalid_request"), "{change:?}");
            assert_eq!(
                (answer.returned("state"), answer.returned("iss")),
                (Some("s&1".into()), Some(ISSUER.into()))
            );
        }
    })
    .await;
}

#[tokio::test]
async fn other_sites_can_neither_sign_in_nor_reach_the_server_by_their_own_name() {
    with_browser(async |_, mut browser| {
        browser.origin = Some("http://evil.example");
        assert_eq!(browser.sign_in(&[], "admin", "admin").await.status, StatusCode::FORBIDDEN);
        browser.origin = Some("http://localhost:9080");
        assert_eq!(browser.sign_in(&[], "admin", "admin").await.status, StatusCode::SEE_OTHER);
        browser.host = "evil.example:9080";
        assert_eq!(browser.authorize(&[]).await.status, StatusCode::MISDIRECTED_REQUEST);
    })
    .await;
}

#[tokio::test]
async fn a_request_may_stand_in_a_form() {
    with_browser(async |_, mut browser| {
        let query = browser.authorize(&[]).await.action();
        let pairs: Vec<(&str, &str)> =
            [("response_type", "token"), ("client_id", "web_app"), ("redirect_uri", REDIRECT)]
                .into();
        let answer = browser.submit(&format!("{REALM}/protocol/openid-connect/auth"), &pairs).await;
        assert_eq!(answer.returned("error").as_deref(), Some("unsupported_response_type"));
        assert!(query.contains(&encoded(&[("state", "s&1")])), "{query}");
    })
    .await;
}

#[tokio::test]
async fn lives_on_loopback_only() {
    let folder = tempfile::tempdir().unwrap();
    for url in [
        "http://example.com/realms/jhipster",
        "http://0.0.0.0:9080/realms/jhipster",
        "http://localhost:9080/realms/jhipster/",
    ] {
        let database = Sqlite::open(
            &folder.path().join("issuer.db"),
            &issuer::TABLES,
            Durability::ProcessCrash,
        )
        .await
        .unwrap();
        let opened = Issuer::open(database, folder.path(), url.to_owned(), Outside::system()).await;
        assert!(opened.is_err(), "{url}");
    }
}

#[tokio::test]
async fn its_tokens_pass_the_verifier_over_the_wire() {
    let folder = tempfile::tempdir().unwrap();
    let router = async |address: &str| {
        let database = Sqlite::open(
            &folder.path().join("issuer.db"),
            &issuer::TABLES,
            Durability::ProcessCrash,
        )
        .await
        .unwrap();
        let issuer =
            Issuer::open(database, folder.path(), format!("{address}{REALM}"), Outside::system())
                .await;
        issuer.unwrap().routes()
    };
    serving(router, async |address| {
        let provider = Provider::new(&format!("{address}{REALM}")).unwrap();
        let metadata = provider.metadata().await.unwrap();
        assert!(metadata.end_session_endpoint.is_some());
        let form = [
            ("grant_type", "password"),
            ("client_id", "web_app"),
            ("username", "admin"),
            ("password", "admin"),
            ("scope", "openid"),
        ];
        let request = provider.client().post(&metadata.token_endpoint).form(&form);
        let tokens: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
        let verifier =
            Verifier::new(Arc::clone(&provider), vec!["account".into()], Outside::system());
        let caller = verifier.verify(text(&tokens["access_token"])).await.unwrap();
        assert_eq!(
            (caller.login.as_str(), caller.authorities.clone()),
            ("admin", vec!["ROLE_ADMIN".to_owned(), "ROLE_USER".to_owned()])
        );
        assert!(
            verifier.verify(text(&tokens["id_token"])).await.is_err(),
            "an ID token is no access token"
        );
    })
    .await;
}
