//! A mail is a message whose destination is SMTP: what it says, the transport that delivers it, and a sink that keeps
//! what is delivered. Knows nothing of who writes mails or why.

mod compose;
mod mailbox;
mod posting;
pub mod sink;
mod smtp;

use serde::{Deserialize, Serialize};

pub use compose::check_recipients;
pub use mailbox::{Letter, Mailbox};
pub use smtp::{Mailer, Password, RateLimit, Security, SmtpSettings};

/// The outbox channel of mails.
pub const CHANNEL: &str = "mail";

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The author: `a@example.com`, `Name <a@example.com>`, or a bare name, to which the transport adds its own address. Where
    /// the transport's settings have a name, too, theirs is taken.
    pub from: String,
    /// Who gets it, each `a@example.com` or `Name <a@example.com>`.
    pub to: Vec<String>,
    /// One line; line breaks in it become spaces.
    pub subject: String,
    /// The plain text.
    pub text: String,
}
