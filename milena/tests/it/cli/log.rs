//! What the program writes on standard error: for people or for machines, never a forged line, never a secret.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Client, Response, StatusCode, header, redirect};
use serde_json::Value;

use crate::program::{Api, System, until};

/// A name that tries to look like a line of its own, in both formats.
const FORGED: &str = "Candle\r\n2026-11-24T10:00:00.000Z ERROR forged : owned\n{\"level\":\"ERROR\",\"message\":\"owned\"}\u{2028}ERROR";

/// Updates a store of this name, and waits for its alert.
async fn story(api: &Api, name: &str) {
    let token = api.token().await;
    let id = api.create_store(&token, name).await;
    api.update_store(&token, &id, name).await.unwrap().error_for_status().unwrap();
    until("the alert", async || api.alerts(&token).await.contains(&name.to_owned()).then_some(()))
        .await;
}

#[tokio::test]
async fn the_log_tells_the_story_to_who_greps_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::start(folder.path(), &[], &[]).await;
    story(&system.api, "Candle Shop").await;
    system.program.says("accepted mail Store Alert: Candle Shop").await;
    let log = system.stop().await.err;
    let line =
        |parts: &[&str]| log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(line(&["AlertConsumer", "Got message from kafka stream: Candle Shop CLOSED"]), "{log}");
    assert!(line(&["Consumer", "groupId=store-alerts"]), "{log}");
    assert!(line(&[" INFO ", "store ", " updated"]), "{log}");
    assert!(line(&["stopping"]), "{log}");
}

#[tokio::test]
async fn each_line_for_machines_is_an_object() {
    let folder = tempfile::tempdir().unwrap();
    let ignored = ("SPRING_JPA_SHOW_SQL", "true");
    let system = System::start(folder.path(), &["--log-format", "json"], &[ignored]).await;
    story(&system.api, FORGED).await;
    let log = system.stop().await.err;
    let mut messages = BTreeSet::new();
    for line in log.lines() {
        let event: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for member in ["timestamp", "level", "message", "target"] {
            assert!(event[member].is_string(), "{member}: {line}");
        }
        assert_ne!(event["level"], "ERROR", "{line}");
        messages.insert(event["message"].as_str().unwrap().to_owned());
    }
    assert!(
        messages.contains(&format!("Got message from kafka stream: {FORGED} CLOSED")),
        "{messages:#?}"
    );
    assert!(
        messages.iter().any(|text| text.starts_with(ignored.0)),
        "what has no effect is named: {messages:#?}"
    );
}

#[tokio::test]
async fn a_name_cannot_forge_a_line_for_people() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::start(folder.path(), &[], &[]).await;
    story(&system.api, FORGED).await;
    let log = system.stop().await.err;
    assert!(log.contains("Got message from kafka stream: Candle__2026"), "{log}");
    for line in log.split(['\n', '\r', '\u{2028}']).filter(|line| !line.is_empty()) {
        let level = line.split_whitespace().nth(1);
        assert!(matches!(level, Some("INFO" | "WARN")), "{line}");
        assert!(
            line.split_whitespace()
                .next()
                .is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok()),
            "{line}"
        );
    }
}

#[tokio::test]
async fn no_secret_is_written_even_when_everything_is() {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let password = "a-password-that-nobody-guesses";
        let variables =
            [("LOGGING_LEVEL_ROOT", "trace"), ("SPRING_SECURITY_USER_PASSWORD", password)];
        let system = System::start(folder.path(), &["--log-format", format], &variables).await;
        let mut secrets = BTreeSet::from([
            password.to_owned(),
            BASE64_STANDARD.encode(format!("admin:{password}")),
        ]);
        tokens(&system.api, &mut secrets).await;
        sign_in(&system.api, &mut secrets).await;
        let log = system.stop().await.err;
        assert!(secrets.len() > 10, "there was something to hide: {secrets:?}");
        let told: Vec<&String> =
            secrets.iter().filter(|secret| log.contains(secret.as_str())).collect();
        assert!(told.is_empty(), "{told:?}");
        assert!(!log.contains("password=admin"), "no form");
        let detailed = |line: &&str| line.contains("DEBUG") || line.contains("TRACE");
        let detailed: Vec<&str> = log.lines().filter(detailed).collect();
        assert!(!detailed.is_empty(), "everything was asked for: {log}");
        // What passes through the crates of others is not theirs to judge.
        let others =
            ["hyper", "reqwest", "rustls", "sqlx", "tower", "axum", "lettre", "mio", "tokio"];
        let heard = detailed
            .iter()
            .find(|line| others.iter().any(|name| line.contains(&format!("\"target\":\"{name}"))));
        assert_eq!(heard, None);
    }
}

/// Gets tokens as scripts do, refreshes them, and calls the services with them.
async fn tokens(api: &Api, secrets: &mut BTreeSet<String>) {
    let first = api.tokens().await;
    let url = format!("{}/protocol/openid-connect/token", api.at("issuer"));
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "web_app"),
        ("client_secret", "web_app"),
        ("refresh_token", first["refresh_token"].as_str().unwrap()),
    ];
    let refreshed = api.client.post(url).form(&form).send().await.unwrap();
    assert_eq!(refreshed.status(), StatusCode::OK);
    for answer in [first, refreshed.json().await.unwrap()] {
        for member in ["access_token", "refresh_token", "id_token"] {
            secrets.insert(answer[member].as_str().unwrap().to_owned());
        }
        let token = answer["access_token"].as_str().unwrap();
        api.create_store(token, "Candle Shop").await;
        let through = format!("{}/services/store/api/stores", api.at("gateway"));
        let answer = api.client.get(through).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let broken = format!("{}x", secrets.iter().last().unwrap());
    let url = format!("{}/api/stores", api.at("store"));
    let refused = api.client.get(url).bearer_auth(&broken).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    secrets.insert(broken);
}

/// Signs in as a browser does: every cookie, code, state and nonce on the way is a secret.
async fn sign_in(api: &Api, secrets: &mut BTreeSet<String>) {
    let client = Client::builder().no_proxy().tls_certs_only([]).redirect(redirect::Policy::none());
    let mut visit = Visit { client: client.build().unwrap(), cookies: Vec::new() };
    let start = visit.get(&format!("{}/oauth2/authorization/oidc", api.at("gateway"))).await;
    let page = visit.get(&location(&start, secrets)).await;
    assert_eq!(page.status(), StatusCode::OK);
    let text = page.text().await.unwrap();
    let action = text.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    let origin = api.at("issuer").trim_end_matches("/realms/jhipster");
    let action = format!("{origin}{}", html_escape::decode_html_entities(action));
    let form = [("username", "admin"), ("password", "admin")];
    let granted = visit.send(visit.client.post(action).form(&form)).await;
    let callback = location(&granted, secrets);
    assert!(callback.contains("code="), "{callback}");
    let back = visit.get(&callback).await;
    assert!(back.status().is_redirection(), "{back:?}");
    let account = visit.get(&format!("{}/api/account", api.at("gateway"))).await;
    assert_eq!(account.status(), StatusCode::OK, "signed in");
    secrets.extend(visit.cookies.into_iter().map(|(_, value)| value));
}

/// Where an answer leads; what its query carries is secret.
fn location(answer: &Response, secrets: &mut BTreeSet<String>) -> String {
    let location = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let url = reqwest::Url::parse(&location).unwrap();
    let hidden = url
        .query_pairs()
        .filter(|(name, _)| matches!(name.as_ref(), "code" | "state" | "nonce" | "code_challenge"));
    secrets.extend(hidden.map(|(_, value)| value.into_owned()));
    location
}

/// A browser as far as cookies go. They all go everywhere, which both servers bear.
struct Visit {
    client: Client,
    cookies: Vec<(String, String)>,
}

impl Visit {
    async fn get(&mut self, url: &str) -> Response {
        self.send(self.client.get(url)).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Response {
        let pairs: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header(header::COOKIE, pairs.join("; ")).send().await.unwrap();
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(other, _)| other != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
}
