//! How the outbox is looked into for those who read it, and what they are shown without a look.

use std::{collections::BTreeSet, future::ready};

use super::{Postgres, instant::Instant, outbox};
use crate::{Message, readers::Look};

impl Postgres {
    /// Messages of a channel after a position, oldest first.
    pub(super) async fn read_outbox(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>> {
        let look = || self.look(channel, after, limit);
        self.readers.unsent((channel, after, limit), look, ready(Ok(()))).await
    }

    async fn look(&self, channel: &str, after: i64, limit: u32) -> anyhow::Result<Look> {
        let (decided, last) =
            self.ask("look at the outbox", || outbox::decided(&self.pool)).await?;
        let rows = match decided > after {
            true => {
                let read = || outbox::unsent(&self.pool, channel, (after, decided), limit);
                self.ask("read the outbox", read).await?
            }
            false => Vec::new(),
        };
        let messages = rows.iter().map(|row| outbox::message(row, channel));
        let messages = messages.collect::<anyhow::Result<Vec<_>>>()?;
        let upto = outbox::are_all(&messages, limit).then_some(decided);
        Ok(Look { messages, upto, is_behind: decided < last })
    }

    /// Messages may have been committed, at these positions if those are known: whoever waits for them is to have them.
    pub(super) fn committed(&self, mut messages: Vec<Message>, positions: Option<Vec<i64>>) {
        if messages.is_empty() {
            return;
        }
        let channels: BTreeSet<String> =
            messages.iter().map(|message| message.channel.clone()).collect();
        // Somebody else may have a position between.
        let are_together = |positions: &[i64]| positions.is_sorted_by(|one, next| one + 1 == *next);
        let known = positions.filter(|known| known.len() == messages.len());
        if let Some(positions) = known.filter(|positions| are_together(positions)) {
            // As the server keeps it.
            for message in &mut messages {
                message.created = Instant::to_compare(message.created).into();
            }
            let after = positions[0] - 1;
            if self.readers.show(after, positions.into_iter().zip(messages).collect()) {
                return;
            }
        }
        self.readers.announce(&channels);
    }
}
