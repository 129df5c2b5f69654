//! The mailer and the sink over real sockets.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod answers;
mod faults;
mod limit;
mod mailbox;
mod mailer;
mod password;
mod patience;
mod pipelining;
mod protocol;
mod recipients;
mod support;
mod tls;
