//! How sessions begin, last and end.

use chassis::Stop;
use database::{Id, Page};

use super::*;

#[tokio::test]
async fn a_session_gets_a_new_id_with_every_sign_in() {
    let house = House::new().await;
    let mut browser = house.browser();
    let planted = "planted-by-somebody-else-before-the-sign-in";
    browser.cookies.insert("SESSION".into(), planted.into());
    house.sign_in(&mut browser, "").await;
    let first = browser.cookies["SESSION"].clone();
    assert_ne!(first, planted);
    house.sign_in(&mut browser, "").await;
    assert_ne!(browser.cookies["SESSION"], first);
    assert_eq!(kind(&mut browser).await, "session");
    browser.cookies.insert("SESSION".into(), first);
    assert_eq!(kind(&mut browser).await, "anonymous", "the former session ended");
    browser.cookies.insert("SESSION".into(), planted.into());
    assert_eq!(kind(&mut browser).await, "anonymous");
}

#[tokio::test]
async fn reading_the_database_opens_no_session() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let table = &identity::session::tables()[0];
    let row = house.database.list(table, &Page::first(9)).await.unwrap().rows.remove(0);
    let Id::Text(id) = row.id else { panic!("{:?}", row.id) };
    assert!(!format!("{:?}", row.values).contains(&browser.cookies["SESSION"]));
    browser.cookies.insert("SESSION".into(), id);
    assert_eq!(kind(&mut browser).await, "anonymous");
}

/// Uses a session at these minutes and tells at the last whether it still lasts.
async fn check(uses: &[i64], expected: &str) {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let cookies = browser.cookies.clone();
    let mut last = String::new();
    for minutes in uses {
        browser = Browser { cookies: cookies.clone(), ..Browser::new(&house.gateway_at(*minutes)) };
        last = kind(&mut browser).await;
    }
    assert_eq!(last, expected, "{uses:?}");
}

#[tokio::test]
async fn a_session_ends_half_an_hour_after_its_last_use() {
    check(&[29], "session").await;
    check(&[30], "anonymous").await;
    check(&[29, 58], "session").await;
    check(&[29, 59], "anonymous").await;
    check(&[30, 31], "anonymous").await;
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_whatever_happens() {
    let used: Vec<i64> = (1..=47).map(|quarter| quarter * 15).collect();
    check(&used, "session").await;
    check(&[&used[..], &[719]].concat(), "session").await;
    check(&[&used[..], &[720]].concat(), "anonymous").await;
}

#[tokio::test]
async fn use_is_recorded_once_a_minute() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let table = &identity::session::tables()[0];
    let version =
        async || house.database.list(table, &Page::first(9)).await.unwrap().rows[0].version;
    let begun = version().await;
    kind(&mut browser).await;
    assert_eq!(version().await, begun);
    browser.router = house.gateway_at(1);
    kind(&mut browser).await;
    kind(&mut browser).await;
    assert_eq!(version().await, begun + 1);
}

#[tokio::test]
async fn expired_sessions_are_removed_and_others_stay() {
    let house = House::new().await;
    for _ in 0..3 {
        house.signed_in().await;
    }
    let mut busy = house.signed_in().await;
    busy.router = house.gateway_at(29);
    kind(&mut busy).await;
    let table = &identity::session::tables()[0];
    let count = async || house.database.list(table, &Page::first(9)).await.unwrap().total;
    assert_eq!(count().await, 4);
    let (stop, sessions) =
        (Stop::new(), Sessions::new(house.database.clone(), house.outside_at(30)));
    let watch = async {
        while count().await > 1 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(sessions.clean(stop.clone()), watch) };
    tokio::time::timeout(std::time::Duration::from_secs(10), both).await.unwrap().0.unwrap();
    busy.router = house.gateway_at(30);
    assert_eq!(kind(&mut busy).await, "session");
}
