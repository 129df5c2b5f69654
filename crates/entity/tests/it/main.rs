//! The resource over HTTP, as a caller sees it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod changes;
mod conditions;
mod lists;
mod once;
mod openapi;
mod recorded;
mod shop;
