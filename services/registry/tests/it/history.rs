//! The memory of the past, from the registration to the question.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::world::World;

/// Asks as the machine `admin`.
async fn ask(world: &World, method: Method, path: &str) -> (StatusCode, Value) {
    let request = reqwest::Client::new().request(method, world.at(path));
    let answer = request.basic_auth("admin", Some("admin")).send().await.unwrap();
    let status = answer.status();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

/// What happened, the oldest first, once there is so much of it.
pub(crate) async fn events(world: &World, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (_, told) = ask(world, Method::GET, "/api/history?app=book").await;
        let mut events = told["events"].as_array().unwrap().clone();
        if events.len() >= count {
            events.reverse();
            return events;
        }
        assert!(Instant::now() < deadline, "only {events:?} within 10 s");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn registered_at(world: &World, at: &str) -> Vec<String> {
    let (status, told) = ask(world, Method::GET, &format!("/api/history?at={at}")).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let told = told["instances"].as_array().unwrap();
    told.iter()
        .map(|one| format!("{} {}", one["id"].as_str().unwrap(), one["status"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn who_came_changed_and_left_is_remembered() {
    let world = World::start().await;
    world.register("BOOK", "book:1", 8082, json!({})).await;
    let path = "/eureka/apps/BOOK/book:1";
    let status = format!("{path}/status?value=OUT_OF_SERVICE");
    assert_eq!(ask(&world, Method::PUT, &status).await.0, StatusCode::OK);
    sleep(Duration::from_millis(5)).await;
    let between = Timestamp::from_millisecond(now(&world).await).unwrap();
    assert_eq!(ask(&world, Method::DELETE, path).await.0, StatusCode::OK);
    let told = events(&world, 3).await;
    let kinds: Vec<_> = told.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["registered", "overridden", "cancelled"]);
    assert_eq!(told[0]["address"], "127.0.0.1:8082");
    assert_eq!(told[0]["id"], "book:1");
    assert_eq!(registered_at(&world, &between.to_string()).await, ["book:1 OUT_OF_SERVICE"]);
    assert_eq!(registered_at(&world, "2030-01-01T00:00:00Z").await, Vec::<String>::new());

    let (_, last) = ask(&world, Method::GET, "/api/eureka/lastn").await;
    for list in ["registered", "canceled"] {
        let names: Vec<_> = last[list].as_object().unwrap().values().collect();
        assert_eq!(names, ["BOOK(book:1)"], "{list}");
    }
    let page = world.admin().await.get(&world.at(&format!("/history?at={between}"))).await;
    page.shows("BOOK book:1");
    world.stop().await;
}

/// The registry's own time, in milliseconds, later than everything that it has answered so far.
async fn now(world: &World) -> i64 {
    let (_, status) = ask(world, Method::GET, "/api/eureka/status").await;
    let told = status["status"]["time"].as_str().unwrap();
    told.parse::<Timestamp>().unwrap().as_millisecond()
}

#[tokio::test]
async fn a_time_that_nobody_can_read_is_refused() {
    let world = World::start().await;
    for query in ["at=yesterday", "from=1", "to=25:00"] {
        let (status, problem) = ask(&world, Method::GET, &format!("/api/history?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert!(problem["detail"].as_str().unwrap().contains("is no time; write"), "{problem}");
    }
    world.stop().await;
}
