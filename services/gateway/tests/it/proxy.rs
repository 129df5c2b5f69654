//! The routes to the services.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::{
    browser::{Answer, Browser},
    world::World,
};

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

#[tokio::test]
async fn requests_reach_the_service_unchanged_and_with_the_token() {
    let world = World::start().await;
    let admin = world.admin().await.reading_json();
    for (method, rest) in [
        (Method::GET, "/echo/a/b?x=1&y=a%20b&z"),
        (Method::POST, "/echo/a%252Fb/%C3%BC"),
        (Method::PUT, "/echo/a//b"),
        (Method::DELETE, "/echo/a?page=0"),
    ] {
        let answer = json(
            &admin.send(method.clone(), &world.at(&format!("/services/library{rest}")), None).await,
        );
        assert_eq!(
            (answer["method"].as_str(), answer["target"].as_str()),
            (Some(method.as_str()), Some(rest))
        );
        assert_eq!(answer["authorization"], format!("Bearer {}", admin.token()));
        assert_eq!(answer["cookie"], Value::Null, "sessions stay at the gateway");
        assert_eq!(answer["prefix"], "/services/library");
    }
    world.stop().await;
}

#[tokio::test]
async fn doors_open_for_those_who_may_pass() {
    let world = World::start().await;
    let anonymous = Browser::fresh().reading_json();
    let user = world.program("user").await.reading_json();
    let admin = world.admin().await.reading_json();
    let everybody = [&anonymous, &user, &admin];
    for (path, expected) in [
        ("/services/library/api/books/1", [401, 404, 404]),
        ("/services/library/echo/x", [401, 200, 200]),
        ("/services/library", [401, 404, 404]),
        ("/services/LIBRARY/echo/x", [401, 404, 404]),
        ("/services/nope/echo/x", [401, 404, 404]),
        ("/services/library/echo/x%2F..%2Fx", [401, 400, 400]),
        ("/services", [401, 404, 404]),
        ("/services/library/v3/api-docs", [401, 403, 200]),
        ("/services/library/v3/api%2Ddocs/", [401, 403, 404]),
        ("/services/library/v3/api-docs/group", [401, 200, 200]),
        ("/api/nope", [401, 404, 404]),
        ("/management/env", [401, 403, 200]),
        ("/management/nope", [401, 403, 404]),
        ("/management/health", [200, 200, 200]),
        ("/nope", [404, 404, 404]),
    ] {
        for (caller, status) in everybody.iter().zip(expected) {
            let answer = caller.get(&world.at(path)).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {answer:?}");
            assert!(answer.headers.contains_key("content-security-policy"), "{path}: {answer:?}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn refusals_are_those_of_the_java_gateway() {
    let world = World::start().await;
    let answer =
        Browser::fresh().reading_json().get(&world.at("/services/library/api/books")).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(
        answer.body,
        r#"{"type":"https://www.jhipster.tech/problem/problem-with-message","title":"Unauthorized","status":401,"detail":"Not Authenticated","path":"/services/library/api/books","message":"error.http.401"}"#
    );
    let user = world.program("user").await.reading_json();
    let answer = json(&user.get(&world.at("/services/library/v3/api-docs")).await);
    assert_eq!(answer["detail"], "Access Denied");
    let answer = user.send(Method::POST, &world.at("/api/account"), None).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        json(&answer)["detail"],
        "405 METHOD_NOT_ALLOWED \"Request method 'POST' not supported\""
    );
    world.stop().await;
}

#[tokio::test]
async fn a_description_names_the_gateway_as_its_server() {
    let world = World::start().await;
    let answer = json(&world.admin().await.get(&world.at("/services/library/v3/api-docs")).await);
    assert_eq!(
        answer["servers"],
        serde_json::json!([{ "url": "/services/library", "description": "added by global filter" }])
    );
    assert_eq!(answer["openapi"], "3.0.1");
    world.stop().await;
}

#[tokio::test]
async fn a_registered_service_that_is_gone_is_unavailable() {
    let mut world = World::start().await;
    world.add_absent("attic").await;
    let admin = world.admin().await.reading_json();
    let at = world.at("/services/attic/x");
    crate::world::until("the absent service is known", || async {
        admin.get(&at).await.status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    world.stop().await;
}
