//! The crate from outside: what the Java services were recorded to answer, asked again here, and what callers meet on
//! real connections.

#![expect(clippy::unwrap_used, reason = "tests")]

mod answers;
mod connections;
mod details;
mod figures;
mod health;
mod management;
mod recorded;
