//! Signing in and out with a browser, and what protects its forms.

use reqwest::{StatusCode, Url};
use serde_json::json;

use crate::{
    browser::{Answer, Browser},
    history::events,
    world::World,
};

/// Follows where an answer leads, until it leads nowhere.
async fn follow(browser: &Browser, mut url: Url, mut answer: Answer) -> (Url, Answer) {
    for _ in 0..10 {
        if !answer.status.is_redirection() {
            return (url, answer);
        }
        url = url.join(answer.location()).unwrap();
        answer = browser.get(url.as_str()).await;
    }
    panic!("no end of redirections: {answer:?}");
}

/// Asks for a page, signs in, and comes back to it.
async fn signed_in(browser: &Browser, url: &str, user: &str) -> (Url, Answer) {
    let (url, page) = follow(browser, Url::parse(url).unwrap(), browser.get(url).await).await;
    let mut fields = vec![("username", user.to_owned()), ("password", user.to_owned())];
    let inputs: Vec<Answer> = page
        .body
        .split("<input")
        .filter(|input| input.contains("type=\"hidden\""))
        .map(|input| Answer {
            body: format!("<input{input}"),
            status: page.status,
            headers: Default::default(),
        })
        .collect();
    let names: Vec<String> = inputs.iter().map(|input| input.attribute("<input", "name")).collect();
    for (name, input) in names.iter().zip(&inputs) {
        fields.push((name, input.attribute("<input", "value")));
    }
    let has_action = page.body.contains("action=\"");
    let action = if has_action { page.attribute("<form", "action") } else { String::new() };
    let target = url.join(&action).unwrap();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = browser.post(target.as_str(), &fields).await;
    follow(browser, target, answer).await
}

#[tokio::test]
async fn an_administrator_signs_in_changes_a_status_and_signs_out() {
    let world = World::start().await;
    world.register("BOOK", "book:1", 8082, json!({})).await;
    let browser = Browser::fresh();
    let place = "/instance/status?app=BOOK&id=book%3A1&to=OUT_OF_SERVICE";
    // A visitor comes back to the page, and to what was asked of it.
    let (url, _) = signed_in(&browser, &world.at(place), "admin").await;
    assert_eq!(url.as_str(), world.at(place));
    let page = browser.get(&world.at(place)).await;
    page.shows("admin Sign out");
    page.shows("Set the status to OUT_OF_SERVICE?");
    let csrf = page.attribute("name=\"_csrf\"", "value");
    let mut form = vec![("app", "BOOK"), ("id", "book:1"), ("to", "OUT_OF_SERVICE")];
    let refused = browser.post(&world.at("/instance/status"), &form).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.shows("The form is out of date.");
    form.push(("_csrf", &csrf));
    let changed = browser.post(&world.at("/instance/status"), &form).await;
    assert_eq!(changed.location(), "/instance?app=BOOK&id=book%3A1");
    let page = browser.get(&world.at(changed.location())).await;
    page.shows("Set by an operator OUT_OF_SERVICE");
    let told = events(&world, 2).await;
    assert_eq!((&told[1]["kind"], &told[1]["by"]), (&json!("overridden"), &json!("admin")));
    let cookies: Vec<_> = page.headers.get_all("set-cookie").iter().collect();
    assert!(cookies.is_empty(), "{cookies:?}");

    let signed_out = browser.post(&world.at("/logout"), &[("_csrf", csrf.as_str())]).await;
    assert!(signed_out.location().starts_with(&world.issuer), "{signed_out:?}");
    let anonymous = browser.get(&world.at("/")).await;
    assert_eq!(anonymous.location(), "/oauth2/authorization/oidc?return=%2F");
    world.stop().await;
}

#[tokio::test]
async fn a_person_without_the_role_sees_nothing_but_the_way_out() {
    let world = World::start().await;
    world.register("BOOK", "book:1", 8082, json!({})).await;
    let browser = Browser::fresh();
    let (_, page) = signed_in(&browser, &world.at("/"), "user").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.shows("user Sign out");
    page.hides("BOOK");
    for path in ["/applications", "/history", "/instance?app=BOOK&id=book:1", "/encryption"] {
        let page = browser.get(&world.at(path)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        page.hides("BOOK");
    }
    let refused = browser.get(&world.at("/api/eureka/applications")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    world.stop().await;
}
