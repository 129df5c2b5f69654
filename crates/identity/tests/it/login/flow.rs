//! From the first click to the last, and everything that must not work on the way.

use axum::http::Method;

use super::*;

#[tokio::test]
async fn signs_in_and_out() {
    let house = House::new().await;
    let mut browser = house.browser();
    assert_eq!(browser.get("/api/account").await.json()["detail"], "Not Authenticated");
    assert_eq!(browser.get("/api/authenticate").await.body, "");
    let back = house.sign_in(&mut browser, "?return=/books%3Fpage=2").await;
    assert_eq!((back.status.as_u16(), back.location().as_str()), (302, "/books?page=2"));
    let account = browser.get("/api/account").await.json();
    assert_eq!(account["login"], "ann");
    assert_eq!(account["authorities"], json!(["ROLE_USER"]));
    assert_eq!(account["createdDate"], NOW);
    assert_eq!(browser.get("/api/authenticate").await.body, "4c97");
    let about = browser.get("/api/auth-info").await.json();
    assert_eq!(about, json!({ "issuer": house.issuer.url, "clientId": CLIENT }));
    assert_eq!(
        browser.get("/visitor").await.json(),
        json!({ "kind": "session", "login": "ann", "token": "access-1" })
    );
    let mut thief = browser.clone();
    let gone = browser.post("/api/logout", &[("origin", "http://localhost:9000")]).await;
    let url = gone.json()["logoutUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("{}/logout?id_token_hint=ey", house.issuer.url)), "{url}");
    assert!(url.ends_with("&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A9000"), "{url}");
    assert!(!browser.cookies.contains_key("SESSION"));
    assert_eq!(kind(&mut browser).await, "anonymous");
    assert_eq!(kind(&mut thief).await, "anonymous");
    assert!(
        !thief.cookies.contains_key("SESSION"),
        "the cookie of a session that has ended is taken away"
    );
}

#[tokio::test]
async fn signs_out_without_a_script() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let gone = browser.post("/logout", &[("origin", "http://ignored")]).await;
    assert_eq!(gone.status, 303);
    let expected = "&post_logout_redirect_uri=http%3A%2F%2Fbooks.example.org%3A8081";
    assert!(gone.location().ends_with(expected), "{gone:?}");
    assert_eq!(kind(&mut browser).await, "anonymous");
    let again = browser.post("/logout", &[]).await;
    assert_eq!((again.status.as_u16(), again.location().as_str()), (303, "/"));
    assert_eq!(browser.post("/api/logout", &[]).await.status, 401);
}

#[tokio::test]
async fn a_strange_origin_is_not_returned_to() {
    let house = House::new().await;
    for origin in ["null", "javascript://x", "http://evil.org/path"] {
        let mut browser = house.signed_in().await;
        let url = browser.post("/api/logout", &[("origin", origin)]).await.json()["logoutUrl"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            url.ends_with("&post_logout_redirect_uri=http%3A%2F%2Fbooks.example.org%3A8081"),
            "{url}"
        );
    }
}

#[tokio::test]
async fn signing_out_works_while_the_issuer_is_away() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let elsewhere = Provider::new("http://127.0.0.1:9/realms/test").unwrap();
    let sessions = Sessions::new(house.database.clone(), house.outside_at(0));
    let verifier = Arc::new(Verifier::new(elsewhere.clone(), Vec::new(), house.outside_at(0)));
    let login = Login::new(LoginSettings {
        provider: elsewhere,
        verifier,
        client_id: CLIENT.into(),
        client_secret: Secret::new(SECRET.into()),
        scopes: Vec::new(),
        sessions,
        outside: house.outside_at(0),
    });
    browser.router = gateway(login, house.outside_at(0));
    let failed = browser.get("/oauth2/authorization/oidc").await;
    assert_eq!(failed.status, 503);
    assert!(failed.body.contains("Please try again"), "{failed:?}");
    assert_eq!(browser.post("/api/logout", &[]).await.json(), json!({ "logoutUrl": BASE }));
    assert_eq!(kind(&mut browser).await, "anonymous");
}

#[tokio::test]
async fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
    let house = House::new().await;
    for (forwarded, secure) in [("http", false), ("https", true)] {
        let mut browser = house.browser();
        let leaving = browser
            .send(
                Method::GET,
                "/oauth2/authorization/oidc",
                &[("x-forwarded-proto", forwarded)],
                "",
            )
            .await;
        assert!(
            leaving.location().contains(&format!(
                "redirect_uri={forwarded}%3A%2F%2Fbooks.example.org%3A8081%2Flogin"
            )),
            "{leaving:?}"
        );
        let answer = house.to_issuer(&mut browser, "").await;
        let back =
            browser.send(Method::GET, &answer, &[("x-forwarded-proto", forwarded)], "").await;
        let cookies = [leaving.set_cookies(), back.set_cookies()].concat();
        assert_eq!(cookies.len(), 3, "{cookies:?}");
        for cookie in cookies {
            assert!(cookie.contains("; SameSite=Lax") && cookie.contains("; Path=/"), "{cookie}");
            assert_eq!(
                cookie.contains("; HttpOnly"),
                !cookie.starts_with("XSRF-TOKEN="),
                "{cookie}"
            );
            assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
            assert_eq!(cookie.contains("Max-Age=600"), cookie.starts_with("SIGN_IN="), "{cookie}");
        }
    }
}

/// Expects that a callback signs nobody in and says why on a page.
async fn refused(browser: &mut Browser, callback: &str, status: u16, sentence: &str) {
    let answer = browser.get(callback).await;
    assert_eq!(answer.status.as_u16(), status, "{callback}: {answer:?}");
    assert!(answer.body.contains(sentence), "{callback}: {answer:?}");
    assert!(
        answer.body.contains(r#"<a href="/oauth2/authorization/oidc">Try again</a>"#),
        "{answer:?}"
    );
    assert!(!browser.cookies.contains_key("SESSION"), "{callback}");
}

const NOT_STARTED_HERE: &str = "This sign-in was not started in this browser";

#[tokio::test]
async fn an_answer_that_was_not_asked_for_signs_nobody_in() {
    let house = House::new().await;
    let mut browser = house.browser();
    let callback = house.to_issuer(&mut browser, "").await;
    for strange in [
        "/login/oauth2/code/oidc",
        "/login/oauth2/code/oidc?code=code-0",
        "/login/oauth2/code/oidc?code=code-0&state=x",
        "/login/oauth2/code/oidc?error=access_denied&error_description=call%20this%20number&state=x",
    ] {
        refused(&mut browser, strange, 400, NOT_STARTED_HERE).await;
    }
    let twice = format!("{callback}&state=x");
    refused(&mut browser, &twice, 400, "malformed").await;
    // Whoever is sent here with the answer to another browser's question must not end up in that one's account.
    let mut another = house.browser();
    refused(&mut another, &callback, 400, NOT_STARTED_HERE).await;
    house.to_issuer(&mut another, "").await;
    refused(&mut another, &callback, 400, NOT_STARTED_HERE).await;
    assert_eq!(house.issuer.asked(), 0);
    assert_eq!(
        browser.get(&callback).await.status,
        302,
        "none of this disturbed the browser that had asked"
    );
    assert_eq!(kind(&mut browser).await, "session");
}

#[tokio::test]
async fn an_answer_signs_in_once() {
    let house = House::new().await;
    let mut browser = house.browser();
    let callback = house.to_issuer(&mut browser, "").await;
    assert_eq!(browser.get(&callback).await.status, 302);
    browser.cookies.remove("SESSION");
    refused(&mut browser, &callback, 400, NOT_STARTED_HERE).await;
}

#[tokio::test]
async fn what_the_issuer_refuses_is_said() {
    let house = House::new().await;
    for (answer, status, sentence) in [
        (
            "error=access_denied&error_description=%3Cb%3Eno%3C/b%3E",
            400,
            "The identity provider says: &#60;b&#62;no&#60;/b&#62;",
        ),
        ("error=server_error", 400, "The identity provider says: server_error"),
        ("error=access_denied&iss=http://elsewhere", 502, "could not be trusted"),
        ("code=code-0&iss=http://elsewhere", 502, "could not be trusted"),
        ("code=unknown", 400, "did not accept"),
        ("", 400, "sent no code"),
    ] {
        let mut browser = house.browser();
        let callback = house.to_issuer(&mut browser, "").await;
        let state = callback.split_once("state=").unwrap().1.split('&').next().unwrap();
        refused(
            &mut browser,
            &format!("/login/oauth2/code/oidc?state={state}&{answer}"),
            status,
            sentence,
        )
        .await;
    }
}

#[tokio::test]
async fn an_issuer_that_cannot_be_trusted_signs_nobody_in() {
    let house = House::new().await;
    for (script, status) in [
        (Script { nonce: Some("another"), ..Script::default() }, 502),
        (Script { userinfo_subject: Some("8"), ..Script::default() }, 502),
        (Script { is_down: true, ..Script::default() }, 503),
    ] {
        house.issuer.play(script);
        let mut browser = house.browser();
        let callback = house.to_issuer(&mut browser, "").await;
        refused(&mut browser, &callback, status, "identity provider").await;
    }
}

#[tokio::test]
async fn only_pages_of_this_site_are_returned_to() {
    let house = House::new().await;
    for (query, target) in [
        ("", "/"),
        ("?return=/books", "/books"),
        ("?return=//evil.org", "/"),
        ("?return=/%5Cevil.org", "/"),
        ("?return=https://evil.org", "/"),
        ("?return=/%0D%0ASet-Cookie:x", "/"),
        ("?return=/a&return=/b", "/"),
    ] {
        let mut browser = house.browser();
        assert_eq!(house.sign_in(&mut browser, query).await.location(), target, "{query}");
    }
}

#[tokio::test]
async fn a_strange_host_starts_nothing() {
    let house = House::new().await;
    let request =
        axum::http::Request::get("/oauth2/authorization/oidc").header("host", "evil.org/x");
    let request = request.body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(house.gateway_at(0), request).await.unwrap();
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn a_program_with_a_token_needs_no_session() {
    let house = House::new().await;
    let token = house.issuer.bearer("account");
    let authorization = format!("Bearer {token}");
    let mut program = house.browser();
    let visitor =
        program.send(Method::GET, "/visitor", &[("authorization", &authorization)], "").await;
    assert_eq!(visitor.json(), json!({ "kind": "bearer", "login": "ann", "token": token }));
    let logout =
        program.send(Method::POST, "/api/logout", &[("authorization", &authorization)], "").await;
    assert_eq!(logout.status, 400);
    for bad in [
        "Bearer garbage".to_owned(),
        "Bearer".to_owned(),
        format!("Bearer {}", house.issuer.bearer("others")),
    ] {
        let mut browser = house.signed_in().await;
        let refused = browser.send(Method::GET, "/visitor", &[("authorization", &bad)], "").await;
        assert_eq!(
            (refused.status.as_u16(), refused.body.as_str()),
            (401, ""),
            "{bad}: a session does not cover for it"
        );
        assert!(
            refused.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"),
            "{bad}"
        );
    }
}
