//! What those who read the outbox are given: what this process has just put into it, or else what is to be found there.

use std::{collections::BTreeSet, time::Duration};

use mongodb::{
    Collection,
    bson::RawDocumentBuf,
    options::{CollectionOptions, ReadConcern},
};
use tokio::{task::consume_budget, time::Instant};

use super::{
    Mongo, outbox,
    positions::{self, Reservation},
};
use crate::{Message, wakes::Wakes};

/// How long a reader of the outbox waits for commits that took smaller positions than those that it could read.
const UNDECIDED: [Duration; 3] =
    [Duration::from_millis(2), Duration::from_millis(10), Duration::from_millis(50)];

impl Mongo {
    /// Messages of a channel after a position, oldest first.
    pub(super) async fn read_outbox(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>> {
        let what = || "read the outbox".to_owned();
        let mut added = self.wakes.added(channel);
        for pause in UNDECIDED.iter().map(Some).chain([None]) {
            if self.wakes.is_ours(channel)
                && let Some(messages) = self.recent.unsent(channel, after, limit)
            {
                // Nothing was waited for: who asks again and again would keep others from their turn.
                consume_budget().await;
                return Ok(messages);
            }
            self.recent.looks();
            let decided = self.ask(what, positions::decided(&self.quick)).await?;
            if decided.is_behind {
                self.recent.may_have_more();
            }
            let (messages, are_all) = match decided.last > after {
                true => {
                    let range = (after, decided.last);
                    self.ask(what, outbox::unsent(&self.outbox(), channel, range, limit)).await?
                }
                false => (Vec::new(), true),
            };
            // What a majority has may be older than the positions are, after another server has become the primary.
            if are_all && !self.transactions {
                self.recent.found(channel, after, &messages, decided.last.max(after));
            }
            if messages.is_empty()
                && decided.is_behind
                && let Some(pause) = pause
            {
                Wakes::woken(&mut added, *pause).await;
                continue;
            }
            if messages.is_empty() && decided.is_behind {
                // Nobody else may be there to remove a note, and another process does not wake our readers.
                self.ask(what, self.positions.clean(&self.quick)).await?;
                self.wakes.here(channel);
            }
            return Ok(messages);
        }
        Ok(Vec::new())
    }

    /// The relay of a channel is in this process for `time` from `since` on, or may be elsewhere.
    pub(super) fn leased(&self, channel: &str, since: Instant, time: Option<Duration>) {
        if time.is_none() {
            self.recent.clear();
        }
        self.wakes.leased(channel, since, time);
    }

    /// Shows messages that were put into the outbox to the relay, if it is in this process and nothing that it has not seen
    /// comes before them.
    pub(super) fn show(&self, reserved: &Reservation, placed: &[RawDocumentBuf]) -> bool {
        if !reserved.is_next {
            return false;
        }
        let messages = placed.iter().map(|message| outbox::message(message));
        let Ok(messages) = messages.collect::<anyhow::Result<Vec<_>>>() else { return false };
        let channels: BTreeSet<String> =
            messages.iter().map(|(_, message)| message.channel.clone()).collect();
        if !channels.iter().all(|channel| self.wakes.is_ours(channel)) {
            return false;
        }
        self.recent.add(messages);
        channels.iter().for_each(|channel| self.wakes.here(channel));
        true
    }

    /// Wakes those who wait for messages in these channels, which are to be read in the outbox.
    pub(super) fn announce(&self, channels: &BTreeSet<String>) {
        self.recent.may_have_more();
        self.wakes.committed(channels.iter().map(String::as_str));
    }

    /// The outbox for readers. What they have seen is not taken back.
    fn outbox(&self) -> Collection<RawDocumentBuf> {
        let mut options = CollectionOptions::default();
        if self.transactions {
            options.read_concern = Some(ReadConcern::majority());
        }
        self.quick.collection_with_options(outbox::COLLECTION, options)
    }
}
