//! Who is calling: checks tokens, keeps a login and its session, and serves as the development identity provider.
//! Knows nothing of what a caller may do with which service.

mod caller;
pub mod issuer;
mod provider;
mod verify;

pub mod csrf;
pub mod login;
pub mod session;

pub use caller::{Caller, authenticated, identified, with_role};
pub use issuer::Issuer;
pub use provider::{Metadata, Provider};
pub use verify::{TokenError, Verifier};
