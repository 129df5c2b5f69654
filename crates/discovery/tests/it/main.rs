//! The registry, the configuration server, the client and the proxy over real sockets and recorded conversations.
#![expect(clippy::unwrap_used, reason = "tests")]

mod at_once;
mod bad_input;
mod cases;
mod config;
mod corpus;
mod events;
mod forwarding;
mod peers;
mod recorded;
mod registration;
mod support;
