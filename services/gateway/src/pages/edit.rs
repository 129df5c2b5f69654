//! Making a new entity and changing one: a form, shown again with what is wrong until the service takes it.

use std::sync::Arc;

use ::pages::{Frame, Visit, page, page_with};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use chassis::{Problem, http::Form as Submitted};
use serde_json::{Map, Value};

use super::{
    Pages,
    call::{Away, Failure, Refusal},
    entities::Done,
    place::Place,
};
use crate::{
    catalog::Offer,
    form::{self, Control, FieldError, Form, Submission},
};

#[derive(Template)]
#[template(path = "form.html")]
struct Edit {
    frame: Frame,
    place: Place,
    form: Form,
    id: Option<String>,
    cancel: String,
    failure: Option<Failure>,
}

type Pairs = Submitted<Vec<(String, String)>>;

pub(super) async fn blank(
    State(pages): State<Arc<Pages>>,
    visit: Visit,
    Path((service, collection)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (place, offers) = pages.creatable(&visit, &service, &collection).await?;
    let form = Form::blank(&place.collection.fields, pages.outside.now());
    page(&pages.edit(&visit, &offers, place, None, form))
}

pub(super) async fn create(
    State(pages): State<Arc<Pages>>,
    visit: Visit,
    Path((service, collection)): Path<(String, String)>,
    Submitted(pairs): Pairs,
) -> Result<Response, Problem> {
    let (place, offers) = pages.creatable(&visit, &service, &collection).await?;
    let submission = Submission(pairs);
    let outcome = match form::entity(&place.collection.fields, &submission, None) {
        Ok(entity) => pages.save(&visit, &place, Method::POST, &place.api(), entity).await,
        Err(errors) => Err(misread(errors)),
    };
    match outcome {
        Ok(()) => Ok(done(&place, Done::Created)),
        Err(refusal) => {
            let form = Form::submitted(&place.collection.fields, &submission);
            refused(pages.edit(&visit, &offers, place, None, form), refusal)
        }
    }
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    visit: Visit,
    Path((service, collection, id)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let (place, offers) = pages.editable(&visit, &service, &collection).await?;
    let entity =
        pages.call(&visit, &service, Method::GET, &place.item_api(&id), None).await?.object()?;
    let form = Form::of(&place.collection.fields, &entity);
    page(&pages.edit(&visit, &offers, place, Some(id), form))
}

pub(super) async fn update(
    State(pages): State<Arc<Pages>>,
    visit: Visit,
    Path((service, collection, id)): Path<(String, String, String)>,
    Submitted(pairs): Pairs,
) -> Result<Response, Problem> {
    let (place, offers) = pages.editable(&visit, &service, &collection).await?;
    let submission = Submission(pairs);
    let item = place.item_api(&id);
    // The entity as it is now: what the form does not show must be sent back as it is.
    let current = pages.call(&visit, &service, Method::GET, &item, None).await?.object()?;
    let outcome = match form::entity(&place.collection.fields, &submission, Some(&current)) {
        Ok(entity) => pages.save(&visit, &place, Method::PUT, &item, entity).await,
        Err(errors) => Err(misread(errors)),
    };
    match outcome {
        Ok(()) => Ok(done(&place, Done::Updated)),
        Err(refusal) => {
            let form = Form::submitted(&place.collection.fields, &submission);
            refused(pages.edit(&visit, &offers, place, Some(id), form), refusal)
        }
    }
}

/// Leads to the list, which tells what was done.
pub(super) fn done(place: &Place, done: Done) -> Response {
    Redirect::to(&format!("{}?done={}", place.href(), done.name())).into_response()
}

fn misread(fields: Vec<FieldError>) -> Refusal {
    let failure =
        Failure { title: "Some values cannot be read".to_owned(), detail: String::new(), fields };
    Refusal { status: StatusCode::BAD_REQUEST, failure }
}

/// Shows the form again, each error beside its input and the others at the top.
fn refused(mut edit: Edit, refusal: Refusal) -> Result<Response, Problem> {
    let Refusal { status, mut failure } = refusal;
    let had_fields = !failure.fields.is_empty();
    failure.fields = edit.form.mark(failure.fields);
    if had_fields && failure.fields.is_empty() {
        failure.title = "Please correct the marked fields".to_owned();
    }
    edit.failure = Some(failure);
    page_with(status, &edit)
}

impl Pages {
    async fn creatable(
        &self,
        visit: &Visit,
        service: &str,
        name: &str,
    ) -> Result<(Place, Vec<Offer>), Problem> {
        let found = self.place(visit, service, name).await?;
        if found.0.collection.can_create { Ok(found) } else { Err(Problem::not_found()) }
    }

    async fn editable(
        &self,
        visit: &Visit,
        service: &str,
        name: &str,
    ) -> Result<(Place, Vec<Offer>), Problem> {
        let found = self.place(visit, service, name).await?;
        if found.0.collection.can_edit { Ok(found) } else { Err(Problem::not_found()) }
    }

    fn edit(
        &self,
        visit: &Visit,
        offers: &[Offer],
        place: Place,
        id: Option<String>,
        form: Form,
    ) -> Edit {
        let singular = &place.collection.singular;
        let (title, cancel) = match &id {
            Some(id) => (format!("Edit {singular}"), place.item_href(id)),
            None => (format!("Create a new {singular}"), place.href()),
        };
        Edit { frame: self.frame(title, visit, offers), place, form, id, cancel, failure: None }
    }

    /// Hands an entity to its service. A service that is away must not cost the visitor the filled-in form either.
    async fn save(
        &self,
        visit: &Visit,
        place: &Place,
        method: Method,
        path: &str,
        entity: Map<String, Value>,
    ) -> Result<(), Refusal> {
        let called =
            self.call(visit, &place.service, method, path, Some(Value::Object(entity))).await;
        called.map_err(Away::refusal)?.accepted()
    }
}
