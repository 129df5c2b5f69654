//! Compares an answer with the recorded one, part by part.

mod body;
mod cut;
mod document;
mod exposition;
mod gzip;
mod headers;
mod process;
mod values;

use super::{
    case::{Case, Recorded},
    exchange::{Head, Reply},
};

/// How much of a text a failure shows, on each side of the first difference.
const SHOWN: usize = 300;

/// A part of an answer that is not as recorded.
#[derive(Debug)]
pub(super) struct Deviation {
    pub(super) part: Part,
    /// What was expected and what came.
    pub(super) text: String,
}

/// A part of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Status,
    /// In lower case.
    Header(String),
    Body,
}

/// Every part that is not as recorded. `plain` is the same answer without compression, where the original compressed.
pub(super) fn deviations(
    case: &Case,
    recorded: &Recorded,
    reply: &Reply,
    plain: Option<&Reply>,
) -> Vec<Deviation> {
    let mut found = head(&recorded.head, &reply.head);
    let body = match plain {
        Some(plain) => gzip::deviation(&reply.body, &plain.body),
        None => body::deviation(case, recorded, reply),
    };
    found.extend(body.map(|text| Deviation { part: Part::Body, text }));
    found
}

/// Every part of the head that is not as recorded.
pub(super) fn head(recorded: &Head, came: &Head) -> Vec<Deviation> {
    let line = |head: &Head| format!("{} {}", head.status, head.reason);
    let mut found = Vec::new();
    if line(recorded) != line(came) {
        let text = format!("expected {}, came {}", line(recorded), line(came));
        found.push(Deviation { part: Part::Status, text });
    }
    found.extend(headers::deviations(&recorded.headers, &came.headers));
    found
}

/// Two texts that should be the same, around the place where they part.
fn both(expected: &str, came: &str) -> String {
    let same = expected.bytes().zip(came.bytes()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| {
        let start = text.floor_char_boundary(same.saturating_sub(SHOWN));
        let end = text.floor_char_boundary(same.saturating_add(SHOWN));
        let dots = |more: bool| if more { "…" } else { "" };
        format!("{}{}{}", dots(start > 0), &text[start..end], dots(end < text.len()))
    };
    format!(
        "from byte {same} on\n      expected {}\n      came     {}",
        around(expected),
        around(came)
    )
}
