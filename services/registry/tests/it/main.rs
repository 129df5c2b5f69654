//! The registry with its identity provider and instances of its own, over HTTP.

#![expect(clippy::unwrap_used, reason = "tests")]

mod browser;
mod calls;
mod description;
mod doors;
mod heartbeats;
mod history;
mod pages;
mod recorded;
mod sign_in;
mod world;
