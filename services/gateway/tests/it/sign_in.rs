//! Signing in and out with a browser, and what protects its forms.

use reqwest::{StatusCode, Url};

use crate::{
    browser::{Answer, Browser},
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

async fn visit(browser: &Browser, url: &str) -> (Url, Answer) {
    follow(browser, Url::parse(url).unwrap(), browser.get(url).await).await
}

/// Fills in the identity provider's form.
async fn sign_in(browser: &Browser, url: &Url, page: &Answer, user: &str) -> (Url, Answer) {
    let mut fields =
        vec![("username".to_owned(), user.to_owned()), ("password".to_owned(), user.to_owned())];
    for hidden in page.body.split("<input").filter(|input| input.contains("type=\"hidden\"")) {
        let hidden = Answer {
            body: format!("<input{hidden}"),
            status: page.status,
            headers: Default::default(),
        };
        fields.push((hidden.attribute("<input", "name"), hidden.attribute("<input", "value")));
    }
    let has_action = page.body.contains("action=\"");
    let action = if has_action { page.attribute("<form", "action") } else { String::new() };
    let target = url.join(&action).unwrap();
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = browser.post(target.as_str(), &fields).await;
    follow(browser, target, answer).await
}

/// A browser that somebody has signed in with.
pub(crate) async fn signed_in(world: &World, user: &str) -> Browser {
    let browser = Browser::fresh();
    let (url, form) = visit(&browser, &world.at("/oauth2/authorization/oidc")).await;
    let (_, page) = sign_in(&browser, &url, &form, user).await;
    page.shows(&format!("{user} Sign out"));
    browser
}

#[tokio::test]
async fn a_visitor_signs_in_comes_back_and_signs_out() {
    let world = World::start().await;
    let browser = Browser::fresh();
    let wanted = "/entities/library/books/new";
    let asked = browser.get(&world.at(wanted)).await;
    assert_eq!(
        asked.location(),
        "/oauth2/authorization/oidc?return=%2Fentities%2Flibrary%2Fbooks%2Fnew"
    );

    let (url, form) = visit(&browser, &world.at(wanted)).await;
    assert!(url.as_str().starts_with(&world.issuer), "{url}");
    let (url, page) = sign_in(&browser, &url, &form, "user").await;
    assert_eq!(
        (url.as_str(), page.status),
        (world.at(wanted).as_str(), StatusCode::OK),
        "{page:?}"
    );
    page.shows("user Sign out");

    let csrf = page.attribute("name=\"_csrf\"", "value");
    let form = [("title", "Emma"), ("orderedAt", "2026-01-02T03:04:05"), ("_csrf", csrf.as_str())];
    let saved = browser.post(&world.at(wanted), &form).await;
    assert_eq!(saved.location(), "/entities/library/books?done=created");

    let signed_out = browser.post(&world.at("/logout"), &[("_csrf", csrf.as_str())]).await;
    assert!(signed_out.location().starts_with(&world.issuer), "{signed_out:?}");
    let issuer = Url::parse(&world.issuer).unwrap().origin().ascii_serialization();
    let policy = signed_out.header("content-security-policy");
    assert!(policy.contains(&format!("form-action 'self' {issuer};")), "{policy}");
    let anonymous = browser.get(&world.at("/")).await;
    anonymous.shows("You are not signed in.");
    world.stop().await;
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let world = World::start().await;
    let browser = Browser::fresh();
    let (url, form) = visit(&browser, &world.at("/entities/library/books")).await;
    sign_in(&browser, &url, &form, "user").await;
    for csrf in [None, Some("wrong")] {
        let mut form = vec![("title", "Emma"), ("orderedAt", "2026-01-02T03:04:05")];
        form.extend(csrf.map(|csrf| ("_csrf", csrf)));
        let refused = browser.post(&world.at("/entities/library/books/new"), &form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        refused.shows("The form is out of date. Go back, reload the page and try again.");
        let refused = browser.post(&world.at("/services/library/api/books"), &form).await;
        assert_eq!(
            (refused.status, refused.body.as_str()),
            (StatusCode::FORBIDDEN, "Invalid CSRF Token")
        );
    }
    browser.get(&world.at("/entities/library/books")).await.shows("No books yet");
    world.stop().await;
}
