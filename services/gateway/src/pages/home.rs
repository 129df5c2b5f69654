//! The first page: who is signed in, what there is, and what to try.

use std::sync::Arc;

use ::pages::{Frame, Visit, page};
use askama::Template;
use axum::{extract::State, response::Response};
use chassis::Problem;

use super::{Pages, place::Place};
use crate::{catalog::Offer, openapi::Kind, swagger, words};

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    login: String,
    services: Vec<Service>,
    steps: Vec<Step>,
    mails: bool,
    /// Where Swagger UI is, for those who may use it.
    documents: Option<&'static str>,
    nothing: bool,
}

struct Service {
    name: String,
    collections: Vec<Card>,
    silent: Option<String>,
}

struct Card {
    title: String,
    singular: String,
    href: String,
    create: Option<String>,
}

/// Something to try.
struct Step {
    title: String,
    href: String,
    text: String,
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    visit: Option<Visit>,
) -> Result<Response, Problem> {
    let Some(visit) = visit else {
        return page(&Landing { frame: Frame::bare(crate::BRAND, "Welcome") });
    };
    let offers = pages.catalog.offers(&visit.token).await;
    let services: Vec<Service> = offers.iter().map(service).collect();
    let mails = pages.mailbox.is_some();
    page(&Home {
        frame: pages.frame("Home", &visit, &offers),
        documents: pages.shows_documents(&visit).then_some(swagger::PAGE),
        login: visit.login,
        steps: steps(&offers, mails),
        nothing: !mails && services.iter().all(|service| service.collections.is_empty()),
        services,
        mails,
    })
}

fn service(offer: &Offer) -> Service {
    let places = places(offer);
    Service {
        name: offer.service.clone(),
        collections: places.iter().map(card).collect(),
        silent: offer.collections.as_ref().err().map(|silence| silence.0.clone()),
    }
}

fn places(offer: &Offer) -> Vec<Place> {
    let collections = offer.collections.iter().flat_map(|collections| collections.iter());
    collections
        .map(|collection| Place { service: offer.service.clone(), collection: collection.clone() })
        .collect()
}

fn card(place: &Place) -> Card {
    Card {
        title: place.collection.title.clone(),
        singular: place.collection.singular.clone(),
        href: place.href(),
        create: place.collection.can_create.then(|| place.new_href()),
    }
}

/// Three things to try: make something that has a state, change the state, and see what followed elsewhere.
fn steps(offers: &[Offer], mails: bool) -> Vec<Step> {
    let places: Vec<Place> = offers.iter().flat_map(places).collect();
    let choice = |place: &Place| {
        place
            .collection
            .fields
            .iter()
            .find(|field| matches!(field.kind, Kind::Choice(_)))
            .map(|field| words::words(&field.name))
    };
    let creatable =
        || places.iter().filter(|place| place.collection.can_create && place.collection.can_edit);
    let Some(first) =
        creatable().find(|place| choice(place).is_some()).or_else(|| creatable().next())
    else {
        return Vec::new();
    };
    let singular = &first.collection.singular;
    let changed = choice(first).unwrap_or_else(|| "values".to_owned());
    let mut steps = vec![
        Step {
            title: format!("Create a new {singular}"),
            href: first.new_href(),
            text: "Fill in the form and save it.".to_owned(),
        },
        Step {
            title: format!("Change its {changed}"),
            href: first.href(),
            text: format!(
                "Choose Edit beside your {singular}. Saving it tells the other services."
            ),
        },
    ];
    let other = places.iter().find(|place| place.service != first.service);
    let mail = mails.then(|| ("the mails".to_owned(), "/mails".to_owned()));
    if let Some((title, href)) =
        other.map(|place| (format!("the {}", place.title_inside()), place.href())).or(mail)
    {
        let also = if mails && href != "/mails" {
            " The mail that goes with it is under Mails."
        } else {
            ""
        };
        let text = format!("What followed from your change is there within the second.{also}");
        steps.push(Step { title: format!("Look at {title}"), href, text });
    }
    steps
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{catalog::Silence, openapi};

    fn offer(service: &str, collection: &str, properties: &serde_json::Value) -> Offer {
        let schema = json!({ "content": { "application/json": { "schema": { "properties": properties } } } });
        let (all, one) = (format!("/api/{collection}"), format!("/api/{collection}/{{id}}"));
        let document = json!({ "paths": {
            all: { "get": {}, "post": { "requestBody": schema } },
            one: { "get": {}, "put": {} },
        } });
        Offer { service: service.into(), collections: Ok(openapi::collections(&document).into()) }
    }

    fn check(offers: &[Offer], mails: bool, expected: &[&str]) {
        let titles: Vec<String> = steps(offers, mails).into_iter().map(|step| step.title).collect();
        assert_eq!(titles, expected);
    }

    #[test]
    fn the_steps_begin_with_something_that_has_a_state() {
        let notes = || offer("archive", "notes", &json!({ "text": { "type": "string" } }));
        let parcels = || {
            offer("post", "parcels", &json!({ "sendState": { "type": "string", "enum": ["A"] } }))
        };
        let silent = Offer {
            service: "late".into(),
            collections: Err(Silence("it cannot be reached".into())),
        };
        let parcel_first = ["Create a new parcel", "Change its send state", "Look at the notes"];
        check(&[notes(), silent.clone(), parcels()], true, &parcel_first);
        check(
            &[parcels()],
            true,
            &["Create a new parcel", "Change its send state", "Look at the mails"],
        );
        check(&[notes()], false, &["Create a new note", "Change its values"]);
        check(&[silent], true, &[]);
    }
}
