//! The entities of a collection: all of them, newest first, and one.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::Method,
    response::Response,
};
use chassis::Problem;
use serde_json::Value;

use super::{
    Frame, Pages,
    call::Answer,
    page,
    place::{Place, Row},
    shown::Shown,
    visit::Visit,
};

/// How many entities a page lists.
const SIZE: usize = 20;
/// The last page that can be asked for; beyond it a number is a mistake.
const LAST_PAGE: usize = 1_000_000;

#[derive(Template)]
#[template(path = "list.html")]
struct List {
    frame: Frame,
    place: Place,
    done: Option<&'static str>,
    rows: Vec<Row>,
    page: usize,
    first: usize,
    last: usize,
    total: usize,
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
    let path = format!("{}?page={number}&size={SIZE}&sort=id,desc", place.api());
    let answer = pages.call(&visit, &service, Method::GET, &path, None).await?;
    let (entities, total) = excerpt(entities(&answer)?, total(&answer), number);
    let rows: Vec<Row> =
        entities.iter().filter_map(Value::as_object).map(|entity| place.row(entity)).collect();
    let first = number * SIZE + 1;
    page(&List {
        frame: pages.frame(&place.collection.title, &visit, &offers),
        place,
        done: parameter("done").and_then(Done::read).map(Done::name),
        page: number,
        first,
        last: (first + rows.len()).saturating_sub(1),
        rows,
        total,
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

fn entities(answer: &Answer) -> Result<Vec<Value>, Problem> {
    match answer.json()? {
        Value::Array(entities) => Ok(entities),
        _ => {
            let detail = format!("The service {} sent something else than a list", answer.service);
            Err(Problem::new(axum::http::StatusCode::BAD_GATEWAY, detail))
        }
    }
}

fn total(answer: &Answer) -> Option<usize> {
    answer.headers.get("x-total-count")?.to_str().ok()?.parse().ok()
}

/// The entities of a page. A service that knows nothing of pages says no total and sends everything: its list is cut
/// into pages here.
fn excerpt(entities: Vec<Value>, total: Option<usize>, page: usize) -> (Vec<Value>, usize) {
    match total {
        Some(total) => {
            let shown: Vec<Value> = entities.into_iter().take(SIZE).collect();
            (shown, total)
        }
        None => {
            let total = entities.len();
            (entities.into_iter().skip(page * SIZE).take(SIZE).collect(), total)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: usize, total: Option<usize>, page: usize, expected: (usize, usize)) {
        let (shown, total) = excerpt((0..sent).map(Value::from).collect(), total, page);
        assert_eq!((shown.len(), total), expected);
    }

    #[test]
    fn lists_are_cut_into_pages_where_the_service_does_not() {
        check(20, Some(45), 0, (20, 45));
        check(5, Some(45), 2, (5, 45));
        check(45, None, 0, (20, 45));
        check(45, None, 2, (5, 45));
        check(45, None, 3, (0, 45));
        check(0, None, 0, (0, 0));
    }

    #[test]
    fn only_known_deeds_are_told() {
        assert_eq!(Done::read("created"), Some(Done::Created));
        assert_eq!(Done::read("<script>"), None);
    }
}
