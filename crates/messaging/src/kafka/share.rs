//! The partitions that a reader has at the moment: their queues, how far each has come, and what ended the reading.
//!
//! The reader's thread changes the share as the group deals partitions; whoever polls takes records out of it.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use tokio::sync::Notify;
use tracing::debug;

use super::{
    context::ReaderContext,
    partition::{Batch, Partition, send},
};
use crate::Record;

pub(super) type Client = BaseConsumer<ReaderContext>;

/// How long the broker may take to say where a group is.
const LOOKING: Duration = Duration::from_secs(2);
/// After this long without an answer, an offset is committed again.
const AGAIN: Duration = Duration::from_secs(3);

#[derive(Default)]
pub(super) struct Share {
    state: Mutex<State>,
    /// Woken when there may be something to read, or nothing any more.
    pub(super) wake: Arc<Notify>,
    /// Woken when a record was handled, or handling is given up.
    settled: Condvar,
}

#[derive(Default)]
struct State {
    /// Only lent out under the lock, so that the thread is the last that lets go: the client's end takes a while.
    client: Option<Arc<Client>>,
    partitions: Vec<Partition>,
    /// What the group has asked back in order to deal anew. Most of it is dealt to whoever had it, who then goes on.
    remembered: Vec<Partition>,
    /// Where the next poll begins, so that a full partition does not starve the others.
    turn: usize,
    failed: Option<anyhow::Error>,
    leaving: bool,
    ended: bool,
}

impl Share {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up to `limit` records without waiting.
    pub(super) fn read(&self, limit: u32) -> anyhow::Result<Vec<Record>> {
        let mut state = self.state();
        if let Some(cause) = state.failed.take() {
            return Err(cause);
        }
        if state.ended {
            return Err(anyhow!("reading has ended"));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        let mut batch = Batch::of(limit);
        let count = state.partitions.len();
        for step in 0..count {
            let at = (state.turn + step) % count;
            state.partitions[at].take(&mut batch)?;
            if batch.is_full() {
                state.turn = (at + 1) % count;
                break;
            }
        }
        Ok(batch.records)
    }

    /// Notes that everything up to a record is handled, and tells the broker without waiting for its answer: an answer that
    /// does not come is asked for again, at the latest when leaving.
    pub(super) fn commit(&self, record: &Record) {
        let mut state = self.state();
        let State { client, partitions, remembered, .. } = &mut *state;
        let is_it = |one: &&mut Partition| one.is(&record.topic, record.partition);
        if let Some(partition) = partitions.iter_mut().find(is_it) {
            if partition.progress.handle(record.offset)
                && let Some(client) = client
            {
                send(client, [partition]);
            }
        } else if let Some(partition) = remembered.iter_mut().find(is_it) {
            // Committed when it is dealt to us again, or when we leave before that.
            partition.progress.handle(record.offset);
        } else {
            debug!(target: "Consumer", "{}-{} was handled and is no longer ours", record.topic, record.partition);
        }
        self.settled.notify_all();
    }

    /// The thread's client has begun.
    pub(super) fn begin(&self, client: Arc<Client>) {
        self.state().client = Some(client);
    }

    /// Adds partitions, whose records come from now on. Of one that was ours before, those that follow what was handed out,
    /// unless another member has had it in between: its place is written into the list.
    pub(super) fn assign(&self, dealt: &mut TopicPartitionList) {
        let names = names(dealt);
        let mut state = self.state();
        let Some(client) = state.client.clone() else { return };
        state.remembered.retain(|one| one.is_among(&names));
        let mut asked = TopicPartitionList::new();
        for one in &state.remembered {
            asked.add_partition(&one.topic, one.number);
        }
        drop(state);
        let committed = (asked.count() > 0).then(|| client.committed_offsets(asked, LOOKING).ok());
        let committed = committed.flatten().unwrap_or_default();
        let mut state = self.state();
        let mut remembered = std::mem::take(&mut state.remembered);
        for (topic, number) in names {
            let before = remembered.iter_mut().find(|one| one.is(&topic, number));
            let progress = before.and_then(|one| one.resume(&committed, dealt)).unwrap_or_default();
            state.partitions.push(Partition::new(&client, topic, number, progress, &self.wake));
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Gives partitions back: hands out no more of them, and waits a little for who handles what was handed out, so that
    /// the next member does not get it again.
    pub(super) fn revoke(&self, taken: &TopicPartitionList, patience: Duration) {
        let names = names(taken);
        let is_taken = |one: &Partition| one.is_among(&names);
        let mut state = self.state();
        let queues: Vec<_> =
            state.partitions.iter_mut().filter(|one| is_taken(one)).map(Partition::close).collect();
        let waits = |state: &mut State| {
            !state.leaving
                && state.partitions.iter().any(|one| is_taken(one) && one.progress.is_open())
        };
        let waited = self.settled.wait_timeout_while(state, patience, waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let (given_back, kept) =
            std::mem::take(&mut state.partitions).into_iter().partition(is_taken);
        (state.partitions, state.remembered) = (kept, given_back);
        drop(state);
        drop(queues);
    }

    /// A record that came by way of the client itself.
    pub(super) fn early(&self, record: Record) {
        let mut state = self.state();
        if let Some(partition) =
            state.partitions.iter_mut().find(|one| one.is(&record.topic, record.partition))
        {
            partition.push(record);
        }
        self.wake.notify_one();
    }

    /// The broker has answered a commit.
    pub(super) fn confirm(&self, offsets: &TopicPartitionList) {
        let mut state = self.state();
        let State { partitions, remembered, .. } = &mut *state;
        for element in offsets.elements() {
            let partition = partitions
                .iter_mut()
                .chain(remembered.iter_mut())
                .find(|one| one.is(element.topic(), element.partition()));
            if let (Some(partition), Offset::Offset(next), Ok(())) =
                (partition, element.offset(), element.error())
            {
                partition.progress.confirm(next);
            }
        }
    }

    /// Commits again what the broker has not confirmed for a while; false when nothing is due. Who leaves while the group
    /// deals anew will not be dealt what he has handled, and commits that, too.
    pub(super) fn remind(&self, client: &Client) -> bool {
        let mut state = self.state();
        let State { partitions, remembered, leaving, .. } = &mut *state;
        let given_back = remembered.iter_mut().filter(|_| *leaving);
        let mut due = partitions
            .iter_mut()
            .chain(given_back)
            .filter(|one| one.progress.due().is_some())
            .peekable();
        if due.peek().is_none() {
            return false;
        }
        send(client, due.filter(|one| one.sent.is_none_or(|sent| sent.elapsed() >= AGAIN)));
        true
    }

    /// Nothing more is read or handled; the thread commits what is due and leaves.
    pub(super) fn leave(&self) {
        self.state().leaving = true;
        self.settled.notify_all();
    }

    pub(super) fn is_leaving(&self) -> bool {
        let state = self.state();
        state.leaving || state.failed.is_some()
    }

    /// Reading cannot go on as it is; the next poll says why.
    pub(super) fn fail(&self, cause: anyhow::Error) {
        self.state().failed.get_or_insert(cause);
        self.wake.notify_one();
    }

    /// The thread is done: lets go of everything that belongs to the client.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        let left = (state.client.take(), std::mem::take(&mut state.partitions));
        drop(state);
        drop(left);
        self.wake.notify_one();
    }
}

fn names(list: &TopicPartitionList) -> Vec<(String, i32)> {
    list.elements().iter().map(|one| (one.topic().to_owned(), one.partition())).collect()
}
