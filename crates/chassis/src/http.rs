//! HTTP on the server's side: what callers may send, what every answer has, and the connections, bounded in every
//! direction.

mod accept;
mod address;
mod answers;
mod body;
mod gzip;
mod impatient;
mod pages;
mod pieces;
mod serve;
mod spring;
mod trace;

pub use accept::{accepted, takes_gzip};
pub use address::base_address;
pub use answers::{Answers, nowhere};
pub use body::{BODY_LIMIT, Form, body};
pub use gzip::compressed;
pub use pages::Pages;
pub use pieces::in_pieces;
pub use trace::{traced, traceparent};

pub(crate) use answers::{Around, Finished, Shortcut, finished, with_body};
pub(crate) use serve::serve;

/// Who is calling, in the extensions of a request that came with a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerName(pub String);

#[cfg(test)]
mod tests;
