//! What the Java services answered, and what they published.

use std::{
    fs,
    path::{Path, PathBuf},
};

use axum::{body::Body, http::header, response::Response};
use chassis::Stop;
use http_body_util::BodyExt;
use messaging::Header;
use serde_json::{Value, json};

use crate::{
    broker::Scripted,
    support::{feed, piece, register, request, send, service},
};

/// The folders of recorded cases that have a file whose name ends like this.
fn groups(file: &str) -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/recorded/cases");
    let folders = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|folder| folder.join(file).exists()).collect()
}

/// The cases of a folder that are requests, in order.
fn requests(folder: &Path) -> Vec<Value> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read =
        |path: &PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    files.iter().map(read).filter(|case| case.get("request").is_some()).collect()
}

async fn replay(router: &axum::Router, case: &Value) -> Response {
    let asked = &case["request"];
    let caller = (case["auth"] != "none").then_some("ann");
    let path = asked["path"].as_str().unwrap();
    let method = asked["method"].as_str().unwrap().parse().unwrap();
    let mut request = request(method, path, caller);
    for header in asked["headers"].as_array().unwrap() {
        if header[0] == "Content-Type" {
            let kind = header[1].as_str().unwrap().parse().unwrap();
            request.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
    }
    if let Some(body) = asked["body"].as_str() {
        *request.body_mut() = Body::from(body.to_owned());
    }
    send(router, request).await
}

#[tokio::test(start_paused = true)]
async fn requests_are_answered_as_the_java_services_answered_them() {
    let groups = groups("001-publish-without-message.json");
    assert_eq!(groups.len(), 2);
    for group in groups {
        let cases = requests(&group);
        assert!(cases.len() >= 19, "{}", group.display());
        let path = cases[0]["request"]["path"].as_str().unwrap();
        let feed = feed(Scripted::new());
        let router = service(&feed, path.strip_suffix("/publish").unwrap()).into_router();
        for case in cases {
            let (name, recorded) = (&case["case"], &case["response"]);
            let answer = replay(&router, &case).await;
            if recorded["status"] == 0 {
                // A silent stream of theirs sends nothing, not even headers; ours begins at once.
                assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream", "{name}");
                continue;
            }
            assert_eq!(json!(answer.status().as_u16()), recorded["status"], "{name}");
            let kind = recorded["headers"].as_array().unwrap().iter();
            let kind = kind.filter(|header| header[0] == "Content-Type").map(|header| &header[1]);
            let ours = answer.headers().get(header::CONTENT_TYPE);
            let ours: Vec<Value> =
                ours.map(|kind| json!(kind.to_str().unwrap())).into_iter().collect();
            assert_eq!(ours.iter().collect::<Vec<_>>(), kind.collect::<Vec<_>>(), "{name}");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(
                json!(String::from_utf8(body.to_vec()).unwrap()),
                recorded["body"],
                "{name}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn texts_are_published_in_the_form_of_the_java_services_and_come_out_as_events() {
    for group in groups("001-publish-without-message.json") {
        let cases = requests(&group);
        let path = cases[0]["request"]["path"].as_str().unwrap().to_owned();
        let prefix = path.strip_suffix("/publish").unwrap();
        let broker = Scripted::new();
        let feed = feed(broker.clone());
        let router = service(&feed, prefix).into_router();
        let stop = Stop::new();
        let publishing = async {
            let path = format!("{prefix}/register");
            let mut stream =
                send(&router, request("GET".parse().unwrap(), &path, Some("bob"))).await;
            let mut sent = Vec::new();
            for case in cases.iter().filter(|case| case["request"]["path"] != *path) {
                replay(&router, case).await;
                let texts = broker.messages.lock().unwrap().len();
                if texts > sent.len() {
                    sent.push(piece(&mut stream).await.unwrap());
                }
            }
            stop.cancel();
            sent
        };
        let (ran, events) = tokio::join!(feed.run(stop.clone()), publishing);
        ran.unwrap();
        // As the recorded stream has them, but for the second line, which is one of its own here.
        let expected = ["form body", "hello", "Küche 🕯", "a\ndata:b", "", "m1,m2"];
        let expected = expected.map(|text| format!("data:{text}\n\n"));
        assert_eq!(events[..6], expected);
        check_messages(&broker);
    }
}

fn check_messages(broker: &Scripted) {
    let messages = broker.messages.lock().unwrap();
    let texts = ["form body", "hello", "Küche 🕯", "a\nb", "", "m1,m2"];
    for (message, text) in messages.iter().zip(texts) {
        let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
        let headers = [
            header("contentType", "text/plain"),
            header("spring_json_header_types", r#"{"contentType":"java.lang.String"}"#),
        ];
        assert_eq!((&message.key, &*message.headers), (&None, &headers[..]));
        assert_eq!(message.payload, text.as_bytes());
        assert_eq!(message.topic, crate::support::TOPIC);
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_that_no_broker_takes_is_refused() {
    let router = service(&feed(Scripted::new()), "/api/news").into_router();
    let mut form = request("POST".parse().unwrap(), "publish", Some("ann"));
    let kind = "application/x-www-form-urlencoded; charset=UTF-8".parse().unwrap();
    form.headers_mut().insert(header::CONTENT_TYPE, kind);
    *form.body_mut() = Body::from(format!("message={}", "x".repeat(512 * 1024 + 1)));
    let answer = send(&router, form).await;
    assert_eq!(answer.status(), 413);
}

#[test]
fn the_operations_are_described_as_recorded() {
    let name = "085-api-docs-anonymous.json";
    let mut compared = 0;
    for group in groups(name) {
        let case: Value = serde_json::from_slice(&fs::read(group.join(name)).unwrap()).unwrap();
        let document: Value =
            serde_json::from_str(case["response"]["body"].as_str().unwrap()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let publish = paths.keys().find(|path| path.ends_with("/publish")).unwrap();
        let prefix = publish.strip_suffix("/publish").unwrap();
        let tag = paths[publish]["post"]["tags"][0].as_str().unwrap();
        let ours = feed::operations(prefix, tag);
        for (path, operation) in ours["paths"].as_object().unwrap() {
            assert_eq!(operation.to_string(), paths[path].to_string(), "{path}");
            compared += 1;
        }
        let schema = "/components/schemas/ResponseBodyEmitter";
        assert_eq!(ours.pointer(schema), document.pointer(schema));
    }
    assert_eq!(compared, 6);
}

#[tokio::test(start_paused = true)]
async fn a_stream_needs_a_caller() {
    let router = service(&feed(Scripted::new()), "/api/news").into_router();
    register(&router, "ann").await;
    for path in ["register", "unregister"] {
        let answer = send(&router, request("GET".parse().unwrap(), path, None)).await;
        assert_eq!(answer.status(), 401, "{path}");
    }
}
