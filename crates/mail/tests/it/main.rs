//! The mailer and the sink over real sockets.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod answers;
mod mailbox;
mod mailer;
mod patience;
mod protocol;
mod support;
mod tls;
