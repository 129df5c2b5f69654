//! Making, replacing, patching and removing: what is done, what is refused, and that a refusal changes nothing.

use axum::http::Method;
use serde_json::{Value, json};

use crate::shop::{JSON, MERGE, Shop, Troubled, send};

/// Fails unless a patch of an order with everything is answered so.
async fn check_patch(kind: (&str, &str), patch: Value, expected: Result<Value, (u16, &str)>) {
    let shop = Shop::open().await;
    let whole = json!({ "title": "Moby", "state": "PAID", "count": 3, "placed": 0 });
    let created = shop.json(Method::POST, "/api/orders", &whole).await.expect(201).json();
    let mut body = patch.clone();
    body["id"] = created["id"].clone();
    let path = format!("/api/orders/{}", created["id"]);
    let answer = shop.send(Method::PATCH, &path, &[kind], &body.to_string()).await;
    let mut kept = created;
    match expected {
        Ok(members) => {
            for (name, value) in members.as_object().unwrap() {
                kept[name] = value.clone();
            }
            assert_eq!(answer.expect(200).json(), kept, "{kind:?} {patch}");
        }
        Err((status, words)) => answer.refused(status, words),
    }
    assert_eq!(shop.get(&path).await.json(), kept, "{kind:?} {patch}");
}

#[tokio::test]
async fn a_merge_patch_can_clear_what_is_not_required() {
    check_patch(MERGE, json!({ "state": null }), Ok(json!({ "state": null }))).await;
    let both = json!({ "count": null, "title": "Dick", "placed": null });
    check_patch(MERGE, both.clone(), Ok(both)).await;
    check_patch(MERGE, json!({}), Ok(json!({}))).await;
    let violation = r#""violations":[{"field":"title","message":"must not be null"}]"#;
    check_patch(MERGE, json!({ "title": null, "count": 4 }), Err((400, violation))).await;
}

#[tokio::test]
async fn null_in_a_plain_patch_means_nothing() {
    let patch = json!({ "title": null, "state": null, "count": 4 });
    check_patch(JSON, patch, Ok(json!({ "count": 4 }))).await;
}

#[tokio::test]
async fn a_patch_keeps_to_the_rules() {
    let violation =
        r#""violations":[{"field":"count","message":"must be less than or equal to 9"}]"#;
    check_patch(JSON, json!({ "count": 10 }), Err((400, violation))).await;
    let width = "title must have at most 10 characters";
    check_patch(JSON, json!({ "title": "12345678901" }), Err((400, width))).await;
    check_patch(JSON, json!({ "state": "LOST" }), Err((400, "Unable to convert"))).await;
}

#[tokio::test]
async fn what_the_database_cannot_take_is_refused_before() {
    let shop = Shop::open().await;
    let path = shop.order("1234567890").await;
    let id: Value = path.rsplit('/').next().unwrap().parse().unwrap();
    let detail = r#""detail":"title must have at most 10 characters""#;
    let long = json!({ "title": "12345678901" });
    shop.json(Method::POST, "/api/orders", &long).await.refused(400, detail);
    let long = json!({ "title": "12345678901", "id": id });
    shop.json(Method::PUT, &path, &long).await.refused(400, detail);
    // A rule that is broken is named instead.
    let both = json!({ "title": "12345678901", "count": 10 });
    shop.json(Method::POST, "/api/orders", &both).await.refused(400, "fieldErrors");
}

#[tokio::test]
async fn nothing_is_written_for_a_caller_who_cannot_read_the_answer() {
    let shop = Shop::open().await;
    let path = shop.order("Moby").await;
    let before = shop.get("/api/orders").await.json();
    shop.news();
    let id = &before[0]["id"];
    let whole = json!({ "title": "Dick", "id": id }).to_string();
    let html = ("accept", "text/html");
    let new = json!({ "title": "Dick" }).to_string();
    for (method, path, body) in [
        (Method::POST, "/api/orders", &new),
        (Method::PUT, &path, &whole),
        (Method::PATCH, &path, &whole),
    ] {
        let answer = shop.send(method, path, &[JSON, html], body).await;
        answer.refused(406, "Could not find acceptable representation");
    }
    assert_eq!(shop.get("/api/orders").await.json(), before);
    assert_eq!(shop.news(), [""; 0]);
    // Where there is no answer to read, there is nothing to refuse.
    shop.send(Method::DELETE, &path, &[html], "").await.expect(204);
}

#[tokio::test]
async fn the_first_thing_that_is_wrong_is_told() {
    let shop = Shop::open().await;
    let (html, text) = (("accept", "text/html"), ("content-type", "text/plain"));
    let get = async |path, headers: &[_]| shop.send(Method::GET, path, headers, "").await;
    get("/api/orders/7", &[html]).await.refused(404, "404 NOT_FOUND");
    get("/api/orders/x", &[html]).await.refused(400, "Unexpected runtime exception");
    let (put, patch) = (Method::PUT, Method::PATCH);
    for (method, path, headers, body, status, words) in [
        (&put, "/api/orders/x", &[text][..], "", 400, "Unexpected runtime exception"),
        (&put, "/api/orders/7", &[text, html], "", 415, "'text/plain;charset=UTF-8'"),
        (&put, "/api/orders/7", &[JSON, html], "{}", 400, "fieldErrors"),
        (&put, "/api/orders/7", &[JSON, html], r#"{"title":"x"}"#, 400, "idnull"),
        (&put, "/api/orders/7", &[JSON], r#"{"title":"x","id":8}"#, 400, "idinvalid"),
        (&put, "/api/orders/7", &[JSON], r#"{"title":"x","id":7}"#, 400, "idnotfound"),
        (&patch, "/api/orders/x", &[text], "", 415, "'text/plain' not supported"),
        (&patch, "/api/orders/x", &[JSON], "", 400, "Unexpected runtime exception"),
        (&patch, "/api/orders/7", &[MERGE], "[]", 400, "Unable to convert http message"),
        (&patch, "/api/orders/7", &[MERGE, html], r#"{"id":7}"#, 400, "idnotfound"),
    ] {
        shop.send(method.clone(), path, headers, body).await.refused(status, words);
    }
}

#[tokio::test]
async fn each_change_is_announced_once_and_a_refusal_never() {
    let shop = Shop::open().await;
    let path = shop.order("Moby").await;
    let id: Value = path.rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(shop.news(), ["created"]);
    shop.json(Method::PUT, &path, &json!({ "title": "Dick", "id": id })).await.expect(200);
    assert_eq!(shop.news(), ["updated"]);
    shop.json(Method::PATCH, &path, &json!({ "count": 2, "id": id })).await.expect(200);
    assert_eq!(shop.news(), ["patched"]);
    shop.json(Method::PATCH, &path, &json!({ "count": 20, "id": id })).await.expect(400);
    assert_eq!(shop.news(), [""; 0]);
    shop.send(Method::DELETE, &path, &[], "").await.expect(204);
    shop.send(Method::DELETE, &path, &[], "").await.expect(204);
    assert_eq!(shop.news(), ["deleted"]);
}

#[tokio::test]
async fn who_is_never_fast_enough_is_told_so() {
    let shop = Shop::open().await;
    let path = shop.order("Moby").await;
    let lists = std::sync::Mutex::new(0);
    let router = Troubled { inner: shop.database.clone(), lists, conflicts: true }.router();
    let body = json!({ "id": path.rsplit('/').next().unwrap(), "title": "Dick" }).to_string();
    let any = ("if-match", "*");
    for (method, headers) in
        [(Method::PATCH, &[JSON][..]), (Method::PUT, &[JSON, any]), (Method::DELETE, &[any])]
    {
        let answer = send(&router, None, method, &path, headers, &body).await;
        answer.refused(409, "error.concurrencyFailure");
    }
}

#[tokio::test]
async fn an_answer_has_all_digits_that_were_given() {
    let shop = Shop::open().await;
    let body = json!({ "title": "Moby", "placed": "2022-09-05T18:08:31.123456789Z" });
    let created = shop.json(Method::POST, "/api/orders", &body).await.expect(201).json();
    assert_eq!(created["placed"], body["placed"]);
}
