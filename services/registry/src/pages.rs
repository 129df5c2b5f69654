//! The pages: rendered here, usable without scripts, for administrators.

mod applications;
mod configuration;
mod encryption;
mod flat;
mod history;
mod home;
mod instance;
mod loggers;
mod query;
mod replicas;
mod report;
mod shown;
mod status;
mod visit;

use std::sync::Arc;

use ::pages::{Frame, Link, Visit, errors::accepts_html};
use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::{Redirect, Response},
    routing::get,
};
use chassis::Problem;
use discovery::{Instance, Registry, server::ConfigServer};
use serde::Deserialize;

use crate::{BRAND, api::Interface, call::Calls, history::History};

/// What the pages are made from.
pub(crate) struct Pages {
    pub(crate) registry: Registry,
    pub(crate) history: Arc<History>,
    pub(crate) config: ConfigServer,
    pub(crate) calls: Calls,
    pub(crate) interface: Arc<Interface>,
}

/// Which instance a page is about. Names may hold anything, so they are in the query and not in the path.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Which {
    pub(crate) app: String,
    pub(crate) id: String,
}

impl Pages {
    pub(crate) fn routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/", get(home::show))
            .route("/applications", get(applications::show))
            .route("/instance", get(instance::show))
            .route("/instance/status", get(status::ask).post(status::change))
            .route("/instance/health", get(report::health))
            .route("/instance/metrics", get(report::metrics))
            .route("/instance/environment", get(report::environment))
            .route("/instance/properties", get(report::properties))
            .route("/instance/documents", get(report::documents))
            .route("/instance/loggers", get(loggers::show).post(loggers::change))
            .route("/history", get(history::show))
            .route("/configuration", get(configuration::show))
            .route("/encryption", get(encryption::show).post(encryption::work))
            .route("/replicas", get(replicas::show))
            // Where Eureka's own page is in the Java registry.
            .route("/registry", get(async || Redirect::to("/applications")))
            .layer(middleware::from_fn(for_people))
            .with_state(self)
    }

    fn find(&self, which: &Which) -> Result<Arc<Instance>, Problem> {
        self.registry.instance(&which.app, &which.id).ok_or_else(Problem::not_found)
    }
}

/// The frame of a page for an administrator.
fn frame(title: impl Into<String>, visit: &Visit) -> Frame {
    const PLACES: [(&str, &str); 6] = [
        ("Home", "/"),
        ("Applications", "/applications"),
        ("History", "/history"),
        ("Configuration", "/configuration"),
        ("Encryption", "/encryption"),
        ("Replicas", "/replicas"),
    ];
    let mut nav: Vec<Link> =
        PLACES.iter().map(|(name, href)| Link::to(*name, *href, visit)).collect();
    // An instance belongs to its application.
    nav[1].current |= visit.path == "/instance" || visit.path.starts_with("/instance/");
    Frame::of(BRAND, title, visit, nav)
}

/// There is nothing for programs where the pages are, as in the Java registry.
async fn for_people(request: Request, next: Next) -> Response {
    if accepts_html(request.headers()) {
        return next.run(request).await;
    }
    chassis::http::nowhere()
}
