//! Delivers mails to a mail server over a few connections that stay open. Never in the way of a request:
//! the relay of the mail channel drives it.

mod answers;
mod connect;
mod dialogue;
mod door;
mod end;
mod pool;
mod rate;
mod settings;
mod wire;

use std::{collections::HashMap, sync::OnceLock, time::Duration};

use anyhow::{anyhow, ensure};
use async_trait::async_trait;
use database::Message;
use futures_util::{StreamExt, stream};
use messaging::{Failure, Publish};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    compose::{Composed, Sender, address, compose},
    posting::Posted,
};
use answers::Trouble;
use pool::Pool;
pub use settings::{Password, RateLimit, Security, SmtpSettings};

/// How many mails are under way at the same time, each on its own connection.
const CONNECTIONS: usize = 8;

/// How long a batch goes on with one key after another mail of it. What is left goes with the next batch, so that mails which
/// have been accepted are marked as sent, and other keys do not wait for a long row of slow mails.
const BATCH: Duration = Duration::from_secs(30);

/// The author's address when nobody has named one.
const NOBODY: &str = "milena@localhost";

/// Sends the mails of the mail channel. Mails of one key go in order, different keys at the same time.
///
/// A mail that the server refuses for good, or that cannot be built, is rejected with the reason; everything that
/// may pass (no connection, wrong password, 4xx, silence) is to be retried. A message is for one recipient; one of
/// the first version, which is for all of them and which some were refused, has been delivered to the others when it is
/// rejected.
///
/// A server that does not take the password is asked again after 1, 2, 4 and finally every 60 s by one connection, and the
/// log says what to do: once, then every ten minutes, and when it works again.
///
/// A batch that takes long, because of a limit for example, ends before all of its mails have had their turn; without a limit
/// at least one mail of each key has been tried.
///
/// A mail whose text the server has without answering for it in the ordinary time is to be retried, too, while its
/// connection goes on waiting: its text is not sent again as long as the answer may come, and whoever hands the
/// message over again gets the answer once it is there. Such a mail holds back its own key and one connection. When the
/// connection breaks, the answer takes longer than `accept_timeout`, or the process ends before it, the server may have
/// taken the mail all the same and gets it twice, with the same `Message-ID`.
#[derive(Debug)]
pub struct Mailer {
    sender: Sender,
    pool: Pool,
}

impl Mailer {
    /// Prepares the transport; connects when there is something to send.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(settings: SmtpSettings) -> anyhow::Result<Self> {
        ensure!(!settings.host.is_empty(), "the mail server has no name");
        let named = settings.sender.as_deref();
        let user = settings.username.as_deref().filter(|user| address(user).is_ok());
        let author = named.or(user).unwrap_or(NOBODY);
        let sender = Sender::new(author, settings.bounces.as_deref())?;
        Ok(Mailer { sender, pool: Pool::new(settings, CONNECTIONS)? })
    }

    /// Asks the mail server whether it would let us in, by a connection of its own.
    ///
    /// # Errors
    /// When it does not answer, or does not let us in.
    pub async fn check(&self) -> anyhow::Result<()> {
        self.pool.check().await
    }

    /// Closes connections without work as they become idle, and all of them at the stop; then the batch under way ends
    /// within seconds. Without this loop connections are closed when the next mail finds them too old. Never
    /// fails.
    pub async fn close_idle(&self, stop: CancellationToken) -> anyhow::Result<()> {
        self.pool.close_idle(&stop).await;
        Ok(())
    }

    /// Sends a group in order; answers with the positions.
    async fn send_in_order(
        &self,
        messages: &[Message],
        group: Vec<usize>,
        batch: &Batch,
    ) -> Vec<(usize, Result<(), Failure>)> {
        let (mut waiting, mut has_no_turn) = (false, false);
        let mut outcomes = Vec::with_capacity(group.len());
        for index in group {
            let first = outcomes.is_empty();
            let outcome = if has_no_turn {
                Err(Failure::NoTurn(anyhow!("an earlier mail of the same key waits for its turn")))
            } else if waiting {
                Err(Failure::Retry(anyhow!("an earlier mail of the same key is waiting")))
            } else if self.pool.is_at_its_end() {
                Err(Failure::NoTurn(anyhow!("this process stops")))
            } else if let Some(reason) = batch.away.get() {
                // Asking an absent server once per mail would cost a time-out each.
                Err(Failure::Retry(anyhow!("the mail server is away: {reason}")))
            } else if !first && batch.end <= Instant::now() {
                Err(Failure::NoTurn(anyhow!(
                    "the mail server is slow, the mail goes with the next batch"
                )))
            } else {
                self.send(&messages[index], batch).await
            };
            waiting |= matches!(outcome, Err(Failure::Retry(_)));
            has_no_turn |= matches!(outcome, Err(Failure::NoTurn(_)));
            outcomes.push((index, outcome));
        }
        outcomes
    }

    async fn send(&self, message: &Message, batch: &Batch) -> Result<(), Failure> {
        let composed = self.composed(message).map_err(Failure::Reject)?;
        match self.pool.deliver(&message.id, &composed, batch.end).await {
            Ok(()) => {
                faults::crash_point("after-accept");
                Ok(())
            }
            Err(Trouble::Refused(error)) => Err(Failure::Reject(error)),
            Err(Trouble::NoTurn(error)) => Err(Failure::NoTurn(error)),
            Err(Trouble::Later(error)) => Err(Failure::Retry(error)),
            Err(Trouble::Broken(error)) => {
                // Only the first reason counts; whoever comes second saw the same server.
                let _ = batch.away.set(format!("{error:#}"));
                Err(Failure::Retry(error))
            }
        }
    }

    fn composed(&self, message: &Message) -> anyhow::Result<Composed> {
        compose(&Posted::read(message)?, &message.id, message.created, &self.sender)
    }
}

/// What the mails of one call share.
struct Batch {
    /// When no further mails of a key are begun.
    end: Instant,
    /// Why the server is of no use, once one of the mails has found that out.
    away: OnceLock<String>,
}

#[async_trait]
impl Publish for Mailer {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let batch = Batch { end: Instant::now() + BATCH, away: OnceLock::new() };
        // More would find no connection, and one has to be there for those who ask for a late answer.
        let at_a_time = self.pool.listen().max(1);
        let deliveries: Vec<_> = groups(messages)
            .into_iter()
            .map(|group| self.send_in_order(messages, group, &batch))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::join;
    use jiff::Timestamp;
    use tokio::net::TcpListener;

    use super::*;
    use crate::{Mail, Mailbox, sink};

    fn messages(count: usize) -> Vec<Message> {
        let mail = Mail {
            from: "Library".to_owned(),
            to: vec!["reader@example.com".to_owned()],
            subject: "Book".to_owned(),
            text: "returned".to_owned(),
        };
        let message = |number: usize| {
            mail.clone().into_messages(&number.to_string(), Some("emma"), Timestamp::UNIX_EPOCH)
        };
        (0..count).flat_map(|number| message(number).unwrap()).collect()
    }

    #[tokio::test]
    async fn a_batch_that_takes_long_ends_after_one_mail_of_each_key() {
        let folder = tempfile::tempdir().unwrap();
        let mailbox =
            Mailbox::open(folder.path(), Arc::new(|| Timestamp::UNIX_EPOCH)).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = SmtpSettings {
            security: Security::Plain,
            ..SmtpSettings::new("127.0.0.1", listener.local_addr().unwrap().port())
        };
        let mailer = Mailer::new(settings).unwrap();
        let (messages, stop) = (messages(3), CancellationToken::new());
        let send = async {
            let batch = Batch { end: Instant::now(), away: OnceLock::new() };
            let outcomes = mailer.send_in_order(&messages, vec![0, 1, 2], &batch).await;
            stop.cancel();
            outcomes.into_iter().map(|(_, outcome)| outcome).collect::<Vec<_>>()
        };
        let (outcomes, served) = join(send, sink::serve(listener, mailbox, stop.clone())).await;
        served.unwrap();
        let [Ok(()), Err(Failure::NoTurn(second)), Err(Failure::NoTurn(third))] = &outcomes[..]
        else {
            panic!("{outcomes:?}");
        };
        assert_eq!(
            second.to_string(),
            "the mail server is slow, the mail goes with the next batch"
        );
        assert_eq!(third.to_string(), "an earlier mail of the same key waits for its turn");
    }
}
