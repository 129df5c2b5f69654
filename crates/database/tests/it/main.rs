//! The conformance suite of the database port, on the backends that need no server, and what only SQLite promises.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod memory;
mod sqlite;
