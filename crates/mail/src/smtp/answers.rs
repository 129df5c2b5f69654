//! What a mail server's answers mean for a mail, and for the connection on which they came.

use std::time::Duration;

use anyhow::anyhow;
use lettre::transport::smtp::{self, response::Response};
use tokio::time::timeout;

/// Longer words of a server are cut: they end in a log line or beside a kept message.
const MAX_WORDS: usize = 300;

/// Why a mail was not delivered.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server will never take this mail; the connection is good.
    Refused(anyhow::Error),
    /// It was not tried: its turn has not come, or this process stops.
    NoTurn(anyhow::Error),
    /// The server does not take this mail now; the connection is good.
    Later(anyhow::Error),
    /// The connection, or the server, is of no use at the moment.
    Broken(anyhow::Error),
}

/// At the stop.
pub(super) fn stopped() -> Trouble {
    Trouble::Broken(anyhow!("this process stops"))
}

/// Waits for the answer to a command.
pub(super) async fn within(
    limit: Duration,
    what: &str,
    answer: impl Future<Output = Result<Response, smtp::Error>>,
) -> Result<Response, Trouble> {
    match timeout(limit, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(understand(what, &error)),
        Err(_) => {
            Err(Trouble::Broken(anyhow!("the mail server did not answer {what} within {limit:?}")))
        }
    }
}

/// Whether the text can follow on the answer to DATA.
pub(super) fn goes_on(answer: &Response) -> Result<(), Trouble> {
    match answer.has_code(354) {
        true => Ok(()),
        false => {
            Err(Trouble::Broken(anyhow!("the mail server answered DATA with {}", answer.code())))
        }
    }
}

/// Decides what a failed command means (RFC 5321 §4.2.1, RFC 4954 §6).
fn understand(what: &str, error: &smtp::Error) -> Trouble {
    let Some(code) = error.status().map(u16::from) else {
        return Trouble::Broken(anyhow!("{what} failed: {}", words(&error.to_string())));
    };
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let reason = anyhow!("the mail server answered {what} with {code} {}", words(&said));
    match code {
        // The server is leaving.
        421 => Trouble::Broken(reason),
        // It wants encryption, a password or another one: the settings' fault, not the mail's.
        523 | 524 | 530 | 534 | 535 | 538 => Trouble::Broken(reason.context(
            "the mail server wants encryption or a password (spring.mail.username, SPRING_MAIL_PASSWORD)",
        )),
        400..=499 => Trouble::Later(reason),
        // So many mails for today (RFC 3463 §3.5: mail system congestion), as Google has it. It is not this mail's fault.
        _ if said.starts_with("5.4.5") => Trouble::Later(reason),
        _ => Trouble::Refused(reason),
    }
}

/// What a server said, fit for a log: one bounded line without addresses.
pub(super) fn words(said: &str) -> String {
    let words: Vec<&str> = said
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| if word.contains('@') { "<address>" } else { word })
        .collect();
    words.join(" ").chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_server_carry_no_address_and_no_line_break() {
        assert_eq!(
            words("5.1.1 <a@example.com>: no\r\n such user"),
            "5.1.1 <address> no such user"
        );
        assert_eq!(words(&"x".repeat(1000)).len(), MAX_WORDS);
    }
}
