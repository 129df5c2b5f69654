//! Secrets stay out of the log. Every test looks for its own at its end; here is what no other test shows.

use reqwest::{Method, Url};

use crate::support::{Home, Running, logs, tokens};

#[test]
#[should_panic(expected = "the log has the secret from-a-careless-hand")]
fn a_secret_in_the_log_is_found() {
    let home = Home::new();
    home.secrets.add("from-a-careless-hand");
    tracing::trace!(password = "from-a-careless-hand", "a careless line");
    home.secrets.check_log();
}

#[tokio::test]
async fn the_log_tells_what_happened_and_no_secret() {
    let system = Running::start().await;
    let (home, browser) = (system.home().clone(), system.browser());
    let stores = format!("{}/entities/store/stores", system.at.gateway);

    // What a person types into the wrong field or mistypes is often a password that opens something else.
    let wrong = "correct-horse-battery";
    home.secrets.add(wrong);
    let form = browser.open(&stores).await.form("Sign in");
    let again =
        browser.submit(form.with("username", "admin").with("password", wrong)).await.expect(401);
    again.shows("Wrong name or password.");
    tokens::ask(&system.at.issuer, "admin", wrong).await.expect(400);
    let list = browser
        .submit(again.form("Sign in").with("username", "admin").with("password", "admin"))
        .await;
    list.shows("No stores yet");

    for credentials in [
        "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl",
        "Basic YWRtaW46Y29ycmVjdC1ob3JzZQ==",
        "Bearer not-even-a-token",
    ] {
        home.secrets.add(credentials.split_once(' ').unwrap().1);
        for address in [&system.at.store, &system.at.gateway, &system.at.alert] {
            let url = Url::parse(&format!("{address}/api/account")).unwrap();
            browser.send_as(Method::GET, &url, None, &[("authorization", credentials)]).await;
        }
        let url = Url::parse(&format!("{}/eureka/apps", system.at.registry)).unwrap();
        browser
            .send_as(Method::GET, &url, None, &[("authorization", credentials)])
            .await
            .expect(401);
    }
    let url = Url::parse(&format!(
        "{}/login/oauth2/code/oidc?code=stolen-code-4711&state=invented-state-4711",
        system.at.gateway
    ))
    .unwrap();
    ["stolen-code-4711", "invented-state-4711"].iter().for_each(|secret| home.secrets.add(secret));
    browser.send(Method::GET, &url, None).await.expect(400);

    let admin = system.admin().await;
    let id = admin.create("Quiet Shop").await;
    admin.update(&id, "Quiet Shop", "CLOSED").await;
    home.mails_when(1).await;
    system.stop().await;
    // The check that every stop makes would be worth nothing if lines were not kept.
    for told in [
        "admin signed in",
        "Got message from kafka stream: Quiet Shop CLOSED",
        "[Consumer groupId=store-alerts]",
    ] {
        assert!(logs::has(told), "{told:?} is not in the log");
    }
}
