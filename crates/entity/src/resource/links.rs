//! The `Link` header of a page (RFC 8288), in the form of JHipster's `PaginationUtil`.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What cannot stand in a link of a header; what came encoded stays as it came.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b',')
    .add(b';');

/// The pages of a list.
pub(super) struct Links<'a> {
    /// The list's address without its query.
    pub(super) address: &'a str,
    /// The other parts of the query.
    pub(super) others: &'a [&'a str],
    pub(super) size: u32,
    pub(super) total: u64,
}

impl Links<'_> {
    /// Links to the next page after this one, the one before, the last and the first; next and previous only where there
    /// is one. An empty list has a first page, which is the last one too.
    pub(super) fn around(&self, before: Option<u64>, page: u64) -> String {
        let last = self.total.div_ceil(u64::from(self.size)).max(1) - 1;
        let next = (page < last).then(|| self.link(page + 1, "next"));
        let previous = before.map(|number| self.link(number, "prev"));
        let always = [self.link(last, "last"), self.link(0, "first")];
        next.into_iter().chain(previous).chain(always).collect::<Vec<_>>().join(",")
    }

    fn link(&self, number: u64, relation: &str) -> String {
        let mut query = String::new();
        for part in self.others {
            query.extend(utf8_percent_encode(part, UNSAFE));
            query.push('&');
        }
        let (address, size) = (self.address, self.size);
        format!("<{address}?{query}page={number}&size={size}>; rel=\"{relation}\"")
    }
}
