//! The conditions of a request on the entity tag of what is there (RFC 9110 §13.1).

use axum::{
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use chassis::Problem;

use crate::tag::Tag;

/// `If-Match` and `If-None-Match` of a request.
#[derive(Debug)]
pub(super) struct Precondition {
    only: Option<Named>,
    unless: Option<Named>,
}

/// What such a header names.
#[derive(Debug)]
enum Named {
    Anything,
    /// Tags without their quotes. What is no tag is none of them, and matches nothing.
    These(Vec<Listed>),
}

#[derive(Debug)]
struct Listed {
    text: String,
    weak: bool,
}

impl Precondition {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Precondition {
            only: Named::read(headers, header::IF_MATCH),
            unless: Named::read(headers, header::IF_NONE_MATCH),
        }
    }

    /// Whether the request makes any condition.
    pub(super) fn is_given(&self) -> bool {
        self.only.is_some() || self.unless.is_some()
    }

    /// Whether a change may be made to what has this tag, or to what is not there.
    ///
    /// # Errors
    /// 412 when it may not.
    pub(super) fn allows_change(&self, current: Option<Tag>) -> Result<(), Problem> {
        self.allows_reading(current)?;
        match &self.unless {
            Some(unless) if unless.names(current, true) => Err(Problem::stale()),
            _ => Ok(()),
        }
    }

    /// Whether what has this tag may be read.
    ///
    /// # Errors
    /// 412 when the caller wanted to read something else.
    pub(super) fn allows_reading(&self, current: Option<Tag>) -> Result<(), Problem> {
        match &self.only {
            Some(only) if !only.names(current, false) => Err(Problem::stale()),
            _ => Ok(()),
        }
    }

    /// Whether the caller has what it asks for.
    pub(super) fn is_known(&self, current: Tag) -> bool {
        self.unless.as_ref().is_some_and(|unless| unless.names(Some(current), true))
    }
}

/// Takes the tag out of answers to requests without a condition: it is for those who ask, for example with `If-Match: *`,
/// and nobody else sees a difference to the Java services.
pub(super) async fn tags_for_who_asks(request: Request, next: Next) -> Response {
    let asked = Precondition::of(request.headers()).is_given();
    let mut response = next.run(request).await;
    if !asked {
        response.headers_mut().remove(header::ETAG);
    }
    response
}

impl Named {
    fn read(headers: &HeaderMap, name: header::HeaderName) -> Option<Named> {
        let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let first = values.next()?;
        if first.trim() == "*" {
            return Some(Named::Anything);
        }
        let listed = std::iter::once(first).chain(values).flat_map(tags);
        Some(Named::These(listed.collect()))
    }

    /// A weak tag stands for what is much the same: good enough to have read it, not to change it.
    fn names(&self, current: Option<Tag>, weakly: bool) -> bool {
        let Some(current) = current.map(|tag| tag.to_string()) else { return false };
        match self {
            Named::Anything => true,
            Named::These(tags) => {
                tags.iter().any(|tag| tag.text == current && (weakly || !tag.weak))
            }
        }
    }
}

/// The tags of a list. Between quotes no quote can stand, so that every other part of the text is a tag.
fn tags(list: &str) -> impl Iterator<Item = Listed> {
    let mut before = "";
    list.split('"').enumerate().filter_map(move |(position, part)| {
        let weak = before.trim_end().ends_with("W/");
        before = part;
        (position % 2 == 1).then(|| Listed { text: part.to_owned(), weak })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What may be done to something that has the tag `T`, and to nothing: read, changed, and is it known.
    fn check(name: header::HeaderName, value: &str, there: [bool; 3], nowhere: [bool; 2]) {
        let tag = Tag::of(b"there");
        let value = value.replace('T', &tag.to_string());
        let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
        let given = Precondition::of(&headers);
        assert!(given.is_given());
        let done = |current| {
            let (read, change) = (given.allows_reading(current), given.allows_change(current));
            for problem in [&read, &change].into_iter().filter_map(|done| done.as_ref().err()) {
                assert_eq!(problem.status().as_u16(), 412);
            }
            [read.is_ok(), change.is_ok()]
        };
        let [read, change] = done(Some(tag));
        assert_eq!([read, change, given.is_known(tag)], there, "{headers:?}");
        assert_eq!(done(None), nowhere, "{headers:?}");
    }

    #[test]
    fn if_match_names_what_may_be_changed() {
        for (value, matches) in [
            ("\"T\"", true),
            ("*", true),
            ("\"other\", \"T\"", true),
            ("\"a,b\",\"T\"", true),
            ("\"other\"", false),
            ("W/\"T\"", false),
            ("T", false),
            ("", false),
            ("\"", false),
        ] {
            check(header::IF_MATCH, value, [matches, matches, false], [false, false]);
        }
    }

    #[test]
    fn if_none_match_names_what_is_known() {
        for (value, known) in
            [("\"T\"", true), ("W/\"T\"", true), ("*", true), ("\"other\"", false), ("T", false)]
        {
            check(header::IF_NONE_MATCH, value, [true, !known, known], [true, true]);
        }
    }

    #[test]
    fn no_header_is_no_condition() {
        let none = Precondition::of(&HeaderMap::new());
        assert!(!none.is_given());
        assert!(none.allows_change(None).is_ok() && none.allows_reading(None).is_ok());
        assert!(!none.is_known(Tag::of(b"there")));
    }
}
