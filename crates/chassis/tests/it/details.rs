//! The configuration and the last requests as administrators see them: never with a secret.

use axum::{Router, body::Body, http::Request, routing::get as route};
use chassis::{Service, config::Settings};
use serde_json::{Value, json};

use crate::{
    health::{management, served},
    recorded::{ask, get},
};

fn settings() -> Settings {
    let defaults =
        "spring.mail: {host: h, password: hunter2}\nshelf.url: http://ann:hunter2@h/\nmax-books: 3";
    let settings = Settings::defaults(&[defaults]).unwrap();
    let variables = [("SPRING_MAIL_HOST".to_owned(), "other".to_owned())];
    settings.environment(variables).unwrap()
}

async fn shown(path: &str) -> Value {
    let answer = get(&served(&management(settings()).build()), path, true).await;
    assert_eq!(answer.status, 200, "{path}");
    assert!(!answer.body.contains("hunter2"), "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn properties_are_shown_with_their_sources() {
    let origin = "System Environment Property \"SPRING_MAIL_HOST\"";
    let expected = json!({
        "activeProfiles": ["prod"],
        "propertySources": [
            { "name": "systemEnvironment", "properties": {
                "spring.mail.host": { "value": "other", "origin": origin },
            }},
            { "name": "defaultProperties", "properties": {
                "max-books": { "value": 3, "origin": "default" },
                "shelf.url": { "value": "http://ann:******@h/", "origin": "default" },
                "spring.mail.password": { "value": "******", "origin": "default" },
            }},
        ],
    });
    assert_eq!(shown("/management/env").await, expected);
    let one = shown("/management/env/spring.mail.host").await;
    assert_eq!(one["property"], json!({ "source": "systemEnvironment", "value": "other" }));
    assert_eq!(one["propertySources"][1], json!({ "name": "defaultProperties" }));
}

#[tokio::test]
async fn properties_are_shown_as_beans() {
    let all = shown("/management/configprops").await;
    let beans = &all["contexts"]["library-1"]["beans"];
    assert_eq!(
        beans["spring.mail"]["properties"],
        json!({ "host": "other", "password": "******" })
    );
    assert_eq!(beans[""]["properties"], json!({ "maxBooks": 3 }));
    let some = shown("/management/configprops/spring").await;
    let some = some["contexts"]["library-1"]["beans"].as_object().unwrap().len();
    assert_eq!(some, 1);
    let routes = served(&management(settings()).build());
    assert_eq!(get(&routes, "/management/configprops/spr", true).await.status, 404);
}

#[tokio::test]
async fn the_last_requests_are_shown_without_what_they_carried() {
    let endpoints = management(settings()).build();
    let measuring = endpoints.clone();
    let routes = Service::new("library")
        .routes(Router::new().route("/books/{id}", route(|| async { "one" })))
        .routes(endpoints.admin_routes())
        .around(move |routes| measuring.measured(routes))
        .into_router();
    let request = Request::get("/books/7?access_token=hunter2").header("Authorization", "hunter2");
    let request = request.header("Cookie", "hunter2").body(Body::empty()).unwrap();
    assert_eq!(ask(&routes, request).await.status, 200);
    let answer = get(&routes, "/management/httptrace", true).await;
    assert!(!answer.body.contains("hunter2"), "{}", answer.body);
    let traces: Value = serde_json::from_str(&answer.body).unwrap();
    let trace = &traces["traces"][0];
    assert_eq!(
        (&trace["request"]["method"], &trace["request"]["uri"]),
        (&json!("GET"), &json!("/books/7"))
    );
    assert_eq!(trace["response"]["status"], 200);
}
