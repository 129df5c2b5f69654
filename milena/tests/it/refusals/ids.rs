//! Ids that do not fit: to the path, to the body, to anything that is there.

use reqwest::Method;
use serde_json::{Value, json};

use super::{check, send};
use crate::support::{Running, store};

/// Nobody has this id.
const UNKNOWN: &str = "0123456789abcdef01234567";

/// What a problem of the business says.
fn business(key: &str, title: &str) -> Value {
    json!({
        "entityName": "storeStore", "errorKey": key, "title": title,
        "message": format!("error.{key}"), "params": "storeStore",
    })
}

#[tokio::test]
async fn a_change_whose_ids_do_not_fit_is_refused() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let id = admin.create("Candle Shop").await;
    let whole = |id: Value| {
        let mut body = store("Candle Shop", "CLOSED");
        body["id"] = id;
        body
    };
    let (post, put, patch) = (Method::POST, Method::PUT, Method::PATCH);
    let exists = ("idexists", "A new store cannot already have an ID");
    let null = ("idnull", "Invalid id");
    let (invalid, not_found) = (("idinvalid", "Invalid ID"), ("idnotfound", "Entity not found"));
    for (method, at, body, (key, title)) in [
        (&post, "", whole(json!(id)), exists),
        (&put, &*id, whole(Value::Null), null),
        (&put, &*id, whole(json!(UNKNOWN)), invalid),
        (&put, UNKNOWN, whole(json!(id)), invalid),
        (&put, UNKNOWN, whole(json!(UNKNOWN)), not_found),
        (&put, "not-an-id", whole(json!("not-an-id")), not_found),
        (&patch, &*id, json!({ "name": "x" }), null),
        (&patch, &*id, json!({ "id": UNKNOWN }), invalid),
        (&patch, UNKNOWN, json!({ "id": UNKNOWN }), not_found),
    ] {
        let url = format!("{}/{at}", admin.stores());
        let answer = send(&admin, method, url.trim_end_matches('/'), &body.to_string()).await;
        check(&format!("{method} {at} {body}"), &answer, 400, &business(key, title));
        assert_eq!(answer.header("x-storeapp-error"), format!("error.{key}"));
        assert_eq!(answer.header("x-storeapp-params"), "storeStore");
    }
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let long = "x".repeat(5000);
    let (stores, alerts) = (admin.stores(), admin.store_alerts());
    for (collection, id, status) in [
        (&stores, UNKNOWN, 404),
        (&stores, "%00", 400),
        (&stores, "%ff", 400),
        (&stores, &long, 404),
        (&alerts, "7", 404),
        (&alerts, "-7", 404),
        (&alerts, "seven", 400),
        (&alerts, "99999999999999999999", 400),
    ] {
        let answer = admin.get(&format!("{collection}/{id}")).await;
        check(id, &answer, status, &json!({ "message": format!("error.http.{status}") }));
    }
    // Contract §2.2: removing what is not there is no mistake.
    admin.delete(&format!("{stores}/{UNKNOWN}")).await.expect(204);
    system.still_works().await;
    system.stop().await;
}
