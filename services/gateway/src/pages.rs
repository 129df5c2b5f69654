//! The pages: rendered here, usable without scripts. They are driven by what the services say of themselves, so that
//! a new entity has its pages at once.

mod call;
mod edit;
mod entities;
mod excerpt;
mod home;
mod mails;
mod place;
mod remove;
mod shown;
mod visit;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use chassis::{Outside, Problem};
use discovery::Forwarder;
use mail::Mailbox;

use self::{place::Place, visit::Visit};
use crate::{
    catalog::{Catalog, Offer},
    style, swagger,
};

/// What the pages are made from.
pub(crate) struct Pages {
    pub(crate) catalog: Catalog,
    pub(crate) forwarder: Arc<Forwarder>,
    pub(crate) mailbox: Option<Mailbox>,
    /// Whether there is Swagger UI, to which administrators find a link then.
    pub(crate) api_docs: bool,
    pub(crate) outside: Outside,
}

/// What every page shows around its content.
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) style: String,
    pub(crate) login: Option<String>,
    pub(crate) csrf: String,
    pub(crate) nav: Vec<Link>,
}

/// An entry of the navigation.
pub(crate) struct Link {
    pub(crate) title: String,
    pub(crate) href: String,
    pub(crate) current: bool,
}

impl Pages {
    pub(crate) fn routes(self: Arc<Self>) -> Router {
        let with_mails = self.mailbox.is_some();
        let router = Router::new()
            .route("/", get(home::show))
            .route("/entities/{service}/{collection}", get(entities::list))
            .route("/entities/{service}/{collection}/new", get(edit::blank).post(edit::create))
            .route("/entities/{service}/{collection}/{id}", get(entities::view))
            .route("/entities/{service}/{collection}/{id}/edit", get(edit::show).post(edit::update))
            .route(
                "/entities/{service}/{collection}/{id}/delete",
                get(remove::ask).post(remove::remove),
            );
        let router = if with_mails { router.merge(mails::routes()) } else { router };
        router.with_state(self)
    }

    /// Finds a collection, and draws the frame of a page about it.
    async fn place(
        &self,
        visit: &Visit,
        service: &str,
        name: &str,
    ) -> Result<(Place, Vec<Offer>), Problem> {
        let offers = self.catalog.offers(&visit.token).await;
        let offer =
            offers.iter().find(|offer| offer.service == service).ok_or_else(Problem::not_found)?;
        let collections = offer.collections.as_ref().map_err(|silence| {
            let detail = format!(
                "The service {service} does not answer: {}. It may be starting or stopped; try again in a few seconds.",
                silence.0
            );
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        })?;
        let collection = collections
            .iter()
            .find(|collection| collection.name == name)
            .ok_or_else(Problem::not_found)?;
        let place = Place { service: service.to_owned(), collection: collection.clone() };
        Ok((place, offers))
    }

    /// Whether a visitor finds a link to Swagger UI.
    fn shows_documents(&self, visit: &Visit) -> bool {
        self.api_docs && visit.is_administrator
    }

    /// The frame of a page for a signed-in visitor.
    fn frame(&self, title: impl Into<String>, visit: &Visit, offers: &[Offer]) -> Frame {
        let mut nav = vec![Link {
            title: "Home".to_owned(),
            href: "/".to_owned(),
            current: visit.path == "/",
        }];
        for offer in offers {
            for collection in offer.collections.iter().flat_map(|collections| collections.iter()) {
                let href = format!("/entities/{}/{}", offer.service, collection.name);
                let current = is_within(&visit.path, &href);
                nav.push(Link { title: collection.title.clone(), href, current });
            }
        }
        if self.mailbox.is_some() {
            let current = is_within(&visit.path, "/mails");
            nav.push(Link { title: "Mails".to_owned(), href: "/mails".to_owned(), current });
        }
        if self.shows_documents(visit) {
            let href = swagger::PAGE.to_owned();
            nav.push(Link { title: "API".to_owned(), href, current: false });
        }
        Frame {
            login: Some(visit.login.clone()),
            csrf: visit.csrf.clone(),
            nav,
            ..Frame::bare(title)
        }
    }
}

impl Frame {
    /// The frame of a page for anybody.
    pub(crate) fn bare(title: impl Into<String>) -> Self {
        Frame {
            title: title.into(),
            style: style::address(),
            login: None,
            csrf: String::new(),
            nav: Vec::new(),
        }
    }
}

fn is_within(path: &str, href: &str) -> bool {
    path.strip_prefix(href).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Renders a page.
fn page(template: &impl Template) -> Result<Response, Problem> {
    let html = template.render().map_err(Problem::internal)?;
    Ok(Html(html).into_response())
}

/// Renders a page that tells of a failure.
fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    let mut response = page(template)?;
    *response.status_mut() = status;
    Ok(response)
}
