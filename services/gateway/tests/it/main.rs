//! The gateway before real neighbours: a registry, the development identity provider and a small service, each on a
//! socket of its own.

#![expect(clippy::unwrap_used, reason = "tests")]

mod browser;
mod documents;
mod library;
mod lists;
mod management;
mod pages;
mod proxy;
mod sign_in;
mod world;
