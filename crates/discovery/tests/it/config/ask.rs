//! Asking a configuration server, and what of its answer counts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderName, header},
};
use chassis::{Secret, Service};
use discovery::server::{ConfigServer, Gate, config::ConfigServerSettings};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The administrator's credentials.
pub(crate) const ADMIN: &str = "Basic YWRtaW46YWRtaW4=";

/// An answer. Bytes that are no text are replaced.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: Option<String>,
    pub(crate) length: Option<String>,
    pub(crate) modified: Option<String>,
    pub(crate) body: String,
}

pub(crate) fn contracts(path: &str) -> PathBuf {
    let all = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/recorded"));
    all.canonicalize().unwrap().join(path)
}

pub(crate) fn json_of(path: &str) -> Value {
    serde_json::from_slice(&fs::read(contracts(path)).unwrap()).unwrap()
}

/// A guarded server over a folder of contracts, with this key.
pub(crate) fn server(folder: &str, key: Option<&str>) -> Router {
    let settings = ConfigServerSettings {
        key: key.map(|key| Secret::new(key.to_owned())),
        ..ConfigServerSettings::folder(&contracts(folder))
    };
    guarded(&ConfigServer::with(settings, chassis::Outside::system()).unwrap())
}

pub(crate) fn guarded(server: &ConfigServer) -> Router {
    let gate = Gate::new("admin", &Secret::new("admin".into()));
    let routes = Router::new().nest("/config", gate.protect(server.routes()));
    Service::new("registry").routes(routes).into_router()
}

pub(crate) async fn get(router: &Router, path: &str, accept: &str) -> Answer {
    let headers = json!([["Authorization", ADMIN], ["Accept", accept]]);
    send(router, &json!({ "method": "GET", "path": path, "headers": headers })).await
}

/// Sends a request as the recordings have it.
pub(crate) async fn send(router: &Router, request: &Value) -> Answer {
    let mut builder = Request::builder()
        .method(request["method"].as_str().unwrap())
        .uri(request["path"].as_str().unwrap());
    for pair in request["headers"].as_array().unwrap() {
        builder = builder.header(pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
    }
    let body = request["body"].as_str().map(|body| Body::from(body.to_owned())).unwrap_or_default();
    let answer = router.clone().oneshot(builder.body(body).unwrap()).await.unwrap();
    let header = |name: HeaderName| {
        answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    let (status, kind) = (answer.status().as_u16(), header(header::CONTENT_TYPE));
    let (length, modified) = (header(header::CONTENT_LENGTH), header(header::LAST_MODIFIED));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let length = length.or_else(|| Some(body.len().to_string()));
    Answer { status, kind, length, modified, body: String::from_utf8_lossy(&body).into_owned() }
}

/// Runs git in a folder, with an author that does not depend on the machine.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Ann",
            "-c",
            "user.email=ann@example.org",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Writes files and commits them; tells the commit.
pub(crate) fn commit(folder: &Path, files: &[(&str, &str)]) -> String {
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "x"]);
    git(folder, &["rev-parse", "HEAD"])
}
