//! What becomes of a message that was handed over.

use database::{Changes, CommitError, DatabaseRef, Message};
use faults::crash_point_of;
use tracing::{debug, warn};

use super::Relay;
use crate::{
    Failure,
    dead_letters::{DeadLetter, Note, REPLAY, keep, take_note},
};

/// What became of a message.
pub(super) enum Settled {
    /// The destination has it, or it is a dead letter.
    Accepted,
    /// It has to be tried again, and later ones of its key wait for it.
    Held,
    /// Its turn has not come.
    NoTurn,
}

impl Relay<'_> {
    /// Takes the notes off replayed messages: they are none of the destination's business.
    pub(super) fn notes(&self, messages: &mut [Message]) -> Vec<Option<Note>> {
        let is_internal = self.channel.starts_with(REPLAY);
        let take = |message| if is_internal { None } else { take_note(message) };
        messages.iter_mut().map(take).collect()
    }

    /// Decides what becomes of a message.
    pub(super) async fn settle(
        &mut self,
        (message, note): (Message, Option<Note>),
        outcome: Result<(), Failure>,
    ) -> Settled {
        let (id, key) = (message.id.clone(), message.key.clone());
        let cause = match outcome {
            Ok(()) => return Settled::Accepted,
            Err(Failure::NoTurn(cause)) => {
                debug!(channel = self.channel, message.id = %id, "message {id} waits: {cause:#}");
                return Settled::NoTurn;
            }
            Err(Failure::Retry(cause)) => cause,
            Err(Failure::Reject(cause)) => {
                let letter = self.dead_letter(message, note, &cause);
                match kept(&self.database, &letter, self.channel).await {
                    Ok(()) => return Settled::Accepted,
                    Err(error) => error.into(),
                }
            }
        };
        if self.told.is_news(&cause) {
            warn!(channel = self.channel, message.id = %id, "delivery of message {id} failed, trying again until it works: {cause:#}");
        }
        self.held.add(key.as_deref());
        self.retry_later();
        Settled::Held
    }

    fn dead_letter(
        &self,
        mut message: Message,
        note: Option<Note>,
        cause: &anyhow::Error,
    ) -> DeadLetter {
        let note = note.or_else(|| take_note(&mut message));
        DeadLetter::of_message(message, note, &format!("{cause:#}"), (self.now)())
    }
}

/// Keeps a dead letter, and says so.
async fn kept(
    database: &DatabaseRef,
    letter: &DeadLetter,
    channel: &str,
) -> Result<(), CommitError> {
    warn!(channel, message.id = %letter.message, "message {} cannot be delivered and is dead letter {}: {}", letter.message, letter.id, letter.reason);
    keep(database, letter, Changes::new()).await?;
    crash_point_of("after-dead-letter", channel);
    Ok(())
}
