//! The registry: services register here and find one another, and are told their configuration; people see who is where,
//! who was, and how each instance is.

mod api;
mod call;
mod description;
mod doors;
mod history;
mod machine;
mod pages;
mod settings;

use std::sync::Arc;

use ::pages::{errors, headers, style};
use axum::{Router, middleware, routing::any};
use chassis::{Outside, Service, http::Answers, management::Management};
use database::{DatabaseRef, Table};
use discovery::{
    Registry,
    server::{ConfigServer, Gate},
};
use identity::{
    csrf,
    login::{self, Login},
};

pub use description::about;
pub use settings::{DEFAULTS, Settings};

/// The name of the registry among the services.
pub const NAME: &str = "jhipster-registry";

use api::Interface;
use call::Calls;
use history::History;
use pages::Pages;

/// The session's cookie, by the name that the Java registry gives it: the gateway's may be on the same host.
pub const COOKIE: &str = "JSESSIONID_REGISTRY";

/// What stands at the top of every page.
const BRAND: &str = "Milena registry";
/// Where failures are shown as pages, and what they say of us.
const PLACE: errors::Place = errors::Place {
    brand: BRAND,
    service: "registry",
    programs: &["/api/", "/eureka/", "/config/", "/management/", "/v3/"],
};

/// What the registry is made of.
pub struct Parts {
    /// What it needs to know.
    pub settings: Settings,
    /// Signs people in and out; made with [`COOKIE`].
    pub login: Arc<Login>,
    /// The issuer's address: signing out leads there.
    pub issuer: String,
    /// Our name at the issuer.
    pub client_id: String,
    /// Spring's profiles that the process behaves like.
    pub profiles: Vec<String>,
    /// What the process shows of itself; made with [`about`].
    pub management: Management,
    /// Who is where, and with which other registries that is shared.
    pub registry: Registry,
    /// Which configuration applies.
    pub config: ConfigServer,
    /// Keeps sessions and the past; has the [`tables`].
    pub database: DatabaseRef,
    /// The address of this registry, as it tells it.
    pub ip_address: String,
    /// The time and randomness.
    pub outside: Outside,
}

/// The tables that the registry's database needs.
pub fn tables() -> Vec<Table> {
    identity::session::tables().into_iter().chain(history::tables()).collect()
}

/// Eureka below `/eureka`, Config below `/config`, the registry's own interface, what the process shows of itself, and the
/// pages; and the loops that evict the silent and remember what happened. Starts nothing.
pub fn service(parts: Parts) -> Service {
    let Parts { settings, login, issuer, registry, config, database, outside, .. } = parts;
    let gate = Gate::new(doors::USER, &settings.password);
    let history = Arc::new(History::new(database, settings.history, outside.clone()));
    let interface = Arc::new(Interface {
        registry: registry.clone(),
        history: history.clone(),
        issuer: issuer.clone(),
        client_id: parts.client_id,
        profiles: parts.profiles,
        config: config.clone(),
        ssh_public_key: settings.ssh_public_key,
        ip_address: parts.ip_address,
        started: outside.now(),
        outside: outside.clone(),
    });
    let pages = Arc::new(Pages {
        registry: registry.clone(),
        history: history.clone(),
        config: config.clone(),
        calls: Calls::new(settings.call_allowed, &config, &outside),
        interface: interface.clone(),
    });
    let management = description::described(parts.management, registry.clone(), config.clone());
    let endpoints = management.build();
    let guarded = Router::new()
        .nest("/eureka", registry.routes())
        .nest("/config", config.routes())
        .merge(interface.routes())
        .merge(doors::management(&endpoints))
        .merge(login.clone().sign_in_and_out().layer(middleware::from_fn(doors::sign_out_people)))
        .merge(pages.routes())
        // A route and not a fallback, so that the doors are in front of it.
        .route("/{*path}", any(|| async { chassis::http::nowhere() }))
        .method_not_allowed_fallback(doors::wrong_method);
    // The guard is in front of the check of tokens: who may not do something learns nothing else.
    let guarded = doors::guarded(csrf::protect(guarded, outside.clone()));
    let policy = headers::content_security_policy(&issuer);
    let routes = doors::machines(login::sessions(guarded, login.clone()), gate.clone())
        .layer(middleware::from_fn_with_state(PLACE, errors::for_people))
        .layer(middleware::from_fn_with_state(policy.clone(), headers::add));
    let renewed = registry.clone();
    let heartbeat = endpoints.measuring(Registry::HEARTBEAT, move |request| {
        let mut response = renewed.heartbeat(&gate, request)?;
        headers::add_to(&policy, response.headers_mut());
        Some(response)
    });
    let events = registry.events();
    let (trimmed, noting, replicating) = (history.clone(), history.clone(), registry.clone());
    let noted = config.clone();
    Service::new("registry")
        .routes(style::routes().merge(routes))
        .answering_as(Answers::Spring(outside))
        .shortcut(heartbeat)
        .around(move |routes| endpoints.measured(routes))
        .background("sessions", move |stop| login.tend(stop))
        .background("history", move |stop| async move { history.record(events, stop).await })
        .background("configuration", |stop| config.refresh(stop))
        .background("versions", move |stop| async move { noting.note(noted, stop).await })
        .background("forget", move |stop| async move { trimmed.trim(stop).await })
        .background("replicate", |stop| replicating.replicate(stop))
        .background("evict", |stop| registry.evict(stop))
}
