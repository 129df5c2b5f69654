//! The gateway: login, session, routes to the services, and pages that are driven by what the services say of
//! themselves. Names no entity of any service.

mod catalog;
mod description;
mod doors;
mod form;
mod openapi;
mod pages;
mod proxy;
mod settings;
mod swagger;
mod words;

use std::sync::Arc;

use ::pages::{errors, headers, style};
use axum::{Router, middleware};
use chassis::{Outside, Service, management::Management};
use discovery::{Address, Directory, Forwarder, Registration, keep_registered};
use identity::{
    csrf,
    login::{self, Login},
};
use mail::Mailbox;

pub use description::about;
pub use settings::{DEFAULTS, SignIn};

use catalog::Catalog;
use pages::Pages;
use proxy::Proxy;

/// What stands at the top of every page.
const BRAND: &str = "Milena";
/// Where failures are shown as pages, and what they say of us.
const PLACE: errors::Place = errors::Place {
    brand: BRAND,
    service: "gateway",
    programs: &["/api/", "/services/", "/management/", "/v3/"],
};

/// What the gateway is made of.
pub struct Parts {
    /// Signs visitors in and out.
    pub login: Arc<Login>,
    /// The issuer's address: signing out leads there.
    pub issuer: String,
    /// Knows where the services are.
    pub directory: Arc<Directory>,
    /// Calls them.
    pub forwarder: Arc<Forwarder>,
    /// Where the mails are, if they are kept here; no mail pages without.
    pub mailbox: Option<Mailbox>,
    /// What the process shows of itself; made with [`about`].
    pub management: Management,
    /// Whether there are documents of the interfaces, and Swagger UI to read them.
    pub api_docs: bool,
    /// The registry, and what it is told about the gateway, if anything.
    pub registration: Option<(Address, Registration)>,
    /// The time and randomness.
    pub outside: Outside,
}

/// The gateway. Starts nothing.
///
/// # Errors
/// When the program was built with another archive of Swagger UI than it expects.
pub fn service(parts: Parts) -> anyhow::Result<Service> {
    let Parts { login, issuer, directory, forwarder, mailbox, api_docs, outside, .. } = parts;
    let mut management = parts.management;
    let mut for_everybody = style::routes();
    let mut for_visitors =
        proxy::routes(Proxy { directory: directory.clone(), forwarder: forwarder.clone() });
    if api_docs {
        management = description::named(management);
        for_everybody = for_everybody
            .merge(swagger::routes()?)
            .merge(entity::api_docs(description::documents()));
        for_visitors =
            for_visitors.merge(swagger::list_routes(directory.clone(), forwarder.clone()));
    }
    let endpoints = management.build();
    let pages = Pages {
        catalog: Catalog::new(directory.clone(), forwarder.clone()),
        forwarder,
        mailbox,
        api_docs,
        outside: outside.clone(),
    };
    let for_visitors =
        for_visitors.merge(Arc::new(pages).routes()).merge(doors::management(&endpoints));
    let routes = for_everybody
        .merge(visited(for_visitors, &login, &outside))
        .layer(middleware::from_fn_with_state(PLACE, errors::for_people))
        .layer(middleware::from_fn_with_state(
            headers::content_security_policy(&issuer),
            headers::add,
        ));
    let service = Service::new("gateway")
        .routes(routes)
        .around(move |routes| endpoints.measured(routes))
        .background("sessions", move |stop| login.tend(stop))
        .background("directory", move |stop| directory.watch(stop));
    let Some((address, registration)) = parts.registration else { return Ok(service) };
    Ok(service.in_rotation("registration", move |stop| {
        keep_registered(address, registration, outside, stop)
    }))
}

/// Puts login and session around what asks who is calling. What everybody may see needs no session, and what caches may
/// keep must carry no cookie: that stays outside.
fn visited(routes: Router, login: &Arc<Login>, outside: &Outside) -> Router {
    let routes = routes
        .merge(login.clone().routes())
        .merge(doors::dead_ends())
        .method_not_allowed_fallback(doors::wrong_method);
    csrf::protect(login::sessions(routes, login.clone()), outside.clone())
}
