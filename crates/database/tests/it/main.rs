//! The conformance suite of the database port, and what only SQLite promises.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod sqlite;
