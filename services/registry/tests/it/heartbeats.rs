//! A heartbeat is answered from its head, and by the routes when it has a body: nobody can tell which.

use reqwest::{Client, Method, Response};
use serde_json::json;

use crate::world::World;

/// A heartbeat and what it is answered.
const HEARTBEATS: [(&str, u16); 8] = [
    ("book/one?status=UP", 200),
    ("BOOK/one?status=UP&lastDirtyTimestamp=1", 200),
    ("BOOK/one/?status=UP", 200),
    ("BOOK/one?lastDirtyTimestamp=9999999999999", 404),
    ("BOOK/one?lastDirtyTimestamp=x", 200),
    ("BOOK/o%6Ee", 200),
    ("BOOK/two?status=UP", 404),
    ("BOOK/one;x?status=UP", 400),
];

async fn told(
    world: &World,
    what: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Vec<String> {
    let request = Client::new().request(Method::PUT, world.at(&format!("/eureka/apps/{what}")));
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    described(request.body(body).send().await.unwrap()).await
}

/// The status, the headers and the body, but for the time.
async fn described(answer: Response) -> Vec<String> {
    let mut lines = vec![answer.status().to_string()];
    for (name, value) in answer.headers() {
        if name != "date" {
            lines.push(format!("{name}: {}", value.to_str().unwrap()));
        }
    }
    lines.sort();
    lines.push(answer.text().await.unwrap());
    lines
}

const PASSWORD: (&str, &str) = ("authorization", "Basic YWRtaW46YWRtaW4=");

#[tokio::test]
async fn a_heartbeat_is_answered_alike_with_and_without_a_body() {
    let world = World::start().await;
    world.register("BOOK", "one", 1, json!({ "lastDirtyTimestamp": "1" })).await;
    let headers = [
        [PASSWORD, ("accept", "application/json"), ("accept-encoding", "gzip")],
        [PASSWORD, ("accept", "*/*"), ("content-type", "application/json")],
        [("authorization", "Basic YWRtaW46d3Jvbmc="), ("accept", "*/*"), ("x", "y")],
        [("x", "y"), ("accept", "application/xml"), ("accept", "text/html")],
        [PASSWORD, ("sec-fetch-site", "cross-site"), ("accept", "*/*")],
        [PASSWORD, ("x-netflix-discovery-replication", "true"), ("accept", "*/*")],
    ];
    for (what, status) in HEARTBEATS {
        for headers in &headers {
            let short = told(&world, what, headers, "").await;
            assert_eq!(short, told(&world, what, headers, "{}").await, "{what} {headers:?}");
        }
        let answer = told(&world, what, &headers[0], "").await;
        assert!(answer.iter().any(|line| line.starts_with(&status.to_string())), "{answer:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn heartbeats_are_counted_as_requests_of_their_route() {
    let world = World::start().await;
    world.register("BOOK", "one", 1, json!({})).await;
    for body in ["", "{}", ""] {
        told(&world, "BOOK/one", &[PASSWORD], body).await;
    }
    let figures = Client::new().get(world.at("/management/prometheus"));
    let figures =
        figures.basic_auth("admin", Some("admin")).send().await.unwrap().text().await.unwrap();
    let counted: Vec<_> = figures
        .lines()
        .filter(|line| {
            line.starts_with("http_server_requests_seconds_count") && line.contains("PUT")
        })
        .collect();
    assert_eq!(counted.len(), 1, "{counted:?}");
    assert!(
        counted[0].contains("/eureka/apps/{app}/{id}") && counted[0].ends_with(" 3.0"),
        "{counted:?}"
    );
    world.stop().await;
}
