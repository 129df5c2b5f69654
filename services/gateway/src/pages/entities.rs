//! The entities of a collection: all of them, newest first, and one.

use std::sync::Arc;

use ::pages::{Frame, Visit, page};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::Method,
    response::Response,
};
use chassis::Problem;

use super::{
    Pages,
    excerpt::Excerpt,
    place::{Place, Row},
    shown::Shown,
};

/// The last page that can be asked for; beyond it a number is a mistake.
const LAST_PAGE: usize = 1_000_000;

#[derive(Template)]
#[template(path = "list.html")]
struct List {
    frame: Frame,
    place: Place,
    done: Option<&'static str>,
    excerpt: Excerpt,
    page: usize,
}

#[derive(Template)]
#[template(path = "view.html")]
struct View {
    frame: Frame,
    place: Place,
    row: Row,
}

/// What was done before the list is shown. The address carries only its name, never a text to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Created,
    Updated,
    Deleted,
}

impl Done {
    pub(super) fn name(self) -> &'static str {
        match self {
            Done::Created => "created",
            Done::Updated => "updated",
            Done::Deleted => "deleted",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Done::Created, Done::Updated, Done::Deleted].into_iter().find(|done| done.name() == text)
    }
}

pub(super) async fn list(
    State(pages): State<Arc<Pages>>,
    visit: Visit,
    Path((service, collection)): Path<(String, String)>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let parameter =
        |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let number = parameter("page")
        .and_then(|text| text.parse().ok())
        .filter(|page| *page <= LAST_PAGE)
        .unwrap_or(0);
    let (place, offers) = pages.place(&visit, &service, &collection).await?;
    let excerpt = Excerpt::read(&pages, &visit, &place, number).await?;
    page(&List {
        frame: pages.frame(&place.collection.title, &visit, &offers),
        place,
        done: parameter("done").and_then(Done::read).map(Done::name),
        excerpt,
        page: number,
    })
}

pub(super) async fn view(
    State(pages): State<Arc<Pages>>,
    visit: Visit,
    Path((service, collection, id)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let (place, offers) = pages.place(&visit, &service, &collection).await?;
    let answer = pages.call(&visit, &service, Method::GET, &place.item_api(&id), None).await?;
    let row = place.row(&answer.object()?);
    page(&View { frame: pages.frame(capitalised(&row.name), &visit, &offers), place, row })
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + chars.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_deeds_are_told() {
        assert_eq!(Done::read("created"), Some(Done::Created));
        assert_eq!(Done::read("<script>"), None);
    }
}
