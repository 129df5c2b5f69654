//! Who is calling: checks tokens, keeps a login and its session, and serves as the development identity provider.
//! Knows nothing of what a caller may do with which service.

pub mod accounts;
mod caller;
mod guard;
pub mod issuer;
mod provider;
mod verify;

pub mod csrf;
pub mod login;
pub mod session;
pub mod shared_secret;

pub use caller::{Caller, Profile, identified};
pub use guard::{Access, MICROSERVICE, Rules, guarded};
pub use issuer::Issuer;
pub use provider::{Metadata, Provider, ProviderState};
pub use verify::{TokenError, Verifier};
