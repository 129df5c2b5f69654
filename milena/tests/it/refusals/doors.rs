//! The registry and the identity provider, which have doors of their own.

use reqwest::Method;
use serde_json::json;

use super::check;
use crate::support::{Caller, Running, sent, tokens};

#[tokio::test]
async fn the_registry_opens_to_its_password_and_to_administrators_only() {
    let system = Running::start().await;
    let (anonymous, admin, password) =
        (system.anonymous(), system.admin().await, system.home().password.clone());
    let ask = async |caller: &Caller, url: &str, credentials: Option<(&str, &str)>| {
        let request = caller.request(Method::GET, url);
        sent(match credentials {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        })
        .await
    };
    for path in ["/eureka/apps", "/eureka/apps/STORE", "/eureka/nope", "/config/store/prod"] {
        let url = format!("{}{path}", system.at.registry);
        for (case, caller, credentials) in [
            ("nobody", &anonymous, None),
            ("a wrong password", &anonymous, Some(("admin", "wrong"))),
            ("the default password", &anonymous, Some(("admin", "admin"))),
            ("an empty password", &anonymous, Some(("admin", ""))),
            ("another user", &anonymous, Some(("user", password.as_str()))),
        ] {
            let answer = ask(caller, &url, credentials).await;
            check(
                &format!("{path} {case}"),
                &answer,
                401,
                &json!({ "title": "Unauthorized", "path": path }),
            );
            let challenge = credentials.map_or("", |_| "Basic realm=\"JHipster Registry\"");
            assert_eq!(answer.header("www-authenticate"), challenge);
        }
        let expected = if path == "/eureka/nope" { 404 } else { 200 };
        ask(&admin, &url, None).await.expect(expected);
    }
    let apps = format!("{}/eureka/apps", system.at.registry);
    ask(&anonymous, &apps, Some(("admin", &password))).await.expect(200);
    for body in ["", "{", "{}", r#"{"instance":{}}"#, r#"{"instance":{"app":"OTHER"}}"#] {
        let request = anonymous
            .request(Method::POST, &format!("{apps}/PARCELS"))
            .basic_auth("admin", Some(&password));
        let answer = sent(request.header("Content-Type", "application/json").body(body)).await;
        assert!(answer.status == 400 && !answer.body.is_empty(), "{body}: {answer:?}");
    }
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn the_identity_provider_gives_tokens_to_its_users_only() {
    let system = Running::start().await;
    for (user, password) in [("admin", "user"), ("admin", ""), ("nobody", "nobody"), ("", "")] {
        let answer = tokens::ask(&system.at.issuer, user, password).await.expect(400);
        let error = &answer.json()["error"];
        assert!(
            error == "invalid_grant" || error == "invalid_request",
            "{user}/{password}: {answer:?}"
        );
    }
    for path in [
        "/login-actions/authenticate",
        "/protocol/openid-connect/auth",
        "/protocol/openid-connect/logout",
    ] {
        let answer = system
            .anonymous()
            .send(Method::POST, &format!("{}{path}", system.at.issuer), &json!({}))
            .await;
        check(path, &answer, 415, &json!({ "message": "error.http.415" }));
    }
    let elsewhere = format!(
        "{}/protocol/openid-connect/auth?response_type=code&client_id=web_app&scope=openid&state=s&nonce=n&redirect_uri=https://evil.example/login/oauth2/code/oidc",
        system.at.issuer
    );
    let answer = system.anonymous().get(&elsewhere).await.expect(400);
    assert_eq!(
        answer.header("location"),
        "",
        "a browser is not sent to a place that nobody trusts"
    );
    system.still_works().await;
    system.stop().await;
}
