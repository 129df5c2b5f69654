//! Sessions at the development identity provider: refresh tokens, restarts, ends.

use axum::http::StatusCode;
use chassis::Outside;
use serde_json::{Value, json};

use crate::browser::{Browser, REALM, encoded, said, start, text};

const OFFLINE: (&str, &str) = ("scope", "openid offline_access");
const ONLINE: (&str, &str) = ("scope", "openid");

async fn with_browser(test: impl AsyncFnOnce(Browser)) {
    let folder = tempfile::tempdir().unwrap();
    test(Browser::new(&start(folder.path(), Outside::system()).await)).await;
}

async fn is_refused(browser: &mut Browser, refresh_token: &Value) -> bool {
    let answer = browser.refresh(text(refresh_token)).await;
    answer.status == StatusCode::BAD_REQUEST && answer.json()["error"] == "invalid_grant"
}

#[tokio::test]
async fn a_refresh_token_changes_with_every_use() {
    with_browser(async |mut browser| {
        let first = browser.tokens(&[], "user").await;
        let second = browser.refresh(text(&first["refresh_token"])).await.json();
        assert_ne!(first["refresh_token"], second["refresh_token"]);
        assert_eq!(said(&first["access_token"])["sid"], said(&second["access_token"])["sid"]);
        let third = browser.refresh(text(&second["refresh_token"])).await.json();
        assert_eq!(said(&third["id_token"])["preferred_username"], "user");
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_its_session() {
    with_browser(async |mut browser| {
        let first = browser.tokens(&[], "user").await;
        let second = browser.refresh(text(&first["refresh_token"])).await.json();
        assert!(is_refused(&mut browser, &first["refresh_token"]).await);
        assert!(is_refused(&mut browser, &second["refresh_token"]).await);
        assert_eq!(
            browser.userinfo(text(&second["access_token"])).await.status,
            StatusCode::UNAUTHORIZED
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_ends_a_session_by_its_public_id() {
    with_browser(async |mut browser| {
        let tokens = browser.tokens(&[], "user").await;
        let id = said(&tokens["access_token"])["sid"].clone();
        assert!(is_refused(&mut browser, &json!(format!("{}.guess", text(&id)))).await);
        assert!(!is_refused(&mut browser, &tokens["refresh_token"]).await);
    })
    .await;
}

#[tokio::test]
async fn a_refresh_narrows_scopes_and_never_widens_them() {
    with_browser(async |mut browser| {
        let tokens = browser.tokens(&[("scope", "openid email")], "user").await;
        let form = |scope| {
            [
                ("grant_type", "refresh_token"),
                ("client_id", "web_app"),
                ("refresh_token", text(&tokens["refresh_token"])),
                ("scope", scope),
            ]
        };
        let refused = browser.token(&form("openid offline_access")).await.json();
        assert_eq!(refused["error"], "invalid_scope");
        let narrower = browser.token(&form("email")).await.json();
        assert_eq!((&narrower["scope"], narrower.get("id_token")), (&json!("email"), None));
        let whole = browser.refresh(text(&narrower["refresh_token"])).await.json();
        assert_eq!(whole["scope"], "openid email");
    })
    .await;
}

#[tokio::test]
async fn sessions_and_keys_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let tokens =
        Browser::new(&start(folder.path(), Outside::system()).await).tokens(&[], "user").await;
    let mut browser = Browser::new(&start(folder.path(), Outside::system()).await);
    assert_eq!(browser.userinfo(text(&tokens["access_token"])).await.status, StatusCode::OK);
    assert!(!is_refused(&mut browser, &tokens["refresh_token"]).await);
}

/// Signs in at noon, and refreshes at another time of a later start.
async fn check_lifetime(scope: (&str, &str), later: &str, refused: bool) {
    let folder = tempfile::tempdir().unwrap();
    let at = |time: &str, seed| Outside::fixed(time.parse().unwrap(), seed);
    let router = start(folder.path(), at("2026-01-01T12:00:00Z", 1)).await;
    let tokens = Browser::new(&router).tokens(&[scope], "user").await;
    let mut browser = Browser::new(&start(folder.path(), at(later, 100)).await);
    assert_eq!(
        is_refused(&mut browser, &tokens["refresh_token"]).await,
        refused,
        "{scope:?} {later}"
    );
}

#[tokio::test]
async fn an_idle_session_ends_unless_it_is_an_offline_one() {
    check_lifetime(ONLINE, "2026-01-01T12:30:00Z", false).await;
    check_lifetime(ONLINE, "2026-01-01T12:30:01Z", true).await;
    check_lifetime(OFFLINE, "2026-01-31T12:00:00Z", false).await;
    check_lifetime(OFFLINE, "2026-01-31T12:00:01Z", true).await;
}

#[tokio::test]
async fn signing_out_ends_everything_of_the_browser() {
    with_browser(async |mut browser| {
        let first = browser.tokens(&[], "user").await;
        let code = browser.authorize(&[]).await.returned("code").unwrap();
        let second = browser.exchange(&code, crate::browser::VERIFIER).await.json();
        let pending = browser.authorize(&[]).await.returned("code").unwrap();
        let query = encoded(&[
            ("id_token_hint", text(&first["id_token"])),
            ("post_logout_redirect_uri", "http://localhost:8081"),
            ("state", "bye"),
        ]);
        let answer = browser.get(&format!("{REALM}/protocol/openid-connect/logout?{query}")).await;
        assert_eq!(answer.location.unwrap().as_str(), "http://localhost:8081/?state=bye");
        for tokens in [&first, &second] {
            assert!(is_refused(&mut browser, &tokens["refresh_token"]).await);
        }
        assert_eq!(
            browser.exchange(&pending, crate::browser::VERIFIER).await.json()["error"],
            "invalid_grant"
        );
        assert_eq!(
            browser.authorize(&[]).await.status,
            StatusCode::OK,
            "the password is asked for again"
        );
    })
    .await;
}

#[tokio::test]
async fn signing_out_without_a_token_asks_first() {
    with_browser(async |mut browser| {
        let tokens = browser.tokens(&[], "user").await;
        let logout = format!("{REALM}/protocol/openid-connect/logout");
        let page = browser
            .get(&format!("{logout}?post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A8081%2F"))
            .await;
        assert!(page.body.contains("Sign out?"), "{}", page.body);
        assert!(browser.authorize(&[]).await.returned("code").is_some(), "only asked, not done");
        browser.origin = Some("http://evil.example");
        let form = [("confirmed", "yes"), ("post_logout_redirect_uri", "http://localhost:8081/")];
        assert!(browser.submit(&page.action(), &form).await.body.contains("Sign out?"));
        browser.origin = Some("http://localhost:9080");
        let answer = browser.submit(&page.action(), &form).await;
        assert_eq!(answer.location.unwrap().as_str(), "http://localhost:8081/");
        assert!(is_refused(&mut browser, &tokens["refresh_token"]).await);
    })
    .await;
}

#[tokio::test]
async fn signing_out_leads_nowhere_outside_this_machine() {
    with_browser(async |mut browser| {
        let tokens = browser.tokens(&[], "user").await;
        let query = encoded(&[
            ("id_token_hint", text(&tokens["id_token"])),
            ("post_logout_redirect_uri", "https://example.com/"),
        ]);
        let answer = browser.get(&format!("{REALM}/protocol/openid-connect/logout?{query}")).await;
        assert_eq!((answer.status, answer.location), (StatusCode::BAD_REQUEST, None));
        assert!(
            is_refused(&mut browser, &tokens["refresh_token"]).await,
            "the person is signed out all the same"
        );
    })
    .await;
}
