//! Input at the edges of what JSON, HTTP and the databases can hold: taken whole or refused, never a 5xx, never half.

use reqwest::Method;
use serde_json::{Value, json};

use super::send;
use crate::support::{
    Running, store,
    tokens::signed_again,
    wire::{self, Wire},
};

/// A new store with one member replaced by this text of JSON.
fn with(member: &str, text: &str) -> String {
    let mut members = store("Candle Shop", "OPEN");
    members[member] = json!("\u{1}");
    members.to_string().replace("\"\\u0001\"", text)
}

#[tokio::test]
async fn values_at_the_edge_are_taken_whole_or_refused() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let (stores, alerts) = (admin.stores(), admin.store_alerts());
    let alert = |name: &str| {
        json!({ "storeName": name, "storeStatus": "OPEN", "timestamp": "2022-09-05T18:08:31Z" })
            .to_string()
    };
    let long = "n".repeat(300);
    let deep = format!("{{\"name\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for (case, url, body, expected) in [
        ("10,000 levels", &stores, deep, 400),
        ("duplicate members", &stores, with("name", r#""first","name":"last""#), 201),
        ("year 999999", &stores, with("createTimestamp", r#""+999999-01-01T00:00:00Z""#), 400),
        ("year -999999", &stores, with("createTimestamp", r#""-999999-01-01T00:00:00Z""#), 400),
        ("a number beyond 2^63", &stores, with("createTimestamp", "9223372036854775808"), 400),
        ("1e400", &stores, with("createTimestamp", "1e400"), 400),
        ("a lone surrogate", &stores, with("name", r#""\ud83d""#), 400),
        ("300 letters in a document", &stores, with("name", &format!("\"{long}\"")), 201),
        ("300 letters in a row", &alerts, alert(&long), 400),
        ("255 letters in a row", &alerts, alert(&long[..255]), 201),
        ("an id beyond 2^63", &alerts, r#"{"id":9223372036854775808}"#.to_owned(), 400),
    ] {
        let answer = send(&admin, &Method::POST, url, &body).await;
        assert_eq!(answer.status.as_u16(), expected, "{case}: {answer:?}");
        if expected == 201 {
            let location = answer.header("location");
            let base = url.split("/api/").next().unwrap();
            let kept = admin.get(&format!("{base}{location}")).await.expect(200).json();
            assert_eq!(kept, answer.json(), "{case}");
        }
    }
    let all: Vec<Value> = serde_json::from_str(&admin.get(&stores).await.expect(200).body).unwrap();
    assert_eq!(all.len(), 2, "what was refused left nothing behind");
    assert_eq!(all[0]["name"], "last", "the last of two members of one name counts");
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let at = &system.at.store;
    let head = wire::post(at, "/api/stores", admin.token());
    for (case, body) in [
        ("invalid UTF-8", &b"{\"name\":\"\xff\xfe\"}"[..]),
        ("an overlong form", b"{\"name\":\"\xc0\x80\"}"),
        ("a raw NUL", b"{\"name\":\"\0\"}"),
    ] {
        let mut wire = Wire::to(at).await;
        wire.send(format!("{head}Content-Length: {}\r\n\r\n", body.len())).await;
        wire.send(body).await;
        let answer = wire.answer().await;
        assert_eq!(answer.status.as_u16(), 400, "{case}: {answer:?}");
    }
    for id in ["..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "%F0%9F%95%AF", "a%2Fb", "a;b=c"] {
        let answer = wire::get(at, &format!("/api/stores/{id}"), admin.token()).await;
        assert!(matches!(answer.status.as_u16(), 400 | 404), "{id}: {answer:?}");
    }
    // A header of a megabyte is not read to its end.
    let mut wire = Wire::to(at).await;
    wire.send(format!(
        "GET /api/stores HTTP/1.1\r\nHost: x\r\nX-Long: {}",
        "x".repeat(1024 * 1024)
    ))
    .await;
    assert_eq!(wire.answer().await.status.as_u16(), 431);
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn a_token_is_judged_by_what_counts() {
    let system = Running::start().await;
    let (home, admin) = (system.home().clone(), system.admin().await);
    let good = admin.token();
    let with =
        |value: Value| signed_again(&home, good, |all| drop(all.insert("aud".to_owned(), value)));
    let many = |last: &str| {
        let others = (0..199).map(|number| json!(format!("somebody-{number}")));
        Value::Array(others.chain([json!(last)]).collect())
    };
    for (token, expected) in [(with(many("account")), 200), (with(many("nobody")), 401)] {
        let answer = admin.with_token(&token).get(&admin.stores()).await;
        assert_eq!(answer.status.as_u16(), expected, "{answer:?}");
    }
    system.still_works().await;
    system.stop().await;
}
