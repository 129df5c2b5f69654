//! Documents compared with those that springdoc made of the Java services, and served where springdoc serves them.

use std::borrow::Cow;

use axum::{Router, http::Method};
use chassis::Service;
use entity::{ApiGroup, OpenApi, api_docs};
use serde_json::{Value, json};

use crate::{
    recorded::{entity_of, recorded_text, services},
    shop::{ORDER, send},
};

/// Fails unless everything recorded is there, in the same order; more may be.
fn contains(at: &str, ours: &Value, recorded: &Value) {
    match (ours, recorded) {
        (Value::Object(ours), Value::Object(recorded)) => {
            let known: Vec<_> = ours.keys().filter(|name| recorded.contains_key(*name)).collect();
            assert_eq!(known, recorded.keys().collect::<Vec<_>>(), "{at}");
            recorded
                .iter()
                .for_each(|(name, value)| contains(&format!("{at}/{name}"), &ours[name], value));
        }
        (Value::Array(ours), Value::Array(recorded)) => {
            assert!(ours.len() >= recorded.len(), "{at}");
            let both = ours.iter().zip(recorded).enumerate();
            both.for_each(|(number, (ours, recorded))| {
                contains(&format!("{at}/{number}"), ours, recorded)
            });
        }
        _ => assert_eq!(ours, recorded, "{at}"),
    }
}

#[test]
fn everything_that_springdoc_says_is_said_in_its_order() {
    let services = services();
    assert_eq!(services.len(), 2);
    for service in services {
        for case in ["085-api-docs-anonymous", "087-api-docs-springdocdefault"] {
            let mut recorded: Value = serde_json::from_str(&recorded_text(&service, case)).unwrap();
            recorded["servers"][0]["url"] = json!("/");
            let entity = entity_of(&service);
            let info = &recorded["info"];
            let document = OpenApi {
                title: info["title"].as_str().unwrap(),
                description: info["description"].as_str().unwrap(),
                version: info["version"].as_str().unwrap(),
                entities: &[&entity],
                more: std::slice::from_ref(&recorded),
            };
            let mut ours = document.document();
            contains("", &ours, &recorded);
            // Without the recorded document the entity's own paths are the same: nothing was taken from there.
            let own = |path: &String| path.contains(&*entity.collection);
            ours["paths"].as_object_mut().unwrap().retain(|path, _| own(path));
            let alone = OpenApi { more: &[], ..document }.document();
            assert_eq!(alone["paths"], ours["paths"]);
        }
    }
}

fn serving(documents: Vec<(&'static str, Value)>) -> Router {
    let groups = documents.into_iter();
    let groups = groups.map(|(name, document)| ApiGroup { name: Cow::Borrowed(name), document });
    Service::new("docs").routes(api_docs(groups.collect())).into_router()
}

#[tokio::test]
async fn yaml_looks_like_the_recorded_one() {
    for service in services() {
        let text = recorded_text(&service, "085-api-docs-anonymous");
        let router = serving(vec![("main", serde_json::from_str(&text).unwrap())]);
        let answer = send(&router, None, Method::GET, "/v3/api-docs.yaml", &[], "").await;
        // Recorded up to a length.
        let expected = recorded_text(&service, "089-api-docs-yaml");
        assert_eq!(answer.expect(200).body[..expected.len()], expected);
    }
}

async fn check(path: &str, headers: &[(&str, &str)], status: u16, kind: &str, part: &str) {
    let document = |name, title| {
        let description = "API documentation";
        let entities: &[_] = &[&ORDER];
        (name, OpenApi { title, description, version: "0.0.1", entities, more: &[] }.document())
    };
    let router = serving(vec![document("main", "Main API"), document("other", "Other API")]);
    let answer = send(&router, None, Method::GET, path, headers, "").await.expect(status);
    assert_eq!(answer.header("content-type"), kind, "{path}");
    assert!(answer.body.contains(part), "{path}: {answer:?}");
}

#[tokio::test]
async fn a_document_is_served_with_the_address_that_the_caller_used() {
    let (json, yaml) = ("application/json", "application/vnd.oai.openapi;charset=UTF-8");
    let host = [("host", "shop:8082")];
    check("/v3/api-docs", &host, 200, json, r#""servers":[{"url":"http://shop:8082","#).await;
    check("/v3/api-docs", &[], 200, json, r#""servers":[{"url":"/","#).await;
    check("/v3/api-docs", &host, 200, json, "Main API").await;
    check("/v3/api-docs/main", &host, 200, json, "Main API").await;
    check("/v3/api-docs/other", &host, 200, json, "Other API").await;
    check("/v3/api-docs.yaml", &host, 200, yaml, "servers:\n- url: http://shop:8082\n").await;
    check("/v3/api-docs.yaml/other", &host, 200, yaml, "title: Other API\n").await;
    let unknown = "No OpenAPI resource found for group: nope";
    check("/v3/api-docs/nope", &host, 404, "application/problem+json", unknown).await;
}
