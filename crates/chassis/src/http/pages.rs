//! What a page of a list says of the other pages: `X-Total-Count` and `Link` (RFC 8288), in the form of JHipster's
//! `PaginationUtil`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The pages of a list.
#[derive(Debug, Clone, Copy)]
pub struct Pages<'a> {
    /// The list's address without its query.
    pub address: &'a str,
    /// The other parts of the query as they may stand in a link, each with `&` behind it.
    pub others: &'a str,
    /// How many items a page has; one at least.
    pub size: u32,
    /// How many items there are.
    pub total: u64,
}

impl Pages<'_> {
    /// The headers of the page of this number, counted from 0; `before` is the number of the page before it, if it has one.
    pub fn headers(&self, before: Option<u64>, page: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-total-count"), HeaderValue::from(self.total));
        if let Ok(links) = HeaderValue::try_from(self.links(before, page)) {
            headers.insert(header::LINK, links);
        }
        headers
    }

    /// Links to the next page after this one, the one before, the last and the first; next and previous only where there
    /// is one. An empty list has a first page, which is the last one too.
    fn links(&self, before: Option<u64>, page: u64) -> String {
        let last = self.total.div_ceil(u64::from(self.size)).max(1) - 1;
        let next = (page < last).then(|| self.link(page + 1, "next"));
        let previous = before.map(|number| self.link(number, "prev"));
        let always = [self.link(last, "last"), self.link(0, "first")];
        next.into_iter().chain(previous).chain(always).collect::<Vec<_>>().join(",")
    }

    fn link(&self, number: u64, relation: &str) -> String {
        let Pages { address, others, size, .. } = self;
        format!("<{address}?{others}page={number}&size={size}>; rel=\"{relation}\"")
    }
}
