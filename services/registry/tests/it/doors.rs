//! Who may go where.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::World;

/// The callers: nobody, a wrong password, the password, a plain user's token, an administrator's, a broken one.
const CALLERS: [&str; 6] =
    ["", "Basic YWRtaW46d3Jvbmc=", "Basic YWRtaW46YWRtaW4=", "user", "admin", "Bearer x.y.z"];

/// What each caller is answered, in the order of [`CALLERS`].
const DOORS: [(&str, [u16; 6]); 17] = [
    ("/management/health", [200, 401, 200, 200, 200, 401]),
    ("/management/health/readiness", [200, 401, 200, 200, 200, 401]),
    ("/management/health/ping", [404, 401, 200, 404, 200, 401]),
    ("/management/info", [200, 401, 200, 200, 200, 401]),
    ("/management/information", [401, 401, 404, 403, 404, 401]),
    ("/management/prometheus", [401, 401, 200, 403, 200, 401]),
    ("/management/loggers", [401, 401, 200, 403, 200, 401]),
    ("/management/nope/nope", [401, 401, 404, 403, 404, 401]),
    ("/management", [401, 401, 200, 403, 200, 401]),
    ("/eureka/apps", [401, 401, 200, 403, 200, 401]),
    ("/eureka/nope", [401, 401, 404, 403, 404, 401]),
    ("/config/library/prod", [401, 401, 200, 403, 200, 401]),
    ("/api/account", [401, 401, 200, 403, 200, 401]),
    ("/api/history", [401, 401, 200, 403, 200, 401]),
    ("/api/nope", [401, 401, 404, 403, 404, 401]),
    ("/nope", [404, 401, 404, 404, 404, 401]),
    ("/applications", [404, 401, 404, 404, 404, 401]),
];

#[tokio::test]
async fn doors_open_for_those_who_may_pass() {
    let world = World::start().await;
    let (user, admin) = (world.token("user").await, world.token("admin").await);
    for (path, expected) in DOORS {
        for (caller, expected) in CALLERS.iter().zip(expected) {
            let credentials = match *caller {
                "user" => format!("Bearer {user}"),
                "admin" => format!("Bearer {admin}"),
                credentials => credentials.to_owned(),
            };
            let mut request = reqwest::Client::new().get(world.at(path));
            if !credentials.is_empty() {
                request = request.header("authorization", credentials);
            }
            let answer = request.header("accept", "*/*").send().await.unwrap();
            assert_eq!(answer.status(), expected, "{path} {caller}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_wrong_method_tells_nothing_to_nobody() {
    let world = World::start().await;
    for path in
        ["/api/account", "/eureka/apps", "/config/library/prod", "/management/env", "/api/nope"]
    {
        for method in [Method::DELETE, Method::POST, Method::OPTIONS] {
            let request = reqwest::Client::new().request(method.clone(), world.at(path));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
            assert!(!answer.headers().contains_key("allow"), "{method} {path}");
        }
    }
    let answer = reqwest::Client::new().get(world.at("/api/logout")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    world.stop().await;
}

#[tokio::test]
async fn a_wrong_password_is_answered_with_a_challenge_and_none_with_none() {
    let world = World::start().await;
    let ask = async |password: Option<&str>| {
        let mut request = reqwest::Client::new().get(world.at("/eureka/apps"));
        if password.is_some() {
            request = request.basic_auth("admin", password);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        answer.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(ask(None).await, None);
    let challenge = Some("Basic realm=\"JHipster Registry\"".to_owned());
    assert_eq!(ask(Some("wrong")).await, challenge);
    world.stop().await;
}

#[tokio::test]
async fn machines_need_no_token_of_a_page_and_foreign_pages_do_not_help_themselves_to_the_password()
{
    let world = World::start().await;
    world.register("BOOK", "book:1", 8082, json!({})).await;
    let cancel = async |site: Option<&str>| {
        let mut request = reqwest::Client::new()
            .request(Method::DELETE, world.at("/eureka/apps/BOOK/book:1"))
            .basic_auth("admin", Some("admin"));
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        request.send().await.unwrap().status()
    };
    assert_eq!(cancel(Some("cross-site")).await, StatusCode::FORBIDDEN);
    assert_eq!(cancel(None).await, StatusCode::OK);
    world.stop().await;
}

#[tokio::test]
async fn details_of_health_are_for_administrators() {
    let world = World::start().await;
    let health = async |token: Option<&str>| {
        let mut request = reqwest::Client::new().get(world.at("/management/health"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        serde_json::from_str::<Value>(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    };
    let closed = json!({ "status": "UP", "groups": ["liveness", "readiness"] });
    assert_eq!(health(None).await, closed);
    assert_eq!(health(Some(&world.token("user").await)).await, closed);
    let open = health(Some(&world.token("admin").await)).await;
    assert_eq!(open["components"]["diskSpace"]["status"], "UP", "{open}");
    world.stop().await;
}
