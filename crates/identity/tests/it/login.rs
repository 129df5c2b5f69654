//! Signing in and out, sessions, refreshes and the protection against forged requests, against an issuer on a socket.

mod browser;
mod csrf;
mod development;
mod flow;
mod refresh;
mod scripted;
mod sessions;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    Json, Router,
    routing::{get, post},
};
use chassis::{Outside, Secret, Service};
use database::{DatabaseRef, Durability, Sqlite};
use identity::{
    Provider, Verifier,
    csrf::CsrfToken,
    login::{Login, LoginSettings, Visitor},
    session::Sessions,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use browser::{Answer, Browser};
use scripted::{Issuer, Script};

const HOST: &str = "books.example.org:8081";
const BASE: &str = "http://books.example.org:8081";
const CLIENT: &str = "reading_room";
const SECRET: &str = "s3cret: 100%";
/// The secret as RFC 6749 §2.3.1 wants it in the header.
const ESCAPED_SECRET: &str = "s3cret%3A%20100%25";
const NOW: &str = "2026-01-01T00:00:00Z";

/// A gateway, its database and its issuer.
struct House {
    issuer: Arc<Issuer>,
    database: DatabaseRef,
    clocks: AtomicU64,
    _folder: TempDir,
}

impl House {
    async fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions.db");
        let database = Sqlite::open(&path, &identity::session::tables(), Durability::ProcessCrash)
            .await
            .unwrap();
        House {
            issuer: Issuer::start().await,
            database,
            clocks: AtomicU64::new(0),
            _folder: folder,
        }
    }

    /// A clock that stands still so many minutes after the beginning, and random numbers that nobody else gets.
    fn outside_at(&self, minutes: i64) -> Outside {
        let beginning: Timestamp = NOW.parse().unwrap();
        let seed = self.clocks.fetch_add(1_000_000, Ordering::Relaxed);
        Outside::fixed(beginning + SignedDuration::from_mins(minutes), seed)
    }

    /// The login of a gateway whose clock stands still so many minutes after the beginning.
    fn login_at(&self, minutes: i64) -> Arc<Login> {
        let outside = self.outside_at(minutes);
        let provider = Provider::new(&self.issuer.url).unwrap();
        let verifier = Verifier::new(provider.clone(), vec!["account".into()], outside.clone());
        Login::new(LoginSettings {
            provider,
            verifier: Arc::new(verifier),
            client_id: CLIENT.into(),
            client_secret: Secret::new(SECRET.into()),
            scopes: vec!["openid".into(), "profile".into()],
            sessions: Sessions::new(self.database.clone(), outside.clone()),
            outside,
        })
    }

    fn gateway_at(&self, minutes: i64) -> Router {
        gateway(self.login_at(minutes), self.outside_at(minutes))
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.gateway_at(0))
    }

    /// A browser that has signed in.
    async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        assert_eq!(self.sign_in(&mut browser, "").await.status, 302);
        browser
    }

    /// Goes to the issuer and back, and returns the gateway's last answer.
    async fn sign_in(&self, browser: &mut Browser, query: &str) -> Answer {
        let callback = self.to_issuer(browser, query).await;
        browser.get(&callback).await
    }

    /// Goes to the issuer, and returns the path to which it sends the browser back.
    async fn to_issuer(&self, browser: &mut Browser, query: &str) -> String {
        let leaving = browser.get(&format!("/oauth2/authorization/oidc{query}")).await;
        assert_eq!(leaving.status, 302, "{leaving:?}");
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let returning = client.get(leaving.location()).send().await.unwrap();
        let location = returning.headers()["location"].to_str().unwrap();
        location.strip_prefix(BASE).unwrap().to_owned()
    }
}

fn gateway(login: Arc<Login>, outside: Outside) -> Router {
    let routes = login.clone().routes().merge(
        Router::new()
            .route("/visitor", get(visitor))
            .route("/form", get(|token: CsrfToken| async move { token.0 }))
            .route(
                "/echo",
                post(|body: String| async move { body })
                    .get(|| async { "" })
                    .put(|body: String| async move { body }),
            ),
    );
    let routes = identity::csrf::protect(identity::login::sessions(routes, login), outside);
    Service::new("gateway").routes(routes).into_router()
}

async fn visitor(visitor: Visitor) -> Json<Value> {
    let kind = match &visitor {
        Visitor::Anonymous => "anonymous",
        Visitor::Session(_) => "session",
        Visitor::Bearer(_) => "bearer",
    };
    let printed = format!("{visitor:?}");
    assert!(!printed.contains("access-") && !printed.contains("refresh-"), "{printed}");
    let signed_in = visitor.signed_in();
    let token = signed_in.map(|signed_in| match signed_in.access_token() {
        Ok(token) => json!(token.expose()),
        Err(problem) => json!(problem.status().as_u16()),
    });
    Json(
        json!({ "kind": kind, "login": signed_in.map(|signed_in| &signed_in.caller.login), "token": token }),
    )
}

async fn kind(browser: &mut Browser) -> String {
    browser.get("/visitor").await.json()["kind"].as_str().unwrap().to_owned()
}
