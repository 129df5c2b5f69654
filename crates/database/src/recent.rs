//! What this process put into the outbox a moment ago: a relay in it need not read it there. Positions are given to all
//! processes, so a reader is only served from here when everything before and between is known to be here or decided.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::Message;

/// How many messages are kept here at most.
const MESSAGES: usize = 2_048;
/// How many bytes of payloads are kept here at most.
const BYTES: usize = 4 * 1024 * 1024;
/// How long after a look into the outbox nobody else is thought to have put something into it without telling.
const TRUST: Duration = Duration::from_secs(1);

/// What was put into the outbox a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Window>);

/// Everything in the outbox after one position, up to another.
#[derive(Debug, Default)]
struct Window {
    after: i64,
    last: i64,
    messages: BTreeMap<i64, Message>,
    bytes: usize,
    /// By channel, the position that a reader goes on from, and the one up to which nothing is behind it.
    looked: HashMap<String, (i64, i64)>,
    /// By channel, when the outbox was looked into; nothing when there may be something in it that is not known here.
    looked_at: HashMap<String, Instant>,
}

impl Recent {
    /// Messages were put into the outbox, the only ones between a position and the last of theirs. Whatever comes before
    /// them is decided, or else has its place here later.
    pub(crate) fn add(&self, after: i64, messages: Vec<(i64, Message)>) {
        let Some((last, _)) = messages.last() else { return };
        let mut window = self.window();
        if after != window.last {
            let is_next = window.looked.values().any(|(_, upto)| *upto >= after);
            if after < window.last || !is_next {
                // Somebody was overtaken, or has taken positions that are not known here.
                window.looked_at.clear();
            }
            window.begin_at(after);
        }
        window.last = *last;
        for (position, message) in messages {
            window.bytes += message.payload.len();
            window.messages.insert(position, message);
        }
        while window.messages.len() > MESSAGES || window.bytes > BYTES {
            let Some((position, message)) = window.messages.pop_first() else { break };
            window.bytes -= message.payload.len();
            window.after = position;
        }
    }

    /// There may be messages in the outbox that are not known here.
    pub(crate) fn may_have_more(&self) {
        self.window().looked_at.clear();
    }

    /// What waits in a channel behind a position, at most so many; nothing when that has to be looked up.
    pub(crate) fn unsent(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> Option<Vec<(i64, Message)>> {
        let mut window = self.window();
        let decided = window.looked.get(channel).copied().filter(|(from, _)| *from == after);
        let start = decided.map_or(after, |(_, upto)| upto);
        if start < window.after {
            return None;
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let behind = window.messages.range(start.saturating_add(1)..);
        let found: Vec<(i64, Message)> = behind
            .filter(|(_, message)| message.channel == channel)
            .take(limit)
            .map(|(position, message)| (*position, message.clone()))
            .collect();
        let looked_at = window.looked_at.get(channel);
        let is_sure = decided.is_some() && looked_at.is_some_and(|at| at.elapsed() < TRUST);
        if found.is_empty() && !is_sure {
            return None;
        }
        if found.len() < limit {
            let upto = window.last.max(start);
            window.note(channel, found.last().map_or(after, |(position, _)| *position), upto);
        }
        Some(found)
    }

    /// Somebody begins to look into the outbox for a channel.
    pub(crate) fn looks(&self, channel: &str) {
        let now = Instant::now();
        let looked_at = &mut self.window().looked_at;
        match looked_at.get_mut(channel) {
            Some(at) => *at = now,
            None => drop(looked_at.insert(channel.to_owned(), now)),
        }
    }

    /// All that waits in a channel behind a position, up to another, was found in the outbox.
    pub(crate) fn found(&self, channel: &str, after: i64, messages: &[(i64, Message)], upto: i64) {
        let last = messages.last().map_or(after, |(position, _)| *position);
        self.window().note(channel, last, upto);
    }

    /// More waits in a channel than was found in the outbox.
    pub(crate) fn found_some(&self, channel: &str) {
        self.window().looked.remove(channel);
    }

    /// These were delivered.
    pub(crate) fn remove(&self, positions: &[i64]) {
        let mut window = self.window();
        for position in positions {
            if let Some(message) = window.messages.remove(position) {
                window.bytes -= message.payload.len();
            }
        }
    }

    /// Forgets everything: somebody else may deliver it.
    pub(crate) fn clear(&self) {
        let mut window = self.window();
        let last = window.last;
        window.begin_at(last);
        window.looked.clear();
        window.looked_at.clear();
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    /// Nothing is known of what is at this position and before it.
    fn begin_at(&mut self, after: i64) {
        (self.after, self.last, self.bytes) = (after, after, 0);
        self.messages.clear();
    }

    fn note(&mut self, channel: &str, from: i64, upto: i64) {
        match self.looked.get_mut(channel) {
            Some(noted) => *noted = (from, upto),
            None => drop(self.looked.insert(channel.to_owned(), (from, upto))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: i64, channel: &str) -> (i64, Message) {
        let message = Message {
            id: position.to_string(),
            channel: channel.to_owned(),
            topic: "books".to_owned(),
            key: None,
            headers: Vec::new(),
            payload: vec![0; 10],
            created: jiff::Timestamp::UNIX_EPOCH,
        };
        (position, message)
    }

    fn unsent(recent: &Recent, channel: &str, after: i64) -> Option<Vec<i64>> {
        let found = recent.unsent(channel, after, 10)?;
        Some(found.into_iter().map(|(position, _)| position).collect())
    }

    /// Somebody has found the outbox empty up to a position.
    fn looked(upto: i64) -> Recent {
        let recent = Recent::default();
        recent.looks("a");
        recent.found("a", 0, &[], upto);
        recent
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_has_looked_is_served_what_comes_next() {
        let recent = looked(7);
        recent.add(7, vec![at(8, "a"), at(9, "b")]);
        recent.add(9, vec![at(10, "a")]);
        assert_eq!(unsent(&recent, "a", 0), Some(vec![8, 10]));
        assert_eq!(unsent(&recent, "a", 8), Some(vec![10]));
        assert_eq!(unsent(&recent, "a", 10), Some(vec![]));
        assert_eq!(unsent(&recent, "b", 8), Some(vec![9]));
        assert_eq!(recent.unsent("a", 7, 1).unwrap().len(), 1);
        // Behind what was seen of the other channel nothing is left either.
        recent.add(10, vec![at(11, "b")]);
        assert_eq!(unsent(&recent, "a", 10), Some(vec![]));
    }

    #[tokio::test(start_paused = true)]
    async fn positions_that_nobody_has_are_no_gap() {
        let recent = looked(7);
        recent.add(7, vec![at(1_000, "a"), at(1_001, "a")]);
        assert_eq!(unsent(&recent, "a", 0), Some(vec![1_000, 1_001]));
        recent.add(1_001, vec![at(2_000, "b")]);
        assert_eq!(unsent(&recent, "a", 1_001), Some(vec![]));
        recent.add(2_005, vec![at(3_000, "a")]);
        assert_eq!(unsent(&recent, "a", 1_001), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_not_seen_what_came_before_has_to_look() {
        let recent = looked(7);
        assert_eq!(unsent(&recent, "b", 0), None);
        // Somebody else took position 8.
        recent.add(8, vec![at(9, "a")]);
        assert_eq!(unsent(&recent, "a", 0), None);
        assert_eq!(unsent(&recent, "a", 7), None);
        assert_eq!(unsent(&recent, "a", 8), Some(vec![9]));
        recent.add(10, vec![at(11, "a")]);
        assert_eq!(unsent(&recent, "a", 8), None);
        assert_eq!(unsent(&recent, "a", 9), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_overtaken_and_what_overtook_it_are_found() {
        let recent = looked(7);
        recent.add(8, vec![at(9, "a")]);
        assert_eq!(unsent(&recent, "a", 0), None);
        recent.add(7, vec![at(8, "a")]);
        assert_eq!(unsent(&recent, "a", 0), Some(vec![8]));
        assert_eq!(unsent(&recent, "a", 8), None);
        recent.looks("a");
        recent.found("a", 8, &[at(9, "a")], 9);
        assert_eq!(unsent(&recent, "a", 9), Some(vec![]));
        recent.add(9, vec![at(10, "a")]);
        assert_eq!(unsent(&recent, "a", 9), Some(vec![10]));
    }

    #[tokio::test(start_paused = true)]
    async fn that_nothing_waits_is_not_believed_for_long() {
        let recent = looked(7);
        assert_eq!(unsent(&recent, "a", 0), Some(vec![]));
        recent.may_have_more();
        assert_eq!(unsent(&recent, "a", 0), None);
        recent.looks("a");
        assert_eq!(unsent(&recent, "a", 0), Some(vec![]));
        tokio::time::advance(TRUST).await;
        assert_eq!(unsent(&recent, "a", 0), None);
        // What is known is served all the same.
        recent.add(7, vec![at(8, "a")]);
        assert_eq!(unsent(&recent, "a", 0), Some(vec![8]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_tells_of_its_own_channel_only() {
        let recent = looked(7);
        recent.looks("b");
        recent.found("b", 0, &[], 7);
        recent.may_have_more();
        recent.looks("a");
        assert_eq!(unsent(&recent, "a", 0), Some(vec![]));
        assert_eq!(unsent(&recent, "b", 0), None);
        recent.found_some("a");
        assert_eq!(unsent(&recent, "a", 0), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_delivered_or_forgotten_is_not_served() {
        let recent = looked(7);
        recent.add(7, vec![at(8, "a"), at(9, "a")]);
        recent.remove(&[8]);
        assert_eq!(unsent(&recent, "a", 7), Some(vec![9]));
        recent.clear();
        assert_eq!(unsent(&recent, "a", 7), None);
        assert_eq!(unsent(&recent, "a", 0), None);
        recent.add(9, vec![at(10, "a")]);
        assert_eq!(unsent(&recent, "a", 8), None);
        assert_eq!(unsent(&recent, "a", 9), Some(vec![10]));
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_much_is_kept() {
        let recent = looked(0);
        let many = i64::try_from(MESSAGES).unwrap() + 5;
        for position in 1..=many {
            recent.add(position - 1, vec![at(position, "a")]);
        }
        assert_eq!(unsent(&recent, "a", 4), None);
        assert_eq!(unsent(&recent, "a", 5).map(|found| found[0]), Some(6));
        assert_eq!(recent.window().bytes, MESSAGES * 10);
    }
}
