//! Where the mail server is, how to speak with it, and in whose name.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use anyhow::{Context, bail, ensure};

/// Where the mail server is and how to speak with it.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// The server's name, which its certificate must carry, or its address.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// Whom to sign in as, when the server asks for it.
    pub username: Option<String>,
    /// The password that goes with it.
    pub password: Option<Password>,
    /// How the connection is protected.
    pub security: Security,
    /// Certificates in PEM that are trusted beside the public ones.
    pub certificate_authority: Option<String>,
    /// The author of mails whose author is a bare name: `a@example.com` or `Name <a@example.com>`, where the name goes
    /// before the mail's. Without it the user name, if that is an address.
    pub sender: Option<String>,
    /// The address in the envelope, where notices of failure go. Without it the author's.
    pub bounces: Option<String>,
    /// How many mails may go; without it as many as there are.
    pub rate_limit: Option<RateLimit>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for each answer but the last of a mail.
    pub timeout: Duration,
    /// How long to wait for the last answer of a mail, when the server has its text. The exception from `timeout`: a
    /// server may look through a mail before it answers, and would get it twice from whoever gives up earlier.
    pub accept_timeout: Duration,
    /// How long a connection stays open without work.
    pub idle: Duration,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// STARTTLS; a server that does not offer it gets nothing.
    StartTlsRequired,
    /// STARTTLS if the server offers it. Whoever sits between can pretend that it does not.
    StartTlsIfOffered,
    /// None.
    Plain,
    /// TLS from the first byte (RFC 8314).
    Tls,
}

/// A password that does not show itself.
#[derive(Clone)]
pub struct Password(pub(super) String);

/// So many mails at most in any stretch of time of this length, written `10/s`, `100/m`, `1000/h` or `500/d`. A restart
/// begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    mails: NonZeroU32,
    period: Period,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    Second,
    Minute,
    Hour,
    Day,
}

/// The time of each mail within the period is remembered.
const MOST_MAILS: u32 = 10_000;

impl SmtpSettings {
    /// A server that must offer STARTTLS and wants no password; 10 s for each answer, but 10 minutes for that to the
    /// text of a mail (RFC 5321 §4.5.3.2.6).
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        SmtpSettings {
            host: host.into(),
            port,
            username: None,
            password: None,
            security: Security::StartTlsRequired,
            certificate_authority: None,
            sender: None,
            bounces: None,
            rate_limit: None,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            accept_timeout: Duration::from_secs(600),
            idle: Duration::from_secs(10),
        }
    }
}

impl Password {
    /// Takes a password in.
    pub fn new(password: impl Into<String>) -> Self {
        Password(password.into())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(_)")
    }
}

impl RateLimit {
    /// How many mails may go in a period, from 1.
    pub(super) fn mails(self) -> usize {
        self.mails.get() as usize
    }

    pub(super) fn period(self) -> Duration {
        Duration::from_secs(match self.period {
            Period::Second => 1,
            Period::Minute => 60,
            Period::Hour => 3_600,
            Period::Day => 86_400,
        })
    }
}

impl FromStr for RateLimit {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (mails, period) = text.split_once('/').context("there is no / in it")?;
        let mails: NonZeroU32 = mails.trim().parse().context("not a number from 1")?;
        ensure!(mails.get() <= MOST_MAILS, "more than {MOST_MAILS}");
        let period = match period.trim() {
            "s" => Period::Second,
            "m" => Period::Minute,
            "h" => Period::Hour,
            "d" => Period::Day,
            _ => bail!("not s, m, h or d"),
        };
        Ok(RateLimit { mails, period })
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = match self.period {
            Period::Second => "s",
            Period::Minute => "m",
            Period::Hour => "h",
            Period::Day => "d",
        };
        write!(formatter, "{}/{period}", self.mails)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_per_period() {
        for (text, mails, seconds) in
            [("10/s", 10, 1), ("1/m", 1, 60), ("10000/h", 10_000, 3_600), ("500/d", 500, 86_400)]
        {
            let limit: RateLimit = text.parse().unwrap();
            assert_eq!((limit.mails(), limit.period().as_secs()), (mails, seconds));
            assert_eq!(limit.to_string(), text);
        }
        for text in ["", "10", "0/s", "-1/s", "10001/s", "10/w", "10/", "/s", "many/s"] {
            assert!(text.parse::<RateLimit>().is_err(), "{text}");
        }
    }
}
