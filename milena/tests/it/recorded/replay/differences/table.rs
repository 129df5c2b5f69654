//! The list of differences on purpose.

use super::{Difference, Ours};

/// Every difference on purpose.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        cases: &[("tokens-store", 10, 15), ("store", 91, 91), ("alert", 66, 66)],
        ours: Ours::Answers(401),
        reason: "a token without a usable `aud` is a bad token, not a failure of the service",
    },
    Difference {
        cases: &[("tokens-store", 46, 46), ("tokens-store", 48, 48)],
        ours: Ours::Answers(200),
        reason: "roles that are no list are no roles; the service has not failed",
    },
    Difference {
        cases: &[("tokens-store", 47, 47)],
        ours: Ours::Answers(403),
        reason: "roles that are no list are no roles; the service has not failed",
    },
    Difference {
        cases: &[("store", 8, 10), ("alert", 6, 7)],
        ours: Ours::Answers(200),
        reason: "pages that are asked for are given, with `X-Total-Count` and `Link`",
    },
    Difference {
        cases: &[("store", 20, 20)],
        ours: Ours::Headers(&["link", "x-total-count"]),
        reason: "pages that are asked for are given, with `X-Total-Count` and `Link`",
    },
    Difference {
        cases: &[("store", 16, 17), ("alert", 11, 11)],
        ours: Ours::Body,
        reason: "the order that is asked for is given",
    },
    Difference {
        cases: &[
            ("store", 2, 6),
            ("store", 27, 27),
            ("store", 36, 37),
            ("store", 44, 44),
            ("store", 47, 48),
            ("store", 54, 54),
            ("store", 61, 61),
            ("store", 97, 97),
            ("store", 101, 101),
            ("store", 103, 103),
            ("alert", 2, 4),
            ("alert", 17, 17),
            ("alert", 27, 28),
            ("alert", 36, 37),
            ("alert", 48, 48),
            ("alert", 72, 72),
        ],
        ours: Ours::Headers(&["etag"]),
        reason: "one entity has an `ETag`, for those who send `If-Match` or `If-None-Match`",
    },
    Difference {
        cases: &[("store", 35, 35), ("store", 94, 95)],
        ours: Ours::Body,
        reason: "what was answered 406 has changed nothing; the original had written a store all the same",
    },
    Difference {
        cases: &[("store", 43, 43)],
        ours: Ours::Answers(200),
        reason: "the status is optional: a store without one is saved, answered, and announced as `UNKNOWN`",
    },
    Difference {
        cases: &[("store", 49, 49), ("alert", 38, 38)],
        ours: Ours::Answers(400),
        reason: "`null` in a merge patch takes a value away (RFC 7396), which a required one does not allow",
    },
    Difference {
        cases: &[("alert", 18, 18), ("alert", 34, 34)],
        ours: Ours::Answers(400),
        reason: "a name too long for its column is a mistake of the caller, not a failure of the service",
    },
    Difference {
        cases: &[("alert", 53, 54)],
        ours: Ours::Answers(204),
        reason: "deleting what is not there is done already, as in store",
    },
    Difference {
        cases: &[("management-store", 30, 30), ("management-alert", 30, 30)],
        ours: Ours::Body,
        reason: "there is no Java machine of which `jvm_*` could tell",
    },
    Difference {
        cases: &[("management-store", 61, 61), ("management-alert", 61, 61)],
        ours: Ours::Answers(200),
        reason: "the last requests can be seen",
    },
    Difference {
        cases: &[
            ("management-store", 88, 88),
            ("management-store", 90, 90),
            ("management-alert", 88, 88),
            ("management-alert", 90, 90),
        ],
        ours: Ours::Answers(404),
        reason: "a group that does not exist is not found; the service has not failed",
    },
    Difference {
        cases: &[("management-store", 91, 91), ("management-alert", 91, 91)],
        ours: Ours::Answers(200),
        reason: "Swagger UI is part of the program",
    },
    Difference {
        cases: &[("sse-store", 6, 6), ("sse-alert", 6, 6)],
        ours: Ours::Answers(200),
        reason: "an event stream begins at once; the original sends nothing before its first event",
    },
];
