//! The gateway: forms of other sites, paths that lead astray, services that do not exist.

use reqwest::{Method, Url};
use serde_json::json;

use super::check;
use crate::support::{Running, sent, store, wire};

#[tokio::test]
async fn a_change_from_another_site_is_refused() {
    let system = Running::start().await;
    let browser = system.browser();
    let list = browser.sign_in(&format!("{}/entities/store/stores", system.at.gateway), "admin").await;
    let url = Url::parse(&format!("{}/services/store/api/stores", system.at.gateway)).unwrap();
    let token = browser.cookie(&url, "XSRF-TOKEN").unwrap();
    let body: Vec<(String, String)> = vec![("name".into(), "Forged Shop".into())];
    for (case, headers) in [
        ("without the token", vec![]),
        ("with a wrong token", vec![("x-xsrf-token", "wrong")]),
        ("with an empty token", vec![("x-xsrf-token", "")]),
    ] {
        let headers = [headers, vec![("accept", "application/json")]].concat();
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = browser.send_as(method, &url, Some(&body), &headers).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (403, "Invalid CSRF Token"), "{case}");
        }
        let new = browser.choose(&list, "Create a new store").await;
        let page = browser.send_as(Method::POST, &new.url, Some(&body), &headers[..headers.len() - 1]).await.expect(403);
        page.shows("The form is out of date.");
    }
    let signed_out = browser.send(Method::POST, &url.join("/logout").unwrap(), None).await.expect(403);
    signed_out.shows("The form is out of date.");
    let anonymous = system.browser().send_as(Method::POST, &url, Some(&body), &[("accept", "application/json")]).await;
    assert_eq!((anonymous.status.as_u16(), anonymous.body.as_str()), (403, "An expected CSRF token cannot be found"));

    let own = browser.send_as(Method::POST, &url, Some(&body), &[("x-xsrf-token", &token), ("accept", "application/json")]).await;
    check("a form is no JSON", &own, 415, &json!({}));
    browser.open(&list.url).await.shows("No stores yet");
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn paths_that_lead_nowhere_or_astray_are_refused() {
    let system = Running::start().await;
    let (admin, user, gateway) = (system.admin().await, system.caller("user").await, &system.at.gateway);
    for (path, status) in [
        ("/services/store/../alert/api/store-alerts", 400),
        ("/services/store/%2e%2e/alert/api/store-alerts", 400),
        ("/services/store/api/..%2f..%2fmanagement/health", 400),
        ("/services/store/..;x/alert/api/store-alerts", 400),
        ("/services/store/..%5c..%5cetc/passwd", 400),
        ("/services/store/.", 400),
        ("/services/nosuch/api/stores", 404),
        ("/services/STORE/api/stores", 404),
        ("/services/store", 404),
        ("/services//api/stores", 404),
        ("/services/http:%2f%2fexample.com/x", 404),
        ("/services/store/api/nope", 404),
        ("/api/nope", 404),
        ("/nope", 404),
        ("/nope/../../../etc/passwd", 404),
        ("/mails/..%2f..%2fkeys%2fissuer-key.pem", 404),
    ] {
        check(path, &wire::get(gateway, path, admin.token()).await, status, &json!({ "message": format!("error.http.{status}") }));
    }
    let document = format!("{gateway}/services/store/v3/api-docs");
    admin.get(&document).await.expect(200);
    check("a document for administrators", &user.get(&document).await, 403, &json!({ "detail": "Access Denied" }));
    let wrong = admin.send(Method::POST, &format!("{gateway}/api/account"), &store("x", "OPEN")).await;
    check("the account is only read", &wrong, 405, &json!({ "detail": "405 METHOD_NOT_ALLOWED \"Request method 'POST' not supported\"" }));
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn a_session_that_does_not_exist_is_nobodys() {
    let system = Running::start().await;
    let account = Url::parse(&format!("{}/api/account", system.at.gateway)).unwrap();
    for session in ["", "x", "0123456789abcdef0123456789abcdef0123456789a", "../../../etc/passwd", "' or 1=1 --"] {
        let cookie = format!("SESSION={session}");
        let request = system.anonymous().request(Method::GET, account.as_str()).header("Cookie", cookie);
        check(session, &sent(request).await, 401, &json!({ "detail": "Not Authenticated" }));
    }
    system.still_works().await;
    system.stop().await;
}
