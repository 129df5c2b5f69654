//! The endpoints as routes, and around a service's routes.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::HeaderMap,
    middleware,
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Watched, caches, changes, environment,
    health::{self, Health},
    jhimetrics, links, loggers, media, metrics, prometheus, refresh, threads,
};
use crate::Problem;

/// The management endpoints of one service.
#[derive(Clone)]
pub struct Endpoints {
    pub(super) health: Arc<Health>,
    pub(super) watched: Arc<Watched>,
}

impl Endpoints {
    /// Health, info and figures, which are for everybody. What is inside of health is shown to a request that has an
    /// [`Administrator`](super::Administrator) in its extensions.
    pub fn open_routes(&self) -> Router {
        let routes = Router::new()
            .route("/management/info", get(info))
            .route("/management/prometheus", get(prometheus::show))
            .with_state(self.watched.clone());
        routes.merge(health::routes(self.health.clone()))
    }

    /// Everything else. Whoever mounts these routes lets only administrators in.
    pub fn admin_routes(&self) -> Router {
        let mut routes = Router::new()
            .route("/management", get(links::show))
            .route("/management/env", get(environment::all))
            .route("/management/env/{key}", get(environment::one))
            .route("/management/configprops", get(environment::beans))
            .route("/management/configprops/{prefix}", get(environment::beans_of))
            .route("/management/jhimetrics", get(jhimetrics::show))
            .route("/management/threaddump", get(threads::show))
            .route("/management/httptrace", get(recent));
        if self.watched.loggers.is_some() {
            routes = routes
                .route("/management/loggers", get(loggers::all))
                .route("/management/loggers/{name}", get(loggers::one).post(loggers::set));
        }
        if !self.watched.caches.is_empty() {
            routes = routes
                .route("/management/caches", get(caches::all))
                .route("/management/caches/{name}", get(caches::one));
        }
        if self.watched.change_log.is_some() {
            routes = routes.route("/management/liquibase", get(changes::show));
        }
        if self.watched.refresh.is_some() {
            routes = routes.route("/management/refresh", post(refresh::refresh));
        }
        if !self.watched.api_groups.is_empty() {
            routes = routes.route("/management/jhiopenapigroups", get(api_groups));
        }
        routes.with_state(self.watched.clone())
    }

    /// Measures every request that these routes answer; for [`Service::around`](crate::Service::around), as the last.
    pub fn measured(&self, routes: Router) -> Router {
        let observed = self.watched.observed.clone();
        routes.layer(middleware::from_fn_with_state(observed, metrics::measure))
    }

    /// Measures what a [shortcut](crate::Service::shortcut) answers, as requests of the route that it spares.
    pub fn measuring(
        &self,
        route: &'static str,
        shortcut: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static,
    ) -> impl Fn(&Request) -> Option<Response> + Send + Sync + 'static {
        metrics::measuring(self.watched.observed.clone(), route, shortcut)
    }

    /// From now on the service says that it is not ready, so that nobody sends it any more requests.
    pub fn leave(&self) {
        self.health.leave();
    }
}

async fn info(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers, &watched.about.info(&watched.info))
}

async fn recent(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers, &watched.observed.recent.json())
}

async fn api_groups(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let groups = watched.api_groups.iter();
    let groups: Vec<Value> = groups
        .map(|(group, description)| json!({ "description": description, "group": group }))
        .collect();
    media::json(&headers, &Value::Array(groups))
}
