//! Which page of people a caller asks for, and where the other pages are, in the words of Spring Data and JHipster's
//! `PaginationUtil`.

use axum::http::HeaderMap;
use chassis::http::Pages;
use database::{Direction, Page, Sort};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What cannot stand in a link of a header, the signs that separate links included; what came encoded stays as it came.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b',').add(b';');

/// The size of a page when the caller names none, and at most.
const SIZE: u32 = 20;
const LARGEST: u32 = 2000;

/// What the caller asked for. What cannot be read is as good as not given.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    page: Option<u32>,
    size: Option<u32>,
    /// The order, by what is shown alone: an order by anything else would tell of it.
    sort: Vec<(Property, Direction)>,
    /// The other parts of the query, which links to other pages carry on as they came.
    others: Vec<&'a str>,
}

/// What people can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    Id,
    Login,
}

impl<'a> Asked<'a> {
    pub(super) fn read(query: &'a str) -> Self {
        let mut asked = Asked::default();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            match &*percent_decode_str(name).decode_utf8_lossy() {
                "page" => asked.page = asked.page.or(number(&value)),
                "size" => asked.size = asked.size.or(number(&value)),
                name => {
                    if name == "sort" {
                        asked.order(&value);
                    }
                    asked.others.push(part);
                }
            }
        }
        asked
    }

    /// Adds to the order: properties, then perhaps a direction. A property that comes up again orders nothing any more.
    fn order(&mut self, text: &str) {
        let mut direction = Direction::Ascending;
        let mut named = Vec::new();
        for word in text.split(',').map(str::trim) {
            match word.to_ascii_lowercase().as_str() {
                "desc" => direction = Direction::Descending,
                "id" => named.push(Property::Id),
                "login" => named.push(Property::Login),
                _ => {}
            }
        }
        for property in named {
            if !self.sort.iter().any(|(known, _)| *known == property) {
                self.sort.push((property, direction));
            }
        }
    }

    fn size(&self) -> u32 {
        self.size.filter(|size| *size > 0).unwrap_or(SIZE).min(LARGEST)
    }

    fn number(&self) -> u64 {
        u64::from(self.page.unwrap_or(0))
    }

    /// The page of a table whose login has this position.
    pub(super) fn page(&self, login: usize) -> Page {
        let sort = |(property, direction): &(Property, Direction)| Sort {
            column: (*property == Property::Login).then_some(login),
            direction: *direction,
        };
        Page {
            offset: self.number() * u64::from(self.size()),
            limit: self.size(),
            sort: self.sort.iter().map(sort).collect(),
            filter: Vec::new(),
        }
    }

    /// `X-Total-Count`, and `Link` to the other pages of this many people. Nobody at all is one empty page.
    pub(super) fn headers(&self, address: &str, total: u64) -> HeaderMap {
        let (page, size) = (self.number(), self.size());
        let others: String = self
            .others
            .iter()
            .map(|part| format!("{}&", utf8_percent_encode(part, UNSAFE)))
            .collect();
        Pages { address, others: &others, size, total }.headers(page.checked_sub(1), page)
    }
}

/// A whole number as Java's `int`; a negative one counts as 0, as in Spring Data.
fn number(text: &str) -> Option<u32> {
    text.parse::<i32>().ok().map(|number| number.max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_page(query: &str, offset: u64, limit: u32, sort: &[(Option<usize>, Direction)]) {
        let page = Asked::read(query).page(7);
        let found: Vec<_> = page.sort.iter().map(|sort| (sort.column, sort.direction)).collect();
        assert_eq!((page.offset, page.limit, &*found), (offset, limit, sort), "{query}");
    }

    #[test]
    fn a_page_is_read_as_spring_data_reads_it() {
        check_page("", 0, 20, &[]);
        check_page("page=3&size=2", 6, 2, &[]);
        check_page("page=3", 60, 20, &[]);
        check_page("size=0", 0, 20, &[]);
        check_page("size=-1&page=-1", 0, 20, &[]);
        check_page("size=abc&page=99999999999", 0, 20, &[]);
        check_page("size=5000", 0, 2000, &[]);
        check_page("page=1&page=2", 20, 20, &[]);
        check_page("page=2147483647&size=2000", 2_147_483_647 * 2000, 2000, &[]);
    }

    #[test]
    fn people_are_ordered_by_what_is_shown_of_them() {
        use Direction::{Ascending, Descending};
        check_page("sort=login,desc", 0, 20, &[(Some(7), Descending)]);
        check_page("sort=login%2CDESC&sort=id", 0, 20, &[(Some(7), Descending), (None, Ascending)]);
        check_page("sort=id,login,asc", 0, 20, &[(None, Ascending), (Some(7), Ascending)]);
        check_page("sort=login&sort=login,desc", 0, 20, &[(Some(7), Ascending)]);
        check_page("sort=password,asc", 0, 20, &[]);
        check_page("sort=email&sort=", 0, 20, &[]);
    }

    fn check_links(query: &str, total: u64, expected: &[&str]) {
        let headers = Asked::read(query).headers("http://shop/api/users", total);
        assert_eq!(headers["x-total-count"], *total.to_string());
        let links: Vec<String> = expected
            .iter()
            .map(|link| {
                let (query, relation) = link.split_once(' ').unwrap();
                format!("<http://shop/api/users?{query}>; rel=\"{relation}\"")
            })
            .collect();
        assert_eq!(headers["link"].to_str().unwrap(), links.join(","), "{query}");
    }

    #[test]
    fn links_lead_to_the_other_pages() {
        check_links(
            "page=1&size=2",
            5,
            &[
                "page=2&size=2 next",
                "page=0&size=2 prev",
                "page=2&size=2 last",
                "page=0&size=2 first",
            ],
        );
        check_links("", 0, &["page=0&size=20 last", "page=0&size=20 first"]);
        check_links("", 20, &["page=0&size=20 last", "page=0&size=20 first"]);
        check_links(
            "page=3&size=2",
            0,
            &["page=2&size=2 prev", "page=0&size=2 last", "page=0&size=2 first"],
        );
        let ordered =
            ["sort=login%2Cdesc&page=0&size=20 last", "sort=login%2Cdesc&page=0&size=20 first"];
        check_links("sort=login,desc", 0, &ordered);
        check_links("page=0&sort=login%2Cdesc", 0, &ordered);
    }
}
