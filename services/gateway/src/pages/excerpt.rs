//! Twenty entities of a collection. A service whose answer is too large is asked for smaller parts, so that one huge
//! entity does not hide the others.

use ::pages::Visit;
use axum::http::{Method, StatusCode};
use chassis::Problem;
use serde_json::Value;

use super::{
    Pages,
    call::Answer,
    place::{Place, Row},
};

/// How many entities a page lists.
pub(super) const SIZE: usize = 20;

/// What a page lists.
pub(super) struct Excerpt {
    pub(super) rows: Vec<Row>,
    /// How many more belong here and cannot be read.
    pub(super) too_large: usize,
    /// How many there are in front of it.
    start: usize,
    /// How many there are altogether, if an answer told.
    pub(super) total: Option<usize>,
}

impl Excerpt {
    /// Asks the service for the entities of a page, newest first.
    pub(super) async fn read(
        pages: &Pages,
        visit: &Visit,
        place: &Place,
        page: usize,
    ) -> Result<Self, Problem> {
        let start = page * SIZE;
        let mut excerpt = Excerpt { rows: Vec::new(), too_large: 0, start, total: None };
        let mut parts = vec![Part { offset: start, size: SIZE }];
        while let Some(part) = parts.pop() {
            let Part { offset, size } = part;
            let path = format!("{}?page={}&size={size}&sort=id,desc", place.api(), offset / size);
            let answer = match pages.call(visit, &place.service, Method::GET, &path, None).await {
                Ok(answer) => answer,
                Err(away) if away.is_too_much() => {
                    match part.smaller() {
                        Some(smaller) => parts.extend(smaller),
                        None => excerpt.too_large += 1,
                    }
                    continue;
                }
                Err(away) => return Err(away.into()),
            };
            let (entities, total) = part.cut(entities(&answer)?, total(&answer));
            excerpt.total = Some(total);
            let rows = entities.iter().filter_map(Value::as_object);
            excerpt.rows.extend(rows.map(|entity| place.line(entity)));
            if offset + size >= total {
                break;
            }
        }
        Ok(excerpt)
    }

    /// The number of the first, from 1.
    pub(super) fn first(&self) -> usize {
        self.start + 1
    }

    /// The number of the last.
    pub(super) fn last(&self) -> usize {
        self.start + self.rows.len() + self.too_large
    }

    /// Whether there are more behind it. Without a total nobody knows.
    pub(super) fn has_next(&self) -> bool {
        self.total.is_none_or(|total| self.last() < total)
    }
}

/// A part of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    offset: usize,
    size: usize,
}

impl Part {
    /// The parts of this one, last first; one entity has none.
    fn smaller(self) -> Option<Vec<Part>> {
        // Each divides the one before, so that every part is a page of its size.
        let size = [10, 5, 1].into_iter().find(|size| *size < self.size)?;
        let offsets = (self.offset..self.offset + self.size).step_by(size).rev();
        Some(offsets.map(|offset| Part { offset, size }).collect())
    }

    /// The entities of the part. A service that knows nothing of pages says no total and sends everything: its list is
    /// cut into pages here.
    fn cut(self, entities: Vec<Value>, total: Option<usize>) -> (Vec<Value>, usize) {
        let skipped = if total.is_some() { 0 } else { self.offset };
        let total = total.unwrap_or(entities.len());
        (entities.into_iter().skip(skipped).take(self.size).collect(), total)
    }
}

fn entities(answer: &Answer) -> Result<Vec<Value>, Problem> {
    match answer.json()? {
        Value::Array(entities) => Ok(entities),
        _ => {
            let detail = format!("The service {} sent something else than a list", answer.service);
            Err(Problem::new(StatusCode::BAD_GATEWAY, detail))
        }
    }
}

fn total(answer: &Answer) -> Option<usize> {
    answer.headers.get("x-total-count")?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: usize, total: Option<usize>, offset: usize, expected: (usize, usize)) {
        let part = Part { offset, size: SIZE };
        let (shown, total) = part.cut((0..sent).map(Value::from).collect(), total);
        assert_eq!((shown.len(), total), expected);
    }

    #[test]
    fn lists_are_cut_into_pages_where_the_service_does_not() {
        check(20, Some(45), 0, (20, 45));
        check(5, Some(45), 40, (5, 45));
        check(45, None, 0, (20, 45));
        check(45, None, 40, (5, 45));
        check(45, None, 60, (0, 45));
        check(0, None, 0, (0, 0));
    }

    #[test]
    fn parts_become_smaller_down_to_one_entity() {
        let smaller = |offset, size| {
            let parts = Part { offset, size }.smaller()?;
            Some(parts.iter().map(|part| (part.offset, part.size)).collect::<Vec<_>>())
        };
        assert_eq!(smaller(40, 20), Some(vec![(50, 10), (40, 10)]));
        assert_eq!(smaller(40, 10), Some(vec![(45, 5), (40, 5)]));
        assert_eq!(smaller(40, 5), Some(vec![(44, 1), (43, 1), (42, 1), (41, 1), (40, 1)]));
        assert_eq!(smaller(40, 1), None);
    }
}
