//! Which page a query asks for, in which order, and where the others are.

use axum::http::header;

use super::*;
use crate::codec::tests::ORDER;

const BARE: u32 = 10_000;

fn check(query: &str, (offset, limit): (u64, u32), sort: &[(Option<usize>, Direction)]) {
    let page = Query::parse(&ORDER, query, BARE).unwrap().page();
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
    check("size=-1&page=-1", (0, BARE), &[]);
    check("p%61ge=1&size=%35", (5, 5), &[]);
    check("page=18446744073709551615&size=2000", (u64::MAX, LARGEST), &[]);
    check("&&page&=&cacheBuster=17&%ff=%ff", (0, BARE), &[]);
}

#[test]
fn orders_as_spring_does() {
    use Direction::{Ascending, Descending};
    for (query, expected) in [
        ("sort=id,desc", &[(None, Descending)][..]),
        ("sort=title%2CDESC&sort=count", &[(Some(0), Descending), (Some(2), Ascending)]),
        ("sort=title,count,desc", &[(Some(0), Descending), (Some(2), Descending)]),
        ("sort=title,desc,ignorecase", &[(Some(0), Descending)]),
        ("sort=title,asc&sort=title,desc", &[(Some(0), Ascending)]),
        ("sort=id,sideways", &[(None, Ascending)]),
        ("sort=nosuch,asc", &[]),
        ("sort=", &[]),
        ("sort=,desc", &[]),
    ] {
        check(query, (0, BARE), expected);
    }
}

#[test]
fn a_bare_list_has_a_maximum() {
    for (bare, expected) in
        [(0, 1), (1, 1), (1999, 1999), (2000, 2000), (4999, 4000), (10_000, 10_000)]
    {
        assert_eq!(Query::parse(&ORDER, "", bare).unwrap().page().limit, expected);
    }
}

/// The links of an answer, without the address, in the form `next page=1&size=2`.
fn links(query: &str, bare: u32, total: u64) -> Vec<String> {
    let headers = Query::parse(&ORDER, query, bare).unwrap().headers("http://shop/orders", total);
    let Some(link) = headers.get(header::LINK) else {
        assert!(headers.is_empty());
        return Vec::new();
    };
    assert_eq!(headers["x-total-count"], total.to_string());
    let parts = link.to_str().unwrap().split(',');
    let parts = parts.map(|part| {
        let (target, relation) = part.split_once(">; rel=").unwrap();
        let target = target.strip_prefix("<http://shop/orders?").unwrap();
        format!("{} {target}", relation.trim_matches('"'))
    });
    parts.collect()
}

#[test]
fn says_where_the_other_pages_are() {
    let none: &[&str] = &[];
    for (query, total, expected) in [
        ("", 3, none),
        ("sort=id,desc", 3, none),
        (
            "page=1&size=2",
            5,
            &[
                "next page=2&size=2",
                "prev page=0&size=2",
                "last page=2&size=2",
                "first page=0&size=2",
            ],
        ),
        ("size=2", 0, &["last page=0&size=2", "first page=0&size=2"]),
        ("page=9&size=2", 4, &["prev page=8&size=2", "last page=1&size=2", "first page=0&size=2"]),
        (
            "page=0&sort=title,desc&title.contains=a%2Cb;c&size=5000",
            1,
            &[
                "last sort=title%2Cdesc&title.contains=a%2Cb%3Bc&page=0&size=2000",
                "first sort=title%2Cdesc&title.contains=a%2Cb%3Bc&page=0&size=2000",
            ],
        ),
    ] {
        assert_eq!(links(query, BARE, total), expected, "{query}");
    }
}

#[test]
fn the_rest_of_a_bare_list_is_in_pages() {
    let rest = ["next page=5&size=2000", "last page=5&size=2000", "first page=0&size=2000"];
    assert_eq!(links("", BARE, u64::from(BARE) + 1), rest);
    let rest = ["next page=1&size=3", "last page=3&size=3", "first page=0&size=3"];
    assert_eq!(links("", 3, 10), rest);
}

#[test]
fn a_filtered_list_is_always_counted() {
    let first =
        ["last gift.equals=true&page=0&size=2000", "first gift.equals=true&page=0&size=2000"];
    assert_eq!(links("gift.equals=true", BARE, 7), first);
}

#[test]
fn a_link_cannot_be_broken_out_of() {
    let query = r#"size=1&x="><script>,<&y=ü z"#;
    let found = links(query, BARE, 1);
    assert_eq!(found[0], "last x=%22%3E%3Cscript%3E%2C%3C&y=%C3%BC%20z&page=0&size=1");
}
