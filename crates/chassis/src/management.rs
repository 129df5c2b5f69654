//! The endpoints by which a running service is watched (contract §8): health and info.

use axum::{Json, Router, routing::get};
use serde_json::{Value, json};

/// In the extensions of a request whose caller may see details: who has the administrator's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Administrator;

/// Serves `/management/health`, its two groups and `/management/info`.
pub fn routes(profiles: &'static [&'static str]) -> Router {
    let up = || async { Json(json!({ "status": "UP" })) };
    Router::new()
        .route(
            "/management/health",
            get(|| async { Json(json!({ "status": "UP", "groups": ["liveness", "readiness"] })) }),
        )
        .route("/management/health/liveness", get(up))
        .route("/management/health/readiness", get(up))
        .route("/management/info", get(move || async move { Json(info(profiles)) }))
}

fn info(profiles: &[&str]) -> Value {
    json!({ "build": { "version": env!("CARGO_PKG_VERSION"), "name": "milena" }, "activeProfiles": profiles })
}
