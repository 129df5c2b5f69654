//! Paging and sorting of a list (contract §2.2): only when asked for; a bare list is answered as the Java services do.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use database::{Direction, Page, Sort};
use percent_encoding::percent_decode_str;

use crate::Entity;

/// How many entities a list has at most when the caller does not ask for pages.
const BARE: u32 = 10_000;
/// The size of a page when the caller names none, and at most, as in Spring Data.
const SIZE: u32 = 20;
const LARGEST: u32 = 2000;

/// What the caller asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    page: Option<u64>,
    size: Option<u32>,
    sort: Vec<Sort>,
}

impl Query {
    /// Reads `page`, `size` and `sort`. What cannot be read is as good as not given, as in Spring Data.
    pub(super) fn parse(entity: &Entity, text: &str) -> Self {
        let mut query = Query { page: None, size: None, sort: Vec::new() };
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            match name {
                "page" => query.page = value.parse().ok().or(query.page),
                "size" => query.size = value.parse().ok().filter(|size| *size > 0).or(query.size),
                "sort" => query.sort.extend(sort(entity, &value)),
                _ => {}
            }
        }
        query
    }

    fn is_paged(&self) -> bool {
        self.page.is_some() || self.size.is_some()
    }

    fn size(&self) -> u32 {
        if self.is_paged() { self.size.unwrap_or(SIZE).min(LARGEST) } else { BARE }
    }

    pub(super) fn page(&self) -> Page {
        let offset = self.page.unwrap_or(0).saturating_mul(u64::from(self.size()));
        Page { offset, limit: self.size(), sort: self.sort.clone(), filter: Vec::new() }
    }

    /// `X-Total-Count` and `Link`, for a paged list or one that is not complete.
    pub(super) fn headers(&self, path: &str, total: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let (page, size) = match self.is_paged() {
            true => (self.page.unwrap_or(0), self.size()),
            false if total <= u64::from(BARE) => return headers,
            // The rest of a bare list is in pages of the largest size.
            false => (u64::from(BARE / LARGEST) - 1, LARGEST),
        };
        let size = u64::from(size);
        let last = total.div_ceil(size).max(1) - 1;
        let link = |number: u64, relation: &str| {
            format!("<{path}?page={number}&size={size}>; rel=\"{relation}\"")
        };
        let mut links = Vec::new();
        if page < last {
            links.push(link(page + 1, "next"));
        }
        if page > 0 {
            links.push(link(page - 1, "prev"));
        }
        links.extend([link(last, "last"), link(0, "first")]);
        headers.insert(HeaderName::from_static("x-total-count"), HeaderValue::from(total));
        if let Ok(links) = HeaderValue::try_from(links.join(",")) {
            headers.insert(header::LINK, links);
        }
        headers
    }
}

fn sort(entity: &Entity, text: &str) -> Option<Sort> {
    let (name, direction) = text.split_once(',').unwrap_or((text, "asc"));
    let direction = if direction.eq_ignore_ascii_case("desc") {
        Direction::Descending
    } else {
        Direction::Ascending
    };
    let column = match name {
        "id" => None,
        _ => Some(entity.fields.iter().position(|field| field.name == name)?),
    };
    Some(Sort { column, direction })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::ORDER;

    fn check(query: &str, (offset, limit): (u64, u32), sort: &[(Option<usize>, Direction)]) {
        let page = Query::parse(&ORDER, query).page();
        let sort: Vec<_> = sort
            .iter()
            .map(|(column, direction)| Sort { column: *column, direction: *direction })
            .collect();
        assert_eq!(page, Page { offset, limit, sort, filter: Vec::new() }, "{query}");
    }

    #[test]
    fn pages_only_when_asked() {
        check("", (0, BARE), &[]);
        check("page=2&size=5", (10, 5), &[]);
        check("page=1", (20, 20), &[]);
        check("size=100000", (0, LARGEST), &[]);
        check("size=0&page=x", (0, BARE), &[]);
        check("page=18446744073709551615&size=2000", (u64::MAX, LARGEST), &[]);
        check("sort=id,desc", (0, BARE), &[(None, Direction::Descending)]);
        check(
            "sort=title%2Cdesc&sort=count",
            (0, BARE),
            &[(Some(0), Direction::Descending), (Some(2), Direction::Ascending)],
        );
        check("sort=nosuch,asc", (0, BARE), &[]);
    }

    #[test]
    fn says_where_the_other_pages_are() {
        let headers =
            |query: &str, total| Query::parse(&ORDER, query).headers("/api/orders", total);
        assert!(headers("", 3).is_empty());
        let middle = headers("page=1&size=2", 5);
        assert_eq!(middle["x-total-count"], "5");
        assert_eq!(
            middle["link"],
            "</api/orders?page=2&size=2>; rel=\"next\",</api/orders?page=0&size=2>; rel=\"prev\",</api/orders?page=2&size=2>; rel=\"last\",</api/orders?page=0&size=2>; rel=\"first\""
        );
        assert_eq!(
            headers("size=2", 0)["link"],
            "</api/orders?page=0&size=2>; rel=\"last\",</api/orders?page=0&size=2>; rel=\"first\""
        );
        let rest = headers("", u64::from(BARE) + 1);
        let next = "</api/orders?page=5&size=2000>; rel=\"next\"";
        assert!(rest["link"].to_str().unwrap().starts_with(next), "{rest:?}");
    }
}
