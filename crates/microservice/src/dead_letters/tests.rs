//! The resource over a database in memory, with dead letters made as a relay makes them.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Method, Request},
};
use database::{Changes, Memory, Message};
use http_body_util::BodyExt;
use identity::Profile;
use messaging::{Failure, Publish, Stop};
use tower::ServiceExt;

use super::*;

const AT: &str = "2026-11-25T12:00:00Z";

fn memory() -> DatabaseRef {
    Memory::new(|| AT.parse().unwrap())
}

/// Refuses everything, with the message's topic as the reason, and stops its relay at the last message.
struct Refusing {
    stop: Stop,
}

#[async_trait::async_trait]
impl Publish for Refusing {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        if messages.iter().any(|message| message.id == "last") {
            self.stop.cancel();
        }
        let refuse =
            |message: &Message| Err(Failure::Reject(anyhow::anyhow!("no {}", message.topic)));
        messages.iter().map(refuse).collect()
    }
}

/// Makes a dead letter of each message: id, topic, payload.
async fn kill(database: &DatabaseRef, messages: &[(&str, &str, &[u8])]) {
    let message = |(number, (id, topic, payload)): (usize, &(&str, &str, &[u8]))| Message {
        id: (*id).to_owned(),
        channel: "parcels".to_owned(),
        topic: (*topic).to_owned(),
        key: Some((*id).to_owned()),
        headers: Vec::new(),
        payload: payload.to_vec(),
        created: format!("2026-11-25T11:00:00.{number:04}Z").parse().unwrap(),
    };
    let messages = messages.iter().enumerate().map(message);
    database.commit(Changes::new().send_all(messages)).await.unwrap();
    let stop = Stop::new();
    let destination = Arc::new(Refusing { stop: stop.clone() });
    let now: messaging::Clock = Arc::new(|| AT.parse().unwrap());
    messaging::relay("parcels", database.clone(), destination, now, stop).await.unwrap();
}

/// Answers status, headers and JSON body.
async fn ask(
    database: &DatabaseRef,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, HeaderMap, Value) {
    let profile = Profile {
        subject: "7".into(),
        login: "ann".into(),
        authorities: Vec::new(),
        claims: serde_json::Map::new(),
    };
    let mut request =
        Request::builder().method(method).uri(format!("/management/deadletters{path}"));
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let mut request = request.body(body).unwrap();
    request.extensions_mut().insert(Caller::from(profile));
    let (parts, body) = routes(database.clone()).oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let json = serde_json::from_slice(&body).unwrap_or_default();
    (parts.status.as_u16(), parts.headers, json)
}

async fn list(database: &DatabaseRef, query: &str) -> Vec<Value> {
    let (status, _, letters) = ask(database, Method::GET, query, None).await;
    assert_eq!(status, 200);
    letters.as_array().unwrap().clone()
}

async fn id_of(database: &DatabaseRef, message: &str) -> String {
    let letters = list(database, "").await;
    let letter = letters.iter().find(|letter| letter["message"] == message).unwrap();
    letter["id"].as_str().unwrap().to_owned()
}

async fn waiting(database: &DatabaseRef) -> Vec<String> {
    let waiting = database.unsent("parcels", 0, 10_000).await.unwrap();
    waiting.into_iter().map(|(_, message)| message.id).collect()
}

#[tokio::test]
async fn letters_are_listed_by_page_and_reason() {
    let database = memory();
    let many: Vec<String> = (0..44).map(|number| format!("m{number}")).collect();
    let mut messages: Vec<(&str, &str, &[u8])> =
        many.iter().map(|id| (&**id, "road", &b"x"[..])).collect();
    messages.push(("last", "harbour", b"y"));
    kill(&database, &messages).await;
    let (_, headers, letters) = ask(&database, Method::GET, "?size=43&page=0", None).await;
    assert_eq!(letters.as_array().unwrap().len(), 43);
    assert_eq!(headers["x-total-count"], "45");
    assert!(headers["link"].to_str().unwrap().contains("page=1&size=43>; rel=\"next\""));
    assert_eq!(list(&database, "?size=43&page=1").await.len(), 2);
    let [harbour] = &list(&database, "?reason=no+harbour").await[..] else { panic!("not one") };
    assert_eq!((&harbour["message"], &harbour["payload"]), (&json!("last"), &json!("y")));
    assert_eq!(list(&database, "?channel=books").await, [] as [Value; 0]);
    let (_, _, reasons) = ask(&database, Method::GET, "/reasons", None).await;
    let expected =
        json!([{ "reason": "no harbour", "count": 1 }, { "reason": "no road", "count": 44 }]);
    assert_eq!(reasons, expected);
    let expected = [("parcels".to_owned(), 45), ("broker".to_owned(), 0)];
    assert_eq!(crate::figures::dead_letters(database).await.unwrap(), expected);
}

#[tokio::test]
async fn a_letter_is_corrected_replayed_and_then_gone() {
    let database = memory();
    kill(&database, &[("last", "road", b"wrong")]).await;
    let id = format!("/{}", id_of(&database, "last").await);
    let (status, _, letter) =
        ask(&database, Method::PUT, &id, Some(json!({ "payload": "right" }))).await;
    assert_eq!((status, &letter["payload"]), (200, &json!("right")));
    let (_, _, letter) = ask(&database, Method::GET, &id, None).await;
    assert_eq!((&letter["payload"], &letter["key"]), (&json!("right"), &json!("last")));
    let replay = format!("{id}/replay");
    assert_eq!(ask(&database, Method::POST, &replay, None).await.0, 204);
    assert_eq!(waiting(&database).await, ["last"]);
    for (method, path) in
        [(Method::POST, &replay), (Method::GET, &id), (Method::PUT, &id), (Method::DELETE, &id)]
    {
        let body = (method == Method::PUT).then(|| json!({ "key": "k" }));
        assert_eq!(ask(&database, method.clone(), path, body).await.0, 404, "{method}");
    }
    assert_eq!(waiting(&database).await, ["last"], "once, however often it is asked for");
}

#[tokio::test]
async fn a_discarded_letter_is_gone_for_ever() {
    let database = memory();
    kill(&database, &[("last", "road", b"wrong")]).await;
    let id = format!("/{}", id_of(&database, "last").await);
    assert_eq!(ask(&database, Method::DELETE, &id, None).await.0, 204);
    assert_eq!(list(&database, "").await, [] as [Value; 0]);
    assert_eq!(waiting(&database).await, [] as [String; 0]);
}

#[tokio::test]
async fn all_letters_of_a_reason_are_replayed_in_the_order_of_their_messages() {
    let database = memory();
    let messages = [("a", "road"), ("b", "harbour"), ("c", "road"), ("last", "road")]
        .map(|(id, topic)| (id, topic, &b""[..]));
    kill(&database, &messages).await;
    assert_eq!(ask(&database, Method::POST, "/replay", None).await.0, 400, "it says which");
    let (status, _, outcome) = ask(&database, Method::POST, "/replay?reason=no+road", None).await;
    assert_eq!((status, outcome), (200, json!({ "replayed": 3, "left": 0 })));
    assert_eq!(waiting(&database).await, ["a", "c", "last"]);
    let (_, _, outcome) = ask(&database, Method::POST, "/replay?all=true", None).await;
    assert_eq!(outcome, json!({ "replayed": 1, "left": 0 }));
}

#[tokio::test]
async fn no_more_than_a_thousand_are_replayed_at_once() {
    let database = memory();
    let ids: Vec<String> = (0..1003).map(|number| format!("{number}")).collect();
    let mut messages: Vec<(&str, &str, &[u8])> =
        ids.iter().map(|id| (&**id, "road", &b""[..])).collect();
    messages.push(("last", "road", b""));
    kill(&database, &messages).await;
    let (_, _, outcome) = ask(&database, Method::POST, "/replay?all=true", None).await;
    assert_eq!(outcome, json!({ "replayed": 1000, "left": 4 }));
    let (_, _, outcome) = ask(&database, Method::POST, "/replay?all=true", None).await;
    assert_eq!(outcome, json!({ "replayed": 4, "left": 0 }));
    assert_eq!(waiting(&database).await.len(), messages.len());
}

#[tokio::test]
async fn what_is_no_id_names_no_letter() {
    let database = memory();
    for id in ["x", "0123456789ABCDEF01234567", "%00", "..", &"0".repeat(25)] {
        let answer = ask(&database, Method::GET, &format!("/{id}"), None).await;
        assert_eq!(answer.0, 404, "{id}");
    }
}
