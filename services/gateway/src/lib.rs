//! The gateway: login, session, routes to the services, and pages that are driven by what the services say of
//! themselves. Names no entity of any service.

mod catalog;
mod doors;
mod errors;
mod form;
mod headers;
mod openapi;
mod pages;
mod proxy;
mod settings;
mod style;
mod words;

use std::sync::Arc;

use axum::{Router, middleware};
use chassis::{Outside, Service, management};
use discovery::{Address, Directory, Forwarder, Registration, keep_registered};
use identity::{
    csrf,
    login::{self, Login},
};
use mail::Mailbox;

pub use settings::{DEFAULTS, SignIn};

use pages::Pages;
use proxy::Proxy;

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
    /// The registry, and what it is told about the gateway, if anything.
    pub registration: Option<(Address, Registration)>,
    /// The time and randomness.
    pub outside: Outside,
}

/// The gateway.
pub fn service(parts: Parts) -> Service {
    let routes = routes(&parts);
    let Parts { login, directory, registration, outside, .. } = parts;
    let service = Service::new("gateway")
        .routes(routes)
        .background("sessions", move |stop| login.tend(stop))
        .background("directory", move |stop| directory.watch(stop));
    let Some((address, registration)) = registration else { return service };
    service.background("registration", move |stop| {
        keep_registered(address, registration, outside, stop)
    })
}

fn routes(parts: &Parts) -> Router {
    let Parts { login, directory, forwarder, mailbox, outside, .. } = parts;
    let pages = Pages::new(directory.clone(), forwarder.clone(), mailbox.clone(), outside.clone());
    let proxy = Proxy { directory: directory.clone(), forwarder: forwarder.clone() };
    let for_visitors = login
        .clone()
        .routes()
        .merge(pages.routes())
        .merge(proxy::routes(proxy))
        .merge(doors::dead_ends())
        .method_not_allowed_fallback(doors::wrong_method);
    let for_visitors = csrf::protect(login::sessions(for_visitors, login.clone()), outside.clone());
    // What everybody may see needs no session, and what caches may keep must carry no cookie.
    Router::new()
        .merge(style::routes())
        .merge(management::routes(&["prod", "api-docs"]))
        .merge(for_visitors)
        .layer(middleware::from_fn(errors::for_people))
        .layer(middleware::from_fn_with_state(
            headers::content_security_policy(&parts.issuer),
            headers::add,
        ))
}
