//! The crate from outside: over sockets where a provider is asked, over routers otherwise.

#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod bad_tokens;
mod browser;
mod doors;
mod id_token;
mod issuer;
mod issuer_session;
mod issuer_tokens;
mod login;
mod provider;
mod readiness;
mod recorded;
mod verify;
