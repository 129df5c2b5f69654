//! The gateway: forms of other sites, paths that lead astray, services that do not exist.

use reqwest::{Method, Url};
use serde_json::json;

use super::check;
use crate::support::{Answer, Browser, Running, sent, store, wire};

/// A browser that is signed in, on the list of stores.
struct SignedIn {
    browser: Browser,
    list: Answer,
    /// Where scripts find the stores.
    api: Url,
    /// The token that the gateway wants to see with every change.
    token: String,
}

impl SignedIn {
    async fn at(system: &Running) -> Self {
        let at = |path: &str| Url::parse(&format!("{}{path}", system.at.gateway)).unwrap();
        let (browser, api) = (system.browser(), at("/services/store/api/stores"));
        let list = browser.sign_in(at("/entities/store/stores").as_str(), "admin").await;
        let token = browser.cookie(&api, "XSRF-TOKEN").unwrap();
        SignedIn { browser, list, api, token }
    }
}

/// Fails unless the answer is the plain sentence that scripts of the Java gateway know.
fn check_forgery(case: &str, answer: &Answer, sentence: &str) {
    assert_eq!((answer.status.as_u16(), &*answer.body), (403, sentence), "{case}: {answer:?}");
}

const JSON: (&str, &str) = ("accept", "application/json");

#[tokio::test]
async fn a_change_from_another_site_is_refused() {
    let system = Running::start().await;
    let SignedIn { browser, list, api, .. } = SignedIn::at(&system).await;
    let new = list.link("Create a new store");
    let body = [("name".to_owned(), "Forged Shop".to_owned())];
    for (case, token) in [("no", None), ("a wrong", Some("wrong")), ("an empty", Some(""))] {
        let headers: Vec<_> = token.map(|token| ("x-xsrf-token", token)).into_iter().collect();
        let as_script = [headers.as_slice(), &[JSON]].concat();
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = browser.send_as(method, &api, Some(&body), &as_script).await;
            check_forgery(case, &answer, "Invalid CSRF Token");
        }
        let page = browser.send_as(Method::POST, &new, Some(&body), &headers).await.expect(403);
        page.shows("The form is out of date.");
    }
    let sign_out = browser.send(Method::POST, &api.join("/logout").unwrap(), None).await;
    sign_out.expect(403).shows("The form is out of date.");
    let stranger = system.browser().send_as(Method::POST, &api, Some(&body), &[JSON]).await;
    check_forgery("a stranger", &stranger, "An expected CSRF token cannot be found");

    let list = browser.open(&list.url).await;
    list.shows("admin Sign out");
    list.shows("No stores yet");
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn a_service_takes_json_and_a_page_takes_forms() {
    let system = Running::start().await;
    let SignedIn { browser, list, api, token } = SignedIn::at(&system).await;
    let token = ("x-xsrf-token", token.as_str());
    let form = [("name".to_owned(), "Candle Shop".to_owned())];
    let answer = browser.send_as(Method::POST, &api, Some(&form), &[token, JSON]).await;
    check("a form for a service", &answer, 415, &json!({ "path": "/api/stores" }));
    let (new, kind) = (list.link("Create a new store"), ("content-type", "application/json"));
    let answer = browser.send_as(Method::POST, &new, None, &[token, JSON, kind]).await;
    check("JSON for a page", &answer, 415, &json!({ "path": new.path() }));
    browser.open(&list.url).await.shows("No stores yet");
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn paths_that_lead_nowhere_or_astray_are_refused() {
    let system = Running::start().await;
    let (admin, user, gateway) =
        (system.admin().await, system.caller("user").await, &system.at.gateway);
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
        ("/api/nope", 404),
        ("/nope", 404),
        ("/nope/../../../etc/passwd", 404),
        ("/mails/..%2f..%2fkeys%2fissuer-key.pem", 404),
    ] {
        check(
            path,
            &wire::get(gateway, path, admin.token()).await,
            status,
            &json!({ "message": format!("error.http.{status}") }),
        );
    }
    let document = format!("{gateway}/services/store/v3/api-docs");
    admin.get(&document).await.expect(200);
    check(
        "a document for administrators",
        &user.get(&document).await,
        403,
        &json!({ "detail": "Access Denied" }),
    );
    let wrong =
        admin.send(Method::POST, &format!("{gateway}/api/account"), &store("x", "OPEN")).await;
    check(
        "the account is only read",
        &wrong,
        405,
        &json!({ "detail": "405 METHOD_NOT_ALLOWED \"Request method 'POST' not supported\"" }),
    );
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn a_session_that_does_not_exist_is_nobodys() {
    let system = Running::start().await;
    let account = Url::parse(&format!("{}/api/account", system.at.gateway)).unwrap();
    for session in [
        "",
        "x",
        "0123456789abcdef0123456789abcdef0123456789a",
        "../../../etc/passwd",
        "' or 1=1 --",
    ] {
        let cookie = format!("SESSION={session}");
        let request =
            system.anonymous().request(Method::GET, account.as_str()).header("Cookie", cookie);
        check(session, &sent(request).await, 401, &json!({ "detail": "Not Authenticated" }));
    }
    system.still_works().await;
    system.stop().await;
}
