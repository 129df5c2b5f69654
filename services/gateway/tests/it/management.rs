//! What the gateway shows of itself, and to whom: as recorded of the Java gateway, where ours has the same to say.

use std::{fs, path::PathBuf};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::{
    browser::{Answer, Browser},
    sign_in,
    world::World,
};

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// Everybody of whom the Java gateway was recorded.
struct Callers {
    anonymous: Browser,
    session: [(&'static str, Browser); 2],
    bearer: [(&'static str, Browser); 2],
}

impl Callers {
    async fn of(world: &World) -> Self {
        let session = async |user| sign_in::signed_in(world, user).await.reading_anything();
        let bearer = async |user| world.program(user).await.reading_anything();
        Callers {
            anonymous: Browser::fresh().reading_anything(),
            session: [("admin", session("admin").await), ("user", session("user").await)],
            bearer: [("admin", bearer("admin").await), ("user", bearer("user").await)],
        }
    }

    /// Who sent a recorded request; a caller without roles is one whom the tests have not.
    fn find(&self, recorded: &str) -> Option<&Browser> {
        if recorded.starts_with("anonymous") {
            return Some(&self.anonymous);
        }
        let named = |callers: &'_ [(&'static str, Browser); 2]| {
            callers.iter().position(|(name, _)| recorded.ends_with(name))
        };
        match recorded.starts_with("bearer") {
            true => named(&self.bearer).map(|at| &self.bearer[at].1),
            false => named(&self.session).map(|at| &self.session[at].1),
        }
    }
}

fn cases() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/recorded/cases/gateway");
    let entries = fs::read_dir(PathBuf::from(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn everybody_is_answered_as_by_the_java_gateway() {
    let world = World::start().await;
    let callers = Callers::of(&world).await;
    let mut same = 0;
    for case in cases() {
        let (name, recorded) = (&case["case"], &case["response"]);
        let Some(caller) = callers.find(case["caller"].as_str().unwrap()) else { continue };
        let path = case["request"]["path"].as_str().unwrap();
        let answer = caller.get(&world.at(path)).await;
        assert_eq!(Some(u64::from(answer.status.as_u16())), recorded["status"].as_u64(), "{name}");
        let is_short = recorded["body"].as_str().unwrap().len() < 500;
        // What a program was made of and how it was configured is its own.
        let is_own = ["/management/info", "/management/env"].contains(&path);
        if is_short && !(is_own && answer.status == StatusCode::OK) {
            assert_eq!(answer.body, recorded["body"], "{name}");
            same += 1;
        }
    }
    assert_eq!(same, 10, "bodies that are the same byte for byte");
    world.stop().await;
}

#[tokio::test]
async fn an_administrator_sees_the_parts_by_session_and_by_token() {
    let world = World::start().await;
    let callers = Callers::of(&world).await;
    let [(_, by_session), (_, user)] = &callers.session;
    for caller in [by_session, &callers.bearer[0].1] {
        let health = json(&caller.get(&world.at("/management/health")).await);
        assert_eq!(health["components"]["diskSpace"]["status"], "UP", "{health}");
        let disk = caller.get(&world.at("/management/health/diskSpace")).await;
        assert_eq!(json(&disk)["details"]["exists"], true);
    }
    for caller in [&callers.anonymous, user] {
        let health = caller.get(&world.at("/management/health")).await;
        assert_eq!(health.body, r#"{"status":"UP","groups":["liveness","readiness"]}"#);
        let disk = caller.get(&world.at("/management/health/diskSpace")).await;
        assert_eq!(disk.status, StatusCode::NOT_FOUND);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_secret_is_shown_to_nobody() {
    let world = World::start().await;
    let admin = world.admin().await.reading_json();
    let env = json(&admin.get(&world.at("/management/env")).await).to_string();
    assert!(env.contains("client-secret\":{\"value\":\"******\""), "{env}");
    assert!(env.contains("issuer-uri"), "{env}");
    world.stop().await;
}

#[tokio::test]
async fn a_change_through_a_session_needs_the_token_of_the_page() {
    let world = World::start().await;
    let callers = Callers::of(&world).await;
    let (by_session, by_token) = (&callers.session[0].1, &callers.bearer[0].1);
    let root = world.at("/management/loggers/ROOT");
    let refused = by_session.send(Method::POST, &root, None).await;
    assert_eq!((refused.status, &*refused.body), (StatusCode::FORBIDDEN, "Invalid CSRF Token"));
    // Without a session there is nothing that another site could use; the media type is wrong, though.
    let read = by_token.send(Method::POST, &root, None).await;
    assert_eq!(read.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{read:?}");
    let by_user = callers.bearer[1].1.send(Method::POST, &root, None).await;
    assert_eq!(by_user.status, StatusCode::FORBIDDEN, "{by_user:?}");
    for (caller, expected) in [(&callers.bearer[1].1, 403), (by_token, 405)] {
        let answer = caller.send(Method::DELETE, &world.at("/management/env"), None).await;
        assert_eq!(answer.status.as_u16(), expected, "{answer:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn requests_are_measured_by_route_whatever_is_asked_for() {
    let world = World::start().await;
    let admin = world.admin().await.reading_json();
    for path in [
        "/services/library/echo/a",
        "/services/library/echo/b",
        "/entities/library/books",
        "/entities/library/other",
        "/nope/1",
        "/nope/2",
    ] {
        admin.get(&world.at(path)).await;
    }
    let figures = admin.get(&world.at("/management/jhimetrics")).await;
    let figures = json(&figures);
    let routes: Vec<&String> = figures["services"].as_object().unwrap().keys().collect();
    for route in ["/services/{service}/**", "/entities/{service}/{collection}", "/**"] {
        assert!(routes.iter().any(|known| *known == route), "{route} is not among {routes:?}");
    }
    for asked in ["library", "echo", "nope"] {
        assert!(!routes.iter().any(|known| known.contains(asked)), "{asked}: {routes:?}");
    }
    let text = Browser::fresh().get(&world.at("/management/prometheus")).await.body;
    assert!(text.contains("http_server_requests_seconds_count{application=\"gateway\","), "{text}");
    world.stop().await;
}
