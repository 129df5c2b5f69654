//! The list of differences on purpose.

use super::{Cases, Databases, Difference, Ours};

/// Every difference on purpose.
pub(crate) const DIFFERENCES: &[Difference] = &[
    everywhere(
        Ours::Answers(401),
        &[("tokens-store", 10, 15), ("store", 91, 91), ("alert", 66, 66)],
        "a token without a usable `aud` is a bad token, not a failure of the service",
    ),
    everywhere(
        Ours::Answers(200),
        &[("tokens-store", 46, 46), ("tokens-store", 48, 48)],
        "roles that are no list are no roles; the service has not failed",
    ),
    everywhere(
        Ours::Answers(403),
        &[("tokens-store", 47, 47)],
        "roles that are no list are no roles; the service has not failed",
    ),
    everywhere(
        Ours::Answers(200),
        &[("store", 8, 10), ("alert", 6, 7)],
        "pages that are asked for are given, with `X-Total-Count` and `Link`",
    ),
    everywhere(
        Ours::Headers(&["link", "x-total-count"]),
        &[("store", 20, 20)],
        "pages that are asked for are given, with `X-Total-Count` and `Link`",
    ),
    everywhere(
        Ours::Body,
        &[("store", 16, 17), ("alert", 11, 11)],
        "the order that is asked for is given",
    ),
    everywhere(
        Ours::Headers(&["link"]),
        &[("store", 79, 86), ("alert", 57, 58)],
        "the last page of an empty list is its first; the original links to page -1",
    ),
    everywhere(
        Ours::Answers(200),
        &[("store", 71, 71), ("alert", 61, 61)],
        "the page for people who come here by mistake is our own",
    ),
    everywhere(
        Ours::Answers(404),
        &[("store", 70, 70)],
        "the page for people who come here by mistake is our own",
    ),
    everywhere(
        Ours::Body,
        &[("store", 35, 35), ("store", 94, 95)],
        "what was answered 406 has changed nothing; the original had written a store all the same",
    ),
    everywhere(
        Ours::Answers(200),
        &[("store", 43, 43)],
        "the status is optional: a store without one is saved, answered, and announced as `UNKNOWN`",
    ),
    everywhere(
        Ours::Answers(400),
        &[("store", 49, 49), ("alert", 38, 38)],
        "`null` in a merge patch takes a value away (RFC 7396), which a required one does not allow",
    ),
    everywhere(
        Ours::Answers(400),
        &[("alert", 18, 18), ("alert", 34, 34)],
        "a name too long for its column is a mistake of the caller, not a failure of the service",
    ),
    everywhere(
        Ours::Answers(204),
        &[("alert", 53, 54)],
        "deleting what is not there is done already, as in store",
    ),
    everywhere(
        Ours::Body,
        &[("management-store", 30, 30), ("management-alert", 30, 30)],
        "there is no Java machine of which `jvm_*` could tell",
    ),
    everywhere(
        Ours::Answers(200),
        &[("management-store", 61, 61), ("management-alert", 61, 61)],
        "the last requests can be seen",
    ),
    everywhere(
        Ours::Answers(404),
        &[
            ("management-store", 88, 88),
            ("management-store", 90, 90),
            ("management-alert", 88, 88),
            ("management-alert", 90, 90),
        ],
        "a group that does not exist is not found; the service has not failed",
    ),
    everywhere(
        Ours::Body,
        &[("store", 104, 104)],
        "what is wrong with a field is said in English, whatever the caller's language",
    ),
    everywhere(
        Ours::Body,
        &[("management-store", 86, 86), ("management-alert", 86, 86)],
        "caches cannot be emptied from outside, and threads are shown as JSON only",
    ),
    everywhere(
        Ours::Answers(200),
        &[("sse-store", 6, 6), ("sse-alert", 6, 6)],
        "an event stream begins at once; the original sends nothing before its first event",
    ),
    everywhere(
        Ours::Body,
        &[("management-store", 80, 80), ("management-alert", 80, 80)],
        "the parts that a group of loggers has are ours",
    ),
    embedded(
        Ours::Answers(404),
        &[("management-store", 15, 15)],
        "the embedded database is `db`; MongoDB is `mongo`, as recorded",
    ),
    embedded(
        Ours::Answers(200),
        &[("management-store", 17, 17)],
        "the embedded database is `db`; MongoDB is `mongo`, as recorded",
    ),
    everywhere(
        Ours::Answers(404),
        &[("management-store", 21, 21), ("management-alert", 21, 21)],
        "the whole system in one process asks no Config server; `run` does, as recorded",
    ),
    embedded(
        Ours::Answers(404),
        &[("management-alert", 54, 54)],
        "the embedded database has no Liquibase; PostgreSQL has, as recorded",
    ),
    embedded(
        Ours::Body,
        &[("management-alert", 31, 31), ("management-alert", 34, 34)],
        "the embedded database has no Liquibase; PostgreSQL has, as recorded",
    ),
    embedded(
        Ours::Body,
        &[("alert", 69, 70)],
        "the embedded database keeps nanoseconds; PostgreSQL rounds to microseconds, as recorded",
    ),
    real(
        Ours::Body,
        &[("alert", 27, 27)],
        "what PostgreSQL keeps is answered; the original answered from a cache of its own",
    ),
];

const fn everywhere(ours: Ours, cases: Cases, reason: &'static str) -> Difference {
    Difference { cases, ours, only: None, reason }
}

const fn embedded(ours: Ours, cases: Cases, reason: &'static str) -> Difference {
    Difference { cases, ours, only: Some(Databases::Embedded), reason }
}

const fn real(ours: Ours, cases: Cases, reason: &'static str) -> Difference {
    Difference { cases, ours, only: Some(Databases::Real), reason }
}
