//! Requests to the resources of the two services that make no sense.

use reqwest::Method;
use serde_json::{Value, json};

use super::{check, send};
use crate::support::{
    Running, sent, store,
    wire::{self, Wire},
};

const UNREADABLE: &str = "Unable to convert http message";
/// One byte more than is taken.
const TOO_LARGE: usize = 1024 * 1024 + 1;

/// What is wrong with fields, as a problem names it.
fn fields(object: &str, fields: &[&str]) -> Value {
    let error = |field: &&str| json!({ "objectName": object, "field": field, "message": "must not be null" });
    json!({ "title": "Method argument not valid", "message": "error.validation", "fieldErrors": fields.iter().map(error).collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let id = admin.create("Candle Shop").await;
    for (path, url) in
        [("/api/stores", admin.stores()), ("/api/store-alerts", admin.store_alerts())]
    {
        for body in
            ["", "{", "[]", "null", "\"text\"", "{\"name\":", "{'name':'x'}", "\u{0}", "name=x"]
        {
            let says = json!({ "detail": UNREADABLE, "path": path, "message": "error.http.400" });
            check(
                &format!("POST {path} {body:?}"),
                &send(&admin, &Method::POST, &url, body).await,
                400,
                &says,
            );
        }
    }
    let path = format!("/api/stores/{id}");
    let says = json!({ "detail": UNREADABLE, "path": path });
    for (member, value) in [
        ("name", json!({})),
        ("address", json!(["x"])),
        ("status", json!("MAYBE")),
        ("status", json!(2)),
        ("createTimestamp", json!("yesterday")),
        ("createTimestamp", json!(true)),
        ("updateTimestamp", json!({})),
        ("id", json!([])),
    ] {
        let mut body = store("Candle Shop", "CLOSED");
        body["id"] = json!(id);
        body[member] = value;
        for method in [Method::PUT, Method::PATCH] {
            let answer =
                send(&admin, &method, &format!("{}/{id}", admin.stores()), &body.to_string()).await;
            check(&format!("{method} {member} {}", body[member]), &answer, 400, &says);
        }
    }
    let deep = "[".repeat(100_000);
    check(
        "a very deep body",
        &send(&admin, &Method::POST, &admin.stores(), &deep).await,
        400,
        &json!({ "detail": UNREADABLE }),
    );
    assert_eq!(admin.get(&format!("{}/{id}", admin.stores())).await.json()["status"], "OPEN");
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn missing_fields_are_named() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let id = admin.create("Candle Shop").await;
    let (stores, one, alerts) =
        (admin.stores(), format!("{}/{id}", admin.stores()), admin.store_alerts());
    let all = fields("store", &["name", "address", "createTimestamp"]);
    for (method, url, body, says) in [
        (Method::POST, &stores, json!({}), &all),
        (Method::POST, &stores, json!({ "name": null, "unknown": 1 }), &all),
        (
            Method::POST,
            &stores,
            json!({ "name": "x", "createTimestamp": 0 }),
            &fields("store", &["address"]),
        ),
        (Method::PUT, &one, json!({ "id": id }), &all),
        (
            Method::POST,
            &alerts,
            json!({}),
            &fields("storeAlert", &["storeName", "storeStatus", "timestamp"]),
        ),
    ] {
        check(
            &format!("{method} {body}"),
            &send(&admin, &method, url, &body.to_string()).await,
            400,
            says,
        );
    }
    assert_eq!(admin.alerts().await, Vec::<Value>::new());
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_it_comes() {
    let system = Running::start().await;
    let admin = system.admin().await;
    for (address, path) in [
        (&system.at.store, "/api/stores"),
        (&system.at.gateway, "/services/store/api/stores"),
        (&system.at.alert, "/api/store-alerts"),
    ] {
        let says = json!({ "detail": "The request body is larger than 1048576 bytes", "message": "error.http.413" });
        let mut wire = Wire::to(address).await;
        wire.send(format!(
            "{}Content-Length: {TOO_LARGE}\r\n\r\n",
            wire::post(address, path, admin.token())
        ))
        .await;
        check(&format!("{path}, announced"), &wire.answer().await, 413, &says);

        let mut wire = Wire::to(address).await;
        wire.send(format!(
            "{}Transfer-Encoding: chunked\r\n\r\n",
            wire::post(address, path, admin.token())
        ))
        .await;
        for _ in 0..=16 {
            wire.send(format!("10000\r\n{}\r\n", " ".repeat(0x10000))).await;
        }
        check(&format!("{path}, in chunks"), &wire.answer().await, 413, &says);
    }
    let largest = format!("{}{}", store("Candle Shop", "OPEN"), " ".repeat(1024 * 1024));
    send(&admin, &Method::POST, &admin.stores(), &largest[..1024 * 1024]).await.expect(201);
    system.still_works().await;
    system.stop().await;
}

#[tokio::test]
async fn what_a_resource_does_not_do_is_said_so() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let body = store("Candle Shop", "OPEN").to_string();
    for (method, allowed) in
        [(Method::PUT, "GET"), (Method::PATCH, "POST"), (Method::DELETE, "GET")]
    {
        let answer = send(&admin, &method, &admin.stores(), &body).await;
        check(
            &format!("{method}"),
            &answer,
            405,
            &json!({ "detail": format!("Request method '{method}' not supported") }),
        );
        assert!(answer.header("allow").contains(allowed), "{answer:?}");
    }
    for accept in ["text/html", "application/xml", "image/*"] {
        let answer =
            sent(admin.request(Method::GET, &admin.stores()).header("Accept", accept)).await;
        check(accept, &answer, 406, &json!({ "message": "error.http.406" }));
    }
    for (kind, said) in [
        ("text/plain", "text/plain;charset=UTF-8"),
        ("application/xml", "application/xml;charset=UTF-8"),
        ("multipart/form-data; boundary=x", "multipart/form-data;boundary=x;charset=UTF-8"),
    ] {
        let answer = sent(
            admin
                .request(Method::POST, &admin.stores())
                .header("Content-Type", kind)
                .body(body.clone()),
        )
        .await;
        check(
            kind,
            &answer,
            415,
            &json!({ "detail": format!("Content type '{said}' not supported") }),
        );
        assert!(answer.header("accept").contains("application/json"), "{answer:?}");
    }
    for address in [&system.at.store, &system.at.alert] {
        for path in ["/nope", "/api/nope", "/api/stores/1/2", "/management/nope"] {
            let answer = wire::get(address, path, admin.token()).await;
            let body = answer.json();
            assert_eq!(answer.status.as_u16(), 404, "{path}: {answer:?}");
            assert_eq!((&body["error"], &body["path"]), (&json!("Not Found"), &json!(path)));
        }
        let says = json!({ "path": "/api/../etc/passwd" });
        check("..", &wire::get(address, "/api/../etc/passwd", admin.token()).await, 400, &says);
    }
    system.still_works().await;
    system.stop().await;
}
