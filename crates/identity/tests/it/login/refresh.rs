//! How a session gets its next access token.

use std::time::Duration;

use chassis::Stop;
use database::{Page, Value as Column};
use futures_util::future::join_all;

use super::*;

/// What the visitor sees of a session that is so many minutes old.
async fn seen(house: &House, browser: &mut Browser, minutes: i64) -> Value {
    browser.router = house.gateway_at(minutes);
    let visitor = browser.get("/visitor").await.json();
    json!([visitor["kind"], visitor["token"]])
}

#[tokio::test]
async fn an_access_token_is_replaced_when_it_expires() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    assert_eq!(seen(&house, &mut browser, 4).await, json!(["session", "access-1"]));
    assert_eq!(seen(&house, &mut browser, 5).await, json!(["session", "access-2"]));
    assert_eq!(seen(&house, &mut browser, 9).await, json!(["session", "access-2"]));
    assert_eq!(seen(&house, &mut browser, 11).await, json!(["session", "access-3"]));
}

#[tokio::test]
async fn requests_at_the_same_moment_share_one_refresh() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    browser.router = house.gateway_at(6);
    let requests = (0..12).map(|_| {
        let mut browser = browser.clone();
        async move { browser.get("/visitor").await.json()["token"].clone() }
    });
    let tokens = join_all(requests).await;
    assert_eq!(tokens, vec![json!("access-2"); 12]);
    assert_eq!(house.issuer.asked(), 2, "one for the code, one for the refresh");
}

#[tokio::test]
async fn a_refused_refresh_signs_out() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    house.issuer.play(Script { refuses_refresh: true, ..Script::default() });
    assert_eq!(seen(&house, &mut browser, 6).await, json!(["anonymous", null]));
    assert!(!browser.cookies.contains_key("SESSION"));
    let table = &identity::session::tables()[0];
    assert_eq!(house.database.list(table, &Page::first(1)).await.unwrap().total, 0);
}

#[tokio::test]
async fn an_issuer_that_is_away_ends_no_session() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    house.issuer.play(Script { is_down: true, ..Script::default() });
    assert_eq!(seen(&house, &mut browser, 6).await, json!(["session", 503]));
    assert_eq!(browser.get("/api/account").await.json()["login"], "ann");
    house.issuer.play(Script::default());
    assert_eq!(seen(&house, &mut browser, 6).await[0], "session");
    let token = seen(&house, &mut browser, 6).await[1].clone();
    assert!(token.as_str().unwrap().starts_with("access-"), "{token}");
}

#[tokio::test]
async fn a_token_is_replaced_some_seconds_early_and_used_to_its_end() {
    let house = House::new().await;
    let lasts = |seconds| Script { expires_in: Some(seconds), ..Script::default() };
    house.issuer.play(lasts(70));
    let mut browser = house.signed_in().await;
    assert_eq!(seen(&house, &mut browser, 1).await, json!(["session", "access-2"]));
    house.issuer.play(lasts(71));
    let mut browser = house.signed_in().await;
    assert_eq!(seen(&house, &mut browser, 1).await, json!(["session", "access-3"]));
    house.issuer.play(lasts(61));
    let mut browser = house.signed_in().await;
    house.issuer.play(Script { is_down: true, ..Script::default() });
    assert_eq!(seen(&house, &mut browser, 1).await, json!(["session", "access-4"]));
}

#[tokio::test]
async fn without_a_refresh_token_a_session_lasts_as_long_as_its_token() {
    let house = House::new().await;
    house.issuer.play(Script { gives_no_refresh_token: true, ..Script::default() });
    let mut browser = house.signed_in().await;
    assert_eq!(seen(&house, &mut browser, 4).await, json!(["session", "access-1"]));
    assert_eq!(seen(&house, &mut browser, 5).await, json!(["anonymous", null]));
}

#[tokio::test]
async fn a_refresh_ends_although_its_browser_went_away() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let login = house.login_at(6);
    browser.router = gateway(login.clone(), house.outside_at(6));
    let closed = house.issuer.gate.write().await;
    let asked = async {
        while house.issuer.asked() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        answer = browser.get("/visitor") => panic!("answered behind a closed gate: {answer:?}"),
        () = asked => {}
    }
    let stop = Stop::new();
    let watch = async {
        drop(closed);
        while !kept_data(&house).await.contains("access-2") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(login.tend(stop.clone()), watch) };
    tokio::time::timeout(Duration::from_secs(10), both).await.unwrap().0.unwrap();
    assert_eq!(browser.get("/visitor").await.json()["token"], "access-2");
    assert_eq!(house.issuer.asked(), 2);
}

async fn kept_data(house: &House) -> String {
    let table = &identity::session::tables()[0];
    let row = house.database.list(table, &Page::first(1)).await.unwrap().rows.remove(0);
    let Column::Text(data) = row.values.into_iter().next().unwrap() else { panic!("data is text") };
    data
}
