//! What must not be taken, and what must not be given on as it is.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request},
};
use chassis::{Outside, Service};
use discovery::{Registry, RegistrySettings, Status};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

fn registry(settings: RegistrySettings) -> (Registry, Router) {
    let registry = Registry::with(Outside::system(), settings, Vec::new());
    let router = Service::new("registry").routes(registry.routes()).into_router();
    (registry, router)
}

async fn send(router: &Router, request: Request) -> (u16, Bytes) {
    let answer = router.clone().oneshot(request).await.unwrap();
    (answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes())
}

async fn register(router: &Router, kind: &str, body: impl Into<Body>) -> u16 {
    let request = Request::post("/apps/BOOK").header("Content-Type", kind);
    send(router, request.body(body.into()).unwrap()).await.0
}

async fn get(router: &Router, path: &str, accept: &str) -> String {
    let request = Request::get(path).header("Accept", accept).body(Body::empty()).unwrap();
    let (status, body) = send(router, request).await;
    assert_eq!(status, 200, "{path}");
    String::from_utf8(body.to_vec()).unwrap()
}

/// A registration with other or more members.
fn book(others: Value) -> String {
    let mut instance = json!({
        "instanceId": "1", "app": "BOOK", "hostName": "h", "ipAddr": "127.0.0.1",
        "dataCenterInfo": { "name": "MyOwn" }
    });
    let members = instance.as_object_mut().unwrap();
    members.extend(others.as_object().unwrap().clone());
    json!({ "instance": instance }).to_string()
}

fn xml(inside: &str) -> String {
    format!(
        "<instance><instanceId>1</instanceId><app>BOOK</app><hostName>h</hostName><ipAddr>1</ipAddr>\
         <dataCenterInfo><name>MyOwn</name></dataCenterInfo>{inside}</instance>"
    )
}

#[tokio::test]
async fn json_that_is_wrong_or_too_much_is_refused() {
    let (registry, router) = registry(RegistrySettings::default());
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let large = "x".repeat(1_000_000);
    for (body, expected) in [
        (String::new(), 400),
        ("{".into(), 400),
        ("[]".into(), 400),
        ("null".into(), 400),
        (r#"{"instance":[]}"#.into(), 400),
        (r#"{"instance":{"app":1}}"#.into(), 400),
        (deep(5_000), 400),
        (book(json!({ "port": 80 })), 400),
        (book(json!({ "port": { "$": 70_000, "@enabled": "true" } })), 400),
        (book(json!({ "leaseInfo": { "durationInSecs": -1 } })), 400),
        (book(json!({ "metadata": [] })), 400),
        (book(json!({ "metadata": { "note": large } })), 413),
        (book(json!({ "metadata": { "note": "\u{1}" } })), 400),
        (book(json!({ "metadata": { "\u{0}": "" } })), 400),
        (book(json!({ "instanceId": "a\nb" })), 400),
        (book(json!({ "hostName": "\u{7f}" })), 400),
        (book(json!({ "vipAddress": "a\tb" })), 400),
    ] {
        let status = register(&router, "application/json", body.clone()).await;
        assert_eq!(status, expected, "{}", &body[..body.len().min(200)]);
    }
    assert_eq!(register(&router, "application/json", vec![0xff; 100]).await, 400);
    assert!(registry.instances().is_empty());
}

#[tokio::test]
async fn xml_that_is_wrong_or_too_much_is_refused() {
    let (registry, router) = registry(RegistrySettings::default());
    let bomb = (0..9).fold(String::from("<!ENTITY a0 'ha'>"), |text, number| {
        let next = number + 1;
        format!("{text}<!ENTITY a{next} '{}'>", format!("&a{number};").repeat(10))
    });
    let deep = format!("<metadata>{}{}</metadata>", "<a>".repeat(2_000), "</a>".repeat(2_000));
    for (body, expected) in [
        (String::new(), 400),
        ("<instance>".into(), 400),
        ("<app/>".into(), 400),
        (format!("<!DOCTYPE i [{bomb}]>{}", xml("<metadata><a>&a9;</a></metadata>")), 400),
        (format!("<!DOCTYPE i SYSTEM 'file:///etc/passwd'>{}", xml("")), 400),
        (xml("<metadata><a>&unknown;</a></metadata>"), 400),
        (xml("<metadata><a>&#1;</a></metadata>"), 400),
        (xml("<metadata>text</metadata>"), 400),
        (xml("<port enabled=\"perhaps\">80</port>"), 400),
        (xml("<port enabled=\"true\">many</port>"), 400),
        (xml(&deep), 400),
        (xml(&format!("<metadata><a>{}</a></metadata>", "x".repeat(20_000))), 413),
        (xml("").replace("<app>BOOK</app>", "<app>BOOK&#10;</app>"), 400),
    ] {
        let status = register(&router, "application/xml", body.clone()).await;
        assert_eq!(status, expected, "{}", &body[..body.len().min(200)]);
    }
    assert!(registry.instances().is_empty());
    assert_eq!(register(&router, "application/xml", xml("")).await, 204);
}

#[tokio::test]
async fn what_looks_like_markup_stays_text() {
    let (registry, router) = registry(RegistrySettings::default());
    let script = "</instance><script>call('\"&')</script>";
    let body = book(json!({
        "instanceId": script, "homePageUrl": script, "metadata": { script: script, "": "", "@class": "x", "$": "y" },
        "dataCenterInfo": { "@class": script, "name": script }
    }));
    assert_eq!(register(&router, "application/json", body).await, 204);
    let before = registry.instance("BOOK", script).unwrap();
    let answer = get(&router, "/apps", "application/xml").await;
    assert!(!answer.contains("<script>"), "{answer}");
    // What is read from our XML is what was written to it.
    let instance = &answer[answer.find("<instance>").unwrap()..];
    let end = instance.find("</instance>").unwrap() + "</instance>".len();
    assert_eq!(register(&router, "application/xml", instance[..end].to_owned()).await, 204);
    let after = registry.instance("BOOK", script).unwrap();
    assert_eq!((&after.metadata, &after.home_page_url), (&before.metadata, &before.home_page_url));
    assert_eq!(after.data_center_info, before.data_center_info);
}

#[tokio::test]
async fn one_caller_cannot_fill_the_registry() {
    let settings = RegistrySettings {
        most_instances: 3,
        most_instances_of_one_caller: 2,
        ..RegistrySettings::default()
    };
    let (registry, router) = registry(settings);
    let add = async |caller: u8, id: u32| {
        let body = book(json!({ "instanceId": id.to_string() }));
        let mut request = Request::post("/apps/BOOK").body(Body::from(body)).unwrap();
        let caller = std::net::SocketAddr::from(([10, 0, 0, caller], 1));
        request.extensions_mut().insert(ConnectInfo(caller));
        send(&router, request).await
    };
    assert_eq!((add(1, 1).await.0, add(1, 2).await.0), (204, 204));
    let (status, body) = add(1, 3).await;
    assert_eq!(status, 429);
    assert!(String::from_utf8_lossy(&body).contains("10.0.0.1 has registered 2"), "{body:?}");
    assert_eq!((add(1, 1).await.0, add(2, 4).await.0), (204, 204));
    assert_eq!(add(3, 5).await.0, 429, "the registry is full");
    assert_eq!(registry.instances().len(), 3);
    let cancel = Request::delete("/apps/BOOK/1").body(Body::empty()).unwrap();
    assert_eq!(send(&router, cancel).await.0, 200);
    assert_eq!(add(1, 3).await.0, 204);
}

#[tokio::test]
async fn metadata_is_added_by_any_pair_and_within_bounds() {
    let (registry, router) = registry(RegistrySettings::default());
    register(&router, "application/json", book(json!({}))).await;
    let put = async |query: &str| {
        let request = Request::put(format!("/apps/book/1/metadata{query}"));
        send(&router, request.body(Body::empty()).unwrap()).await.0
    };
    for query in ["?a=1&b%20c=%C3%BC&d", "?e=a%26b&a=2", ""] {
        assert_eq!(put(query).await, 200, "{query}");
    }
    let metadata = (*registry.instance("BOOK", "1").unwrap().metadata).clone();
    let expected = json!({ "a": "2", "b c": "ü", "d": "", "e": "a&b" });
    assert_eq!(Value::Object(metadata), expected);
    assert_eq!(put("?a=%01").await, 400);
    assert_eq!(put(&format!("?a={}", "x".repeat(17_000))).await, 413);
}

#[tokio::test]
async fn the_compact_form_has_what_is_needed_to_reach_an_instance() {
    let (_, router) = registry(RegistrySettings::default());
    let members = json!({
        "vipAddress": "book", "metadata": { "zone": "primary" }, "homePageUrl": "http://h/",
        "dataCenterInfo": { "@class": "AmazonInfo", "name": "Amazon", "metadata": { "instance-id": "i", "ami-id": "a" } }
    });
    register(&router, "application/json", book(members)).await;
    for path in ["/apps", "/apps/BOOK", "/apps/BOOK/1"] {
        let ask = async |accept: &str| {
            let request =
                Request::get(path).header("Accept", accept).header("X-Eureka-Accept", "compact");
            let (status, body) = send(&router, request.body(Body::empty()).unwrap()).await;
            assert_eq!(status, 200, "{path}");
            String::from_utf8(body.to_vec()).unwrap()
        };
        let (json, xml) = (ask("application/json").await, ask("application/xml").await);
        for kept in [
            "instanceId",
            "hostName",
            "BOOK",
            "ipAddr",
            "status",
            "port",
            "vipAddress",
            "instance-id",
        ] {
            assert!(json.contains(kept) && xml.contains(kept), "{kept}: {json} {xml}");
        }
        for left_out in ["leaseInfo", "zone", "homePageUrl", "overridden", "lastDirty", "ami-id"] {
            assert!(
                !json.contains(left_out) && !xml.contains(left_out),
                "{left_out}: {json} {xml}"
            );
        }
    }
}

#[tokio::test]
async fn a_batch_is_answered_entry_by_entry_whatever_is_in_it() {
    let (registry, router) = registry(RegistrySettings::default());
    let info = |members: Value| -> Value {
        serde_json::from_str::<Value>(&book(members)).unwrap()["instance"].clone()
    };
    let entries = json!([
        { "appName": "BOOK", "id": "1", "action": "Register", "instanceInfo": info(json!({})) },
        { "appName": "book", "id": "1", "action": "StatusUpdate", "status": "DOWN" },
        { "appName": "BOOK", "id": "1", "action": "StatusUpdate", "status": "SLEEPY" },
        { "appName": "BOOK", "id": "2", "action": "Register" },
        { "appName": "BOOK", "id": "2", "action": "Register", "instanceInfo": info(json!({ "note": "x".repeat(17_000) })) },
        { "appName": "BOOK", "id": "2", "action": "Heartbeat", "lastDirtyTimestamp": 1 },
        { "appName": "BOOK", "id": "2", "action": "Explode" },
        7
    ]);
    let body = json!({ "replicationList": entries }).to_string();
    let request = Request::post("/peerreplication/batch/").header("Accept", "application/json");
    let (status, body) = send(&router, request.body(Body::from(body)).unwrap()).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let codes: Vec<_> = body["responseList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["statusCode"].as_u64().unwrap())
        .collect();
    assert_eq!((status, codes), (200, vec![200, 200, 400, 400, 400, 404, 400, 400]));
    assert_eq!(registry.instance("BOOK", "1").unwrap().status, Status::Down);
    for wrong in ["", "{", "[]", "{}", r#"{"replicationList":1}"#] {
        let request = Request::post("/peerreplication/batch/").body(Body::from(wrong)).unwrap();
        assert_eq!(send(&router, request).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn groups_of_amazon_are_refused_as_outside_of_amazon() {
    let (_registry, router) = registry(RegistrySettings::default());
    let request = Request::put("/asg/books/status?value=DISABLED").body(Body::empty()).unwrap();
    assert_eq!(send(&router, request).await.0, 400);
}
