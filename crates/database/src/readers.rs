//! What those who read an outbox are given: what this process has just put into it, or else what is to be found there.

use std::{collections::BTreeSet, time::Duration};

use tokio::{task::consume_budget, time::Instant};

use crate::{Message, recent::Recent, wakes::Wakes};

/// How long a reader of the outbox waits for commits that took smaller positions than those that it could read; one of this
/// process wakes it earlier.
const UNDECIDED: [Duration; 3] =
    [Duration::from_millis(2), Duration::from_millis(10), Duration::from_millis(50)];

/// The readers of an outbox that other processes may write to as well.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    pub(crate) wakes: Wakes,
    recent: Recent,
}

/// What a look into the outbox has found.
pub(crate) struct Look {
    /// Messages of one channel after a position, oldest first.
    pub(crate) messages: Vec<(i64, Message)>,
    /// The position up to which these are all; nothing when there may be more.
    pub(crate) upto: Option<i64>,
    /// Whether positions were taken of which it is not decided whether there will be messages at them.
    pub(crate) is_behind: bool,
}

impl Readers {
    /// Messages of a channel after a position, oldest first, by `look` if they are not known here. When it stays undecided
    /// for a while whether there are any, does what may help, and wakes who waits for them to look again.
    ///
    /// # Errors
    /// Those of `look` and `help`.
    pub(crate) async fn unsent<F>(
        &self,
        (channel, after, limit): (&str, i64, u32),
        look: impl Fn() -> F,
        help: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<Vec<(i64, Message)>>
    where
        F: Future<Output = anyhow::Result<Look>>,
    {
        let mut added = self.wakes.added(channel);
        for pause in UNDECIDED.iter().map(Some).chain([None]) {
            if self.wakes.is_ours(channel)
                && let Some(messages) = self.recent.unsent(channel, after, limit)
            {
                // Nothing was waited for: who asks again and again would keep others from their turn.
                consume_budget().await;
                return Ok(messages);
            }
            self.recent.looks(channel);
            let looked = look().await.inspect_err(|_| self.recent.may_have_more());
            let Look { messages, upto, is_behind } = looked?;
            if is_behind {
                self.recent.may_have_more();
            }
            match upto {
                Some(upto) => self.recent.found(channel, after, &messages, upto.max(after)),
                None if !messages.is_empty() => self.recent.found_some(channel),
                None => {}
            }
            if !messages.is_empty() || !is_behind {
                return Ok(messages);
            }
            if let Some(pause) = pause {
                Wakes::woken(&mut added, *pause).await;
            }
        }
        help.await?;
        // Somebody else's commit does not wake our readers when it is decided.
        self.wakes.here(channel);
        Ok(Vec::new())
    }

    /// Shows messages that were put into the outbox, the only ones between a position and the last of theirs, to the relay;
    /// false when it may be in another process, so that they are to be announced.
    pub(crate) fn show(&self, after: i64, placed: Vec<(i64, Message)>) -> bool {
        let channels: BTreeSet<String> =
            placed.iter().map(|(_, message)| message.channel.clone()).collect();
        if !channels.iter().all(|channel| self.wakes.is_ours(channel)) {
            return false;
        }
        self.recent.add(after, placed);
        channels.iter().for_each(|channel| self.wakes.here(channel));
        true
    }

    /// Wakes those who wait for messages in these channels, which are to be looked for in the outbox.
    pub(crate) fn announce(&self, channels: &BTreeSet<String>) {
        self.recent.may_have_more();
        self.wakes.committed(channels.iter().map(String::as_str));
    }

    /// These were delivered.
    pub(crate) fn remove(&self, positions: &[i64]) {
        self.recent.remove(positions);
    }

    /// The relay of a channel is in this process for `time` from `since` on, or may be elsewhere.
    pub(crate) fn leased(&self, channel: &str, since: Instant, time: Option<Duration>) {
        // Somebody else may have delivered what is here, in between too.
        if time.is_none() || !self.wakes.is_ours(channel) {
            self.recent.clear();
        }
        self.wakes.leased(channel, since, time);
    }

    /// Another process has told that there are messages.
    pub(crate) fn told(&self, channel: &str) {
        self.recent.may_have_more();
        self.wakes.told(channel);
    }

    /// Wakes everybody here: what others told meanwhile was not heard.
    pub(crate) fn all(&self) {
        self.recent.may_have_more();
        self.wakes.all();
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::ready};

    use super::*;

    fn at(position: i64) -> (i64, Message) {
        let message = Message {
            id: position.to_string(),
            channel: "a".to_owned(),
            topic: "books".to_owned(),
            key: None,
            headers: Vec::new(),
            payload: Vec::new(),
            created: jiff::Timestamp::UNIX_EPOCH,
        };
        (position, message)
    }

    /// What a reader finds, and how often the outbox was looked into for that.
    async fn read(readers: &Readers, after: i64, upto: i64, is_behind: bool) -> (Vec<i64>, usize) {
        let looks = Cell::new(0);
        let look = || {
            looks.set(looks.get() + 1);
            let messages = (after + 1..=upto).map(at).collect();
            ready(Ok(Look { messages, upto: Some(upto), is_behind }))
        };
        let found = readers.unsent(("a", after, 10), look, ready(Ok(()))).await.unwrap();
        (found.iter().map(|(at, _)| *at).collect(), looks.get())
    }

    #[tokio::test(start_paused = true)]
    async fn the_relay_of_this_process_is_shown_what_comes_next() {
        let readers = Readers::default();
        readers.leased("a", Instant::now(), Some(Duration::from_secs(4)));
        assert_eq!(read(&readers, 0, 1, false).await, (vec![1], 1));
        assert!(readers.show(1, vec![at(2), at(3)]));
        assert_eq!(read(&readers, 1, 0, false).await, (vec![2, 3], 0));
        assert_eq!(read(&readers, 3, 0, false).await, (vec![], 0));
        readers.told("a");
        assert_eq!(read(&readers, 3, 4, false).await, (vec![4], 1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_not_shown_messages_looks_for_them() {
        let readers = Readers::default();
        assert!(!readers.show(0, vec![at(1)]), "the relay may be elsewhere");
        readers.leased("a", Instant::now(), Some(Duration::from_secs(4)));
        assert_eq!(read(&readers, 0, 1, false).await, (vec![1], 1));
        assert!(readers.show(1, vec![at(2)]));
        readers.leased("a", Instant::now(), None);
        assert_eq!(read(&readers, 1, 2, false).await, (vec![2], 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_undecided_is_looked_at_for_a_while() {
        let readers = Readers::default();
        let (began, added) = (Instant::now(), readers.wakes.added("a"));
        assert_eq!(read(&readers, 5, 5, true).await, (vec![], UNDECIDED.len() + 1));
        assert!(added.has_changed().unwrap(), "it is to be looked at again");
        assert!(began.elapsed() >= UNDECIDED.iter().sum::<Duration>());
    }
}
