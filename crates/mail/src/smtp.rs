//! Delivers mails to a mail server over a few connections that stay open. Never in the way of a request:
//! the relay of the mail channel drives it.

mod connect;
mod dialogue;
mod pool;
mod wire;

use std::{collections::HashMap, fmt, sync::OnceLock, time::Duration};

use anyhow::{Context, anyhow, ensure};
use async_trait::async_trait;
use database::Message;
use futures_util::{StreamExt, stream};
use lettre::Address;
use messaging::{Failure, Publish};
use tokio_util::sync::CancellationToken;

use crate::{
    Mail,
    compose::{Composed, compose},
};
use connect::Connector;
use dialogue::Trouble;
use pool::Pool;

/// How many mails are under way at the same time, each on its own connection.
const CONNECTIONS: usize = 8;

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
    /// The address of mails whose author is a bare name. Without it the user name, if that is an address.
    pub sender: Option<String>,
    /// How long to wait for a connection, and for each answer but the last of a mail.
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
pub struct Password(String);

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
            timeout: Duration::from_secs(10),
            accept_timeout: Duration::from_secs(600),
            idle: Duration::from_secs(10),
        }
    }
}

/// Sends the mails of the mail channel. Mails of one key go in order, different keys at the same time.
///
/// A mail that the server refuses for good, or that cannot be built, is rejected with the reason; everything that
/// may pass (no connection, wrong password, 4xx, silence) is to be retried. A mail that some recipients were refused
/// has been delivered to the others when it is rejected.
///
/// A mail whose text the server has without answering for it in the ordinary time is to be retried, too, while its
/// connection goes on waiting: its text is not sent again as long as the answer may come, and whoever hands the
/// message over again gets the answer once it is there. Such a mail holds back its own key and one connection. When the
/// connection breaks, the answer takes longer than `accept_timeout`, or the process ends before it, the server may have
/// taken the mail all the same and gets it twice, with the same `Message-ID`.
#[derive(Debug)]
pub struct Mailer {
    sender: Address,
    pool: Pool,
}

impl Mailer {
    /// Prepares the transport; connects when there is something to send.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(settings: SmtpSettings) -> anyhow::Result<Self> {
        ensure!(!settings.host.is_empty(), "the mail server has no name");
        let sender = match (&settings.sender, &settings.username) {
            (Some(sender), _) => {
                sender.parse().context("the sender's address for mails without one")?
            }
            (None, Some(username)) if let Ok(address) = username.parse() => address,
            _ => Address::new("milena", "localhost")
                .context("the sender's address for mails without one")?,
        };
        let idle = settings.idle;
        let pool = Pool::new(Connector::new(settings)?, CONNECTIONS, idle);
        Ok(Mailer { sender, pool })
    }

    /// Asks the mail server whether it would let us in, by a connection of its own.
    ///
    /// # Errors
    /// When it does not answer, or does not let us in.
    pub async fn check(&self) -> anyhow::Result<()> {
        self.pool.check().await
    }

    /// Closes connections without work as they become idle, and all of them at the stop. Without this loop they are
    /// closed when the next mail finds them too old. Never fails.
    pub async fn close_idle(&self, stop: CancellationToken) -> anyhow::Result<()> {
        self.pool.close_idle(&stop).await;
        Ok(())
    }

    /// Sends a group in order; answers with the positions.
    async fn send_in_order(
        &self,
        messages: &[Message],
        group: Vec<usize>,
        away: &OnceLock<String>,
    ) -> Vec<(usize, Result<(), Failure>)> {
        let mut waiting = false;
        let mut outcomes = Vec::with_capacity(group.len());
        for index in group {
            let outcome = match (waiting, away.get()) {
                (true, _) => {
                    Err(Failure::Retry(anyhow!("an earlier mail of the same key is waiting")))
                }
                // Asking an absent server once per mail would cost a time-out each.
                (false, Some(reason)) => {
                    Err(Failure::Retry(anyhow!("the mail server is away: {reason}")))
                }
                (false, None) => self.send(&messages[index], away).await,
            };
            waiting |= matches!(outcome, Err(Failure::Retry(_)));
            outcomes.push((index, outcome));
        }
        outcomes
    }

    async fn send(&self, message: &Message, away: &OnceLock<String>) -> Result<(), Failure> {
        let composed = self.composed(message).map_err(Failure::Reject)?;
        match self.pool.deliver(&message.id, &composed).await {
            Ok(()) => Ok(()),
            Err(Trouble::Refused(error)) => Err(Failure::Reject(error)),
            Err(Trouble::Later(error)) => Err(Failure::Retry(error)),
            Err(Trouble::Broken(error)) => {
                // Only the first reason counts; whoever comes second saw the same server.
                let _ = away.set(format!("{error:#}"));
                Err(Failure::Retry(error))
            }
        }
    }

    fn composed(&self, message: &Message) -> anyhow::Result<Composed> {
        compose(&Mail::from_message(message)?, &message.id, message.created, &self.sender)
    }
}

#[async_trait]
impl Publish for Mailer {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let away = OnceLock::new();
        // More would find no connection, and one has to be there for those who ask for a late answer.
        let at_a_time = self.pool.listen().max(1);
        let deliveries: Vec<_> = groups(messages)
            .into_iter()
            .map(|group| self.send_in_order(messages, group, &away))
            .collect();
        let done: Vec<_> = stream::iter(deliveries).buffer_unordered(at_a_time).collect().await;
        let mut outcomes: Vec<_> = done.into_iter().flatten().collect();
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

/// Positions of messages by key, in order; a message without a key is a group of its own.
fn groups(messages: &[Message]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut of_key: HashMap<&str, usize> = HashMap::new();
    for (index, message) in messages.iter().enumerate() {
        let Some(key) = message.key.as_deref() else {
            groups.push(vec![index]);
            continue;
        };
        let group = *of_key.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(index);
    }
    groups
}
