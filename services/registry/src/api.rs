//! The registry's own interface, as its Java twin has it (contract §7, `contracts/recorded/cases/registry`), and questions
//! about the past. Everything here is for administrators: see [`crate::doors::guarded`].

mod account;
mod eureka;
mod history;
mod provenance;
mod sources;

use std::{path::PathBuf, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use chassis::{Outside, Problem};
use discovery::{Registry, server::ConfigServer};
use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::warn;

use crate::{
    description::{self, LABEL},
    history::History,
};

pub(crate) use eureka::{host_and_port, up_time};
pub(crate) use sources::sources;

/// The longest public key that is read, in bytes.
const KEY_LIMIT: u64 = 16 * 1024;

/// What the interface answers from.
pub(crate) struct Interface {
    pub(crate) registry: Registry,
    pub(crate) history: Arc<History>,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    /// Spring's profiles that the process behaves like.
    pub(crate) profiles: Vec<String>,
    pub(crate) config: ConfigServer,
    pub(crate) ssh_public_key: Option<PathBuf>,
    /// The address of this registry, as it tells it.
    pub(crate) ip_address: String,
    pub(crate) started: Timestamp,
    pub(crate) outside: Outside,
}

impl Interface {
    pub(crate) fn routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/api/account", get(account::account))
            .route("/api/authenticate", get(account::authenticate))
            .route("/api/auth-info", get(auth_info))
            .route("/api/profile-info", get(profile_info))
            .route("/api/ssh/public_key", get(ssh_public_key))
            .route("/api/config/sources", get(config_sources))
            .route("/api/eureka/applications", get(eureka::applications))
            .route("/api/eureka/lastn", get(eureka::last))
            .route("/api/eureka/replicas", get(eureka::replicas))
            .route("/api/eureka/status", get(eureka::status))
            .route("/api/history", get(history::show))
            .route("/api/config/effective", get(provenance::effective))
            .route("/api/config/difference", get(provenance::difference))
            .route("/v3/api-docs", get(description::document))
            .with_state(self)
    }
}

async fn auth_info(State(interface): State<Arc<Interface>>) -> Json<Value> {
    Json(json!({ "issuer": interface.issuer, "clientId": interface.client_id }))
}

/// As the Java registry answered up to its version 6; 7.3.0 answers 404.
async fn profile_info(State(interface): State<Arc<Interface>>) -> Json<Value> {
    Json(json!({
        "activeProfiles": interface.profiles,
        "ribbonEnv": "dev",
        "cloudConfigServerConfigurationSources": sources(&interface.config),
        "cloudConfigLabel": LABEL,
    }))
}

async fn config_sources(State(interface): State<Arc<Interface>>) -> Json<Value> {
    Json(sources(&interface.config))
}

/// The key that git servers know this one by; nothing is there without one.
async fn ssh_public_key(State(interface): State<Arc<Interface>>) -> Response {
    let Some(path) = &interface.ssh_public_key else { return chassis::http::nowhere() };
    match sources::read_bounded(path, KEY_LIMIT).await {
        Ok(key) => ([(header::CONTENT_TYPE, "text/plain;charset=UTF-8")], key).into_response(),
        Err(cause) => {
            warn!("the public key of milena.registry.ssh-public-key cannot be shown: {cause:#}");
            chassis::http::nowhere()
        }
    }
}

/// What is told when the history cannot be read.
pub(crate) fn forgetful(cause: anyhow::Error) -> Problem {
    Problem::unavailable("The history cannot be read now", cause)
}
