//! The feed from outside: what callers are answered, and what listeners get over a socket.

#![expect(clippy::unwrap_used, reason = "tests")]

mod broker;
mod recorded;
mod streams;
mod support;
