//! `Idempotency-Key`: who does not know whether a request came through can send it again.

use axum::http::Method;
use serde_json::{Value, json};

use crate::shop::{Answer, JSON, Shop, send};

const BODY: &str = r#"{"title":"Moby","count":1}"#;

async fn order(shop: &Shop, key: &str, body: &str) -> Answer {
    shop.send(Method::POST, "/api/orders", &[JSON, ("idempotency-key", key)], body).await
}

async fn count(shop: &Shop) -> usize {
    shop.get("/api/orders").await.expect(200).json().as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_request_again_is_answered_again_and_changes_nothing() {
    let shop = Shop::open().await;
    let first = order(&shop, "a", BODY).await.expect(201);
    // The same words in another order, and the key in the quotes that the draft wants.
    let again = order(&shop, "\"a\"", r#"{ "count": 1, "title": "Moby" }"#).await.expect(201);
    assert_eq!(again.body, first.body);
    for name in ["location", "x-shopapp-alert", "x-shopapp-params", "content-type"] {
        assert!(!first.header(name).is_empty(), "{name}");
        assert_eq!(again.header(name), first.header(name));
    }
    assert_eq!((count(&shop).await, shop.news()), (1, vec!["created"]));
    order(&shop, "b", BODY).await.expect(201);
    assert_eq!(count(&shop).await, 2);
}

#[tokio::test]
async fn without_a_key_every_request_counts() {
    let shop = Shop::open().await;
    for _ in 0..2 {
        shop.send(Method::POST, "/api/orders", &[JSON], BODY).await.expect(201);
    }
    assert_eq!(count(&shop).await, 2);
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let shop = Shop::open().await;
    order(&shop, "a", BODY).await.expect(201);
    let other = order(&shop, "a", r#"{"title":"Dick"}"#).await;
    other.refused(422, "This Idempotency-Key was used before for another body");
    assert_eq!(count(&shop).await, 1);
    order(&shop, "", BODY).await.refused(400, "Idempotency-Key must be one text");
}

#[tokio::test]
async fn a_refusal_does_not_use_up_the_key() {
    let shop = Shop::open().await;
    order(&shop, "a", "{}").await.expect(400);
    order(&shop, "a", r#"{"title":"12345678901"}"#).await.expect(400);
    order(&shop, "a", BODY).await.expect(201);
}

#[tokio::test]
async fn keys_of_different_callers_are_different() {
    let shop = Shop::open().await;
    let router = shop.another();
    let mut ids: Vec<Value> = Vec::new();
    for caller in [None, Some("ann"), Some("bob"), Some("ann")] {
        let headers = [JSON, ("idempotency-key", "a")];
        let answer = send(&router, caller, Method::POST, "/api/orders", &headers, BODY).await;
        ids.push(answer.expect(201).json()["id"].clone());
    }
    assert_eq!(ids[1], ids[3]);
    assert_eq!(count(&shop).await, 3);
}

#[tokio::test]
async fn however_many_send_it_at_once_there_is_one() {
    let shop = Shop::open().await;
    let instances = [shop.another(), shop.another(), shop.another()];
    let requests = (0..24).map(|number| {
        let instance = &instances[number % instances.len()];
        let headers = [JSON, ("idempotency-key", "a")];
        async move { send(instance, Some("ann"), Method::POST, "/api/orders", &headers, BODY).await }
    });
    let answers = futures_util::future::join_all(requests).await;
    let first = answers.iter().find(|answer| answer.status == 201).expect("one has come through");
    for answer in &answers {
        match answer.status.as_u16() {
            201 => assert_eq!(answer.json(), first.json()),
            409 => assert!(answer.body.contains("still being handled"), "{answer:?}"),
            _ => panic!("{answer:?}"),
        }
    }
    assert_eq!(shop.get("/api/orders").await.json(), json!([first.json()]));
}
