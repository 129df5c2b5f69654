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

use std::sync::Arc;

use axum::{Router, http::StatusCode, routing::get};
use chassis::{Outside, Problem};
use discovery::Forwarder;
use mail::Mailbox;

use ::pages::{Frame, Link, Visit};

use self::place::Place;
use crate::{
    BRAND,
    catalog::{Catalog, Offer},
    swagger,
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
        let mut nav = vec![Link::to("Home", "/", visit)];
        for offer in offers {
            for collection in offer.collections.iter().flat_map(|collections| collections.iter()) {
                let href = format!("/entities/{}/{}", offer.service, collection.name);
                nav.push(Link::to(collection.title.clone(), href, visit));
            }
        }
        if self.mailbox.is_some() {
            nav.push(Link::to("Mails", "/mails", visit));
        }
        if self.shows_documents(visit) {
            nav.push(Link::to("API", swagger::PAGE, visit));
        }
        Frame::of(BRAND, title, visit, nav)
    }
}
