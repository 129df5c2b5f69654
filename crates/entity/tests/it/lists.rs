//! Lists: whole ones, pages, orders, filters, and what happens to those that are long.

use std::sync::Mutex;

use axum::http::Method;
use database::{Changes, Id, Value, Write};
use entity::ResourceOptions;
use serde_json::{Value as Json, json};

use crate::shop::{ORDER, Shop, Troubled, send};

/// Puts so many orders into the database.
async fn fill(shop: &Shop, count: i64) {
    let order = |number: i64| {
        let values = vec![
            Value::Text(format!("order {number}")),
            if number % 2 == 0 { Value::Text("PAID".into()) } else { Value::Null },
            Value::Integer(number % 10),
            Value::Null,
        ];
        Write::Insert { table: ORDER.table(), id: Id::Integer(number), values }
    };
    let changes = (1..=count).fold(Changes::new(), |changes, number| changes.write(order(number)));
    shop.database.commit(changes).await.unwrap();
}

fn ids(list: &Json) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|order| order["id"].as_i64().unwrap()).collect()
}

/// Lists with a query; answers the ids, the total, and the relations that there are links for.
async fn listed(shop: &Shop, query: &str) -> (Vec<i64>, String, Vec<String>) {
    let answer = shop.get(&format!("/api/orders{query}")).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    let relations = answer.header("link").split("rel=\"").skip(1);
    let relations = relations.filter_map(|text| Some(text.split_once('"')?.0.to_owned())).collect();
    (ids(&answer.json()), answer.header("x-total-count").to_owned(), relations)
}

#[tokio::test]
async fn a_list_is_whole_unless_pages_are_asked_for() {
    let shop = Shop::open().await;
    assert_eq!(shop.get("/api/orders").await.expect(200).body, "[]");
    fill(&shop, 5).await;
    for (query, expected, total, relations) in [
        ("", &[1, 2, 3, 4, 5][..], "", &[][..]),
        ("?page=0&size=2", &[1, 2], "5", &["next", "last", "first"]),
        ("?page=1&size=2", &[3, 4], "5", &["next", "prev", "last", "first"]),
        ("?page=9&size=2", &[], "5", &["prev", "last", "first"]),
        ("?sort=id,desc", &[5, 4, 3, 2, 1], "", &[]),
        ("?sort=state,desc&sort=id,desc", &[4, 2, 5, 3, 1], "", &[]),
        ("?nosuch.equals=1&sort=nosuch", &[1, 2, 3, 4, 5], "", &[]),
    ] {
        let relations: Vec<_> = relations.iter().map(|name| (*name).to_owned()).collect();
        let expected = (expected.to_vec(), total.to_owned(), relations);
        assert_eq!(listed(&shop, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_list_can_be_filtered() {
    let shop = Shop::open().await;
    fill(&shop, 12).await;
    for (query, expected) in [
        ("?count.equals=1", &[1, 11][..]),
        ("?count.in=1,2&id.greaterThan=2", &[11, 12]),
        ("?title.contains=ORDER%201&id.notEquals=1", &[10, 11, 12]),
        ("?title.doesNotContain=1&count.lessThanOrEqual=3", &[2, 3]),
        ("?state.specified=false&count.greaterThanOrEqual=9", &[9]),
        ("?state.equals=PAID&sort=id,desc&page=0&size=2", &[12, 10]),
        ("?placed.specified=true", &[]),
    ] {
        let (found, total, relations) = listed(&shop, query).await;
        assert_eq!(found, expected, "{query}");
        let total: usize = total.parse().unwrap();
        assert!(total >= found.len() && relations.contains(&"first".to_owned()), "{query}");
    }
    let wrong = shop.get("/api/orders?count.equals=many").await;
    wrong.refused(400, "Parameter 'count.equals' cannot be used: 'many' is not a whole number");
}

#[tokio::test]
async fn links_lead_where_the_caller_came_from() {
    let shop = Shop::open().await;
    fill(&shop, 1).await;
    let headers = [
        ("host", "10.0.0.7:8082"),
        ("x-forwarded-host", "gate"),
        ("x-forwarded-prefix", "/s/shop"),
    ];
    let path = "/api/orders?size=1&sort=title,desc&count.in=1%2C2";
    let answer = shop.send(Method::GET, path, &headers, "").await.expect(200);
    let target = "http://gate/s/shop/api/orders?sort=title%2Cdesc&count.in=1%2C2&page=0&size=1";
    let expected = format!("<{target}>; rel=\"last\",<{target}>; rel=\"first\"");
    assert_eq!(answer.header("link"), expected);
}

#[tokio::test]
async fn a_long_list_comes_in_portions_and_is_whole() {
    let shop = Shop::open().await;
    fill(&shop, 2500).await;
    let expected: Vec<i64> = (1..=2500).collect();
    assert_eq!(listed(&shop, "").await, (expected, String::new(), Vec::new()));
    let (page, total, _) = listed(&shop, "?size=1500&page=1").await;
    assert_eq!((page, total.as_str()), ((1501..=2500).collect(), "2500"));
    let odd = listed(&shop, "?count.in=1,3,5,7,9&sort=id,desc").await.0;
    assert_eq!(odd, (1..=2500).rev().filter(|id| id % 2 == 1).collect::<Vec<_>>());
    let head = shop.send(Method::HEAD, "/api/orders", &[], "").await.expect(200);
    assert_eq!(head.body, "");
}

#[tokio::test]
async fn a_list_without_end_has_one() {
    let shop = Shop::with(ResourceOptions { bare_list: 3 }).await;
    fill(&shop, 7).await;
    let answer = shop.get("/api/orders").await.expect(200);
    assert_eq!(ids(&answer.json()), [1, 2, 3]);
    assert_eq!(answer.header("x-total-count"), "7");
    let next = "</api/orders?page=1&size=3>; rel=\"next\"";
    assert!(answer.header("link").starts_with(next), "{answer:?}");
    assert_eq!(listed(&shop, "?page=1&size=3").await.0, [4, 5, 6]);
}

#[tokio::test]
async fn a_list_whose_database_goes_away_breaks_off() {
    let shop = Shop::open().await;
    fill(&shop, 2500).await;
    for (lists, status, complete) in [(0, 503, true), (2, 200, false), (3, 200, true)] {
        let inner = shop.database.clone();
        let router = Troubled { inner, lists: Mutex::new(lists), conflicts: false }.router();
        let answer = send(&router, None, Method::GET, "/api/orders", &[], "").await;
        let actual = (answer.status.as_u16(), answer.complete);
        assert_eq!(actual, (status, complete), "{lists} portions can be read");
        if status == 503 {
            assert_eq!(answer.json()["detail"], json!("The database does not answer"));
        }
    }
}
