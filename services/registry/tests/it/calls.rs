//! Pages about an instance: what is fetched from it in the administrator's name, and where the registry does not go.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Request},
    http::StatusCode,
    response::Redirect,
    routing::{any, get, post},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use crate::world::{World, listener};

/// The requests that somebody got: method, path and credentials.
type Seen = Arc<Mutex<Vec<String>>>;

/// Notes every request and answers what a page can show.
fn noting(seen: &Seen) -> Router {
    let seen = seen.clone();
    Router::new().route(
        "/{*path}",
        any(async move |request: Request| {
            let token = request
                .headers()
                .get("authorization")
                .map(|value| value.to_str().unwrap().to_owned());
            let kind = token.unwrap_or_default().split(' ').next().unwrap().to_owned();
            seen.lock().unwrap().push(format!("{} {} {kind}", request.method(), request.uri()));
            Json(json!({ "status": "UP", "loggers": {} }))
        }),
    )
}

fn shown(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap().clone()
}

#[tokio::test]
async fn an_instance_is_asked_at_its_management_port_with_the_administrators_token_and_nothing_else()
 {
    let mut world = World::start().await;
    let (seen, elsewhere) = (Seen::default(), Seen::default());
    let port = world.run("book", noting(&seen)).await;
    let other = world.run("elsewhere", noting(&elsewhere)).await;
    let evil = format!("http://127.0.0.1:{other}/evil?x=");
    let members = json!({
        "metadata": { "management.port": port.to_string() },
        "homePageUrl": evil, "statusPageUrl": evil, "healthCheckUrl": evil,
    });
    world.register("BOOK", "book:1", 1, members).await;
    let admin = world.admin().await;
    for page in ["health", "metrics", "loggers", "environment", "properties", "documents"] {
        let answer = admin.get(&world.at(&format!("/instance/{page}?app=BOOK&id=book:1"))).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
    }
    let form =
        [("app", "BOOK"), ("id", "book:1"), ("logger", "a/../../shutdown?x"), ("level", "DEBUG")];
    let changed = admin.post(&world.at("/instance/loggers"), &form).await;
    assert_eq!(changed.location(), "/instance/loggers?app=BOOK&id=book%3A1&name=");
    assert_eq!(
        shown(&seen),
        [
            "GET /management/health Bearer",
            "GET /management/jhimetrics Bearer",
            "GET /management/loggers Bearer",
            "GET /management/env Bearer",
            "GET /management/configprops Bearer",
            "GET /v3/api-docs Bearer",
            "POST /management/loggers/a%2F..%2F..%2Fshutdown%3Fx Bearer",
        ]
    );
    assert_eq!(shown(&elsewhere), Vec::<String>::new());
    world.stop().await;
}

#[tokio::test]
async fn nobody_is_called_outside_of_the_allowed_networks() {
    let mut world = World::start_with(&[("milena.registry.call-allowed", "10.0.0.0/8")]).await;
    let seen = Seen::default();
    let port = world.run("book", noting(&seen)).await;
    world.register("BOOK", "book:1", port, json!({})).await;
    world.register("BOOK", "book:2", 80, json!({ "hostName": "169.254.169.254" })).await;
    world.register("BOOK", "book:3", 80, json!({ "hostName": "2852039166" })).await;
    world.register("BOOK", "book:4", 80, json!({ "hostName": "fe80::1" })).await;
    world.register("BOOK", "book:5", 80, json!({ "hostName": "10.0.0.1@169.254.169.254" })).await;
    let admin = world.admin().await;
    for (id, told) in [
        ("book:1", "The registry does not call 127.0.0.1."),
        ("book:2", "The registry does not call 169.254.169.254."),
        ("book:3", "The registry does not call 169.254.169.254."),
        ("book:4", "The registry does not call fe80::1."),
        ("book:5", "The instance has registered no address that can be called."),
    ] {
        let page = admin.get(&world.at(&format!("/instance/health?app=BOOK&id={id}"))).await;
        page.shows(told);
    }
    assert_eq!(shown(&seen), Vec::<String>::new());
    world.stop().await;
}

#[tokio::test]
async fn redirects_are_not_followed_and_endless_answers_are_cut_off() {
    let mut world = World::start().await;
    let seen = Seen::default();
    let target = world.run("target", noting(&seen)).await;
    let endless = || {
        let stream = futures_util::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 65536]))
        });
        Body::from_stream(stream)
    };
    let routes = Router::new()
        .route(
            "/management/health",
            get(async move || Redirect::temporary(&format!("http://127.0.0.1:{target}/"))),
        )
        .route("/management/env", get(async move || endless()))
        .route("/management/jhimetrics", get(async || "no json"))
        .route("/management/loggers", get(async || StatusCode::UNAUTHORIZED))
        .route(
            "/v3/api-docs",
            get(async || tokio::time::sleep(std::time::Duration::from_secs(60)).await),
        );
    let port = world.run("book", routes).await;
    world.register("BOOK", "book:1", port, json!({})).await;
    let admin = world.admin().await;
    for (page, told) in [
        (
            "health",
            "wants to send the registry elsewhere (307 Temporary Redirect), which it does not follow",
        ),
        ("environment", "The instance answers with more than 2 MiB."),
        ("metrics", "The instance answers with something else than JSON."),
        ("loggers", "The instance does not accept your sign-in (401)."),
        ("documents", "The instance does not answer: it took longer than 5 s."),
        ("properties", "The instance does not offer this (404)."),
    ] {
        admin.get(&world.at(&format!("/instance/{page}?app=BOOK&id=book:1"))).await.shows(told);
    }
    let (closed, address) = listener().await;
    drop(closed);
    let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
    world.register("BOOK", "book:2", port, json!({})).await;
    let page = admin.get(&world.at("/instance/health?app=BOOK&id=book:2")).await;
    page.shows("The instance does not answer: nothing accepts connections there.");
    assert_eq!(shown(&seen), Vec::<String>::new());
    world.stop().await;
}

#[tokio::test]
async fn levels_are_changed_and_what_an_instance_says_is_shown_as_text() {
    let mut world = World::start().await;
    let set: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
    let noted = set.clone();
    let routes = Router::new()
        .route("/management/loggers", get(async || Json(json!({ "loggers": {
            "ROOT": { "configuredLevel": "INFO", "effectiveLevel": "INFO" },
            "<script>x</script>": { "configuredLevel": null, "effectiveLevel": "WARN" },
        }}))))
        .route("/management/loggers/{name}", post(async move |Path(name): Path<String>, Json(body): Json<Value>| {
            noted.lock().unwrap().push((name, body));
            StatusCode::NO_CONTENT
        }))
        .route("/management/health", get(async || (StatusCode::SERVICE_UNAVAILABLE, Json(json!({
            "status": "DOWN", "components": { "<b>db</b>": { "status": "DOWN", "details": { "error": "<i>gone</i>" } } },
        })))));
    let port = world.run("book", routes).await;
    world.register("BOOK", "book:1", port, json!({})).await;
    let admin = world.admin().await;
    let page = admin.get(&world.at("/instance/loggers?app=BOOK&id=book:1")).await;
    page.shows("<script>x</script>");
    assert!(!page.body.contains("<script"), "{}", page.body);
    let page = admin.get(&world.at("/instance/health?app=BOOK&id=book:1")).await;
    page.shows("<b>db</b> DOWN error <i>gone</i>");
    assert!(!page.body.contains("<b>") && !page.body.contains("<i>"), "{}", page.body);
    for (logger, level) in [("com.example", "TRACE"), ("ROOT", "")] {
        let form = [("app", "BOOK"), ("id", "book:1"), ("logger", logger), ("level", level)];
        admin.post(&world.at("/instance/loggers"), &form).await.location();
    }
    let form = [("app", "BOOK"), ("id", "book:1"), ("logger", "x"), ("level", "LOUD")];
    let refused = admin.post(&world.at("/instance/loggers"), &form).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        *set.lock().unwrap(),
        [
            ("com.example".to_owned(), json!({ "configuredLevel": "TRACE" })),
            ("ROOT".to_owned(), json!({ "configuredLevel": null })),
        ]
    );
    world.stop().await;
}

#[tokio::test]
async fn an_instance_that_trusts_a_secret_is_shown_a_token_that_is_signed_with_it() {
    let mut world = World::start().await;
    let config = world.folder.path().join("central-config");
    std::fs::create_dir_all(&config).unwrap();
    let secret = "jhipster:\n  security:\n    authentication:\n      jwt:\n        base64-secret: ";
    let secret = format!("{secret}{}\n", BASE64_STANDARD.encode([7; 64]));
    std::fs::write(config.join("shop-prod.yml"), secret).unwrap();
    let accepting = Router::new().route(
        "/shop/actuator/health",
        get(async |request: Request| {
            let token = request.headers()["authorization"].to_str().unwrap().to_owned();
            let part = |number| {
                let part = token.trim_start_matches("Bearer ").split('.').nth(number).unwrap();
                let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
                serde_json::from_slice::<Value>(&bytes).unwrap()
            };
            if part(0)["alg"] != "HS512" {
                return Err(StatusCode::UNAUTHORIZED);
            }
            let claims = part(1);
            assert_eq!((&claims["sub"], &claims["auth"]), (&json!("admin"), &json!("ROLE_ADMIN")));
            Ok(Json(json!({ "status": "OUT_OF_ORDER" })))
        }),
    );
    let port = world.run("shop", accepting).await;
    let members = |profile: &str| {
        json!({
            "metadata": { "profile": profile },
            "healthCheckUrl": format!("http://127.0.0.1:{port}/shop/actuator/health"),
        })
    };
    world.register("SHOP", "shop:1", port, members("prod,api-docs")).await;
    world.register("SHOP", "shop:2", port, members("dev")).await;
    let admin = world.admin().await;
    let health = |id: &str| world.at(&format!("/instance/health?app=SHOP&id={id}"));
    admin.get(&health("shop:1")).await.shows("OUT_OF_ORDER");
    admin.get(&health("shop:2")).await.shows("The instance does not accept your sign-in (401).");
    world.stop().await;
}
