//! Deleting an entity: asked once more before it is done.

use std::sync::Arc;

use ::pages::{Frame, Visit, page, page_with};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::Method,
    response::Response,
};
use chassis::Problem;

use super::{
    Pages,
    call::{Away, Failure},
    edit::done,
    entities::Done,
    place::{Place, Row},
    shown::Shown,
};

#[derive(Template)]
#[template(path = "remove.html")]
struct Remove {
    frame: Frame,
    place: Place,
    row: Row,
    failure: Option<Failure>,
}

pub(super) async fn ask(
    State(pages): State<Arc<Pages>>,
    visit: Visit,
    Path((service, collection, id)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    page(&pages.removal(&visit, &service, &collection, &id).await?)
}

pub(super) async fn remove(
    State(pages): State<Arc<Pages>>,
    visit: Visit,
    Path((service, collection, id)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let mut removal = pages.removal(&visit, &service, &collection, &id).await?;
    let path = removal.place.item_api(&id);
    let called = pages.call(&visit, &service, Method::DELETE, &path, None).await;
    match called.map_err(Away::refusal).and_then(|answer| answer.accepted()) {
        Ok(()) => Ok(done(&removal.place, Done::Deleted)),
        Err(refusal) => {
            removal.failure = Some(refusal.failure);
            page_with(refusal.status, &removal)
        }
    }
}

impl Pages {
    async fn removal(
        &self,
        visit: &Visit,
        service: &str,
        collection: &str,
        id: &str,
    ) -> Result<Remove, Problem> {
        let (place, offers) = self.place(visit, service, collection).await?;
        if !place.collection.can_delete {
            return Err(Problem::not_found());
        }
        let entity =
            self.call(visit, service, Method::GET, &place.item_api(id), None).await?.object()?;
        let row = place.row(&entity);
        let title = format!("Delete {}", place.collection.singular);
        Ok(Remove { frame: self.frame(title, visit, &offers), place, row, failure: None })
    }
}
