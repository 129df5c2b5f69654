//! What links to other pages carry on of a query.

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

/// Parts of a query as they may stand in a link.
pub(super) fn carried_on(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("{}&", utf8_percent_encode(part, UNSAFE))).collect()
}
