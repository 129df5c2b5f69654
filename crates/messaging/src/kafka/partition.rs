//! One partition that is read: its queue, how far it has come, and what the broker has to be told of that.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer, base_consumer::PartitionQueue},
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::sync::Notify;
use tracing::debug;

use super::{
    context::{ReaderContext, serious},
    progress::Progress,
    record::record,
    share::Client,
};
use crate::Record;

/// How many bytes of content are handed out at once, with the record that goes beyond it.
const ENOUGH: usize = 4 * 1024 * 1024;

pub(super) struct Partition {
    pub(super) topic: String,
    pub(super) number: i32,
    /// Read before the queue.
    early: VecDeque<Record>,
    /// Gone once the partition is being given back.
    queue: Option<PartitionQueue<ReaderContext>>,
    pub(super) progress: Progress,
    /// When the offset that is due was sent to the broker.
    pub(super) sent: Option<Instant>,
}

/// Records to hand out together.
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    bytes: usize,
    limit: usize,
}

impl Batch {
    pub(super) fn of(limit: usize) -> Self {
        Batch { records: Vec::new(), bytes: 0, limit }
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= self.limit || self.bytes >= ENOUGH
    }
}

impl Partition {
    /// Begins to collect what is read of it; to be done before it is read: nothing may come by way of the client itself,
    /// which would overtake it.
    pub(super) fn new(
        client: &Arc<Client>,
        topic: String,
        number: i32,
        progress: Progress,
        wake: &Arc<Notify>,
    ) -> Self {
        let mut queue = client.split_partition_queue(&topic, number);
        if let Some(queue) = &mut queue {
            let wake = wake.clone();
            queue.set_nonempty_callback(move || wake.notify_one());
        }
        Partition { topic, number, early: VecDeque::new(), queue, progress, sent: None }
    }

    /// Hands out nothing more.
    pub(super) fn close(&mut self) -> Option<PartitionQueue<ReaderContext>> {
        self.early.clear();
        self.queue.take()
    }

    /// A record that came by way of the client itself.
    pub(super) fn push(&mut self, record: Record) {
        self.early.push_back(record);
    }

    pub(super) fn is_among(&self, names: &[(String, i32)]) -> bool {
        names.iter().any(|(topic, number)| self.is(topic, *number))
    }

    /// Writes into the list of dealt partitions where to go on, unless it was another member's in between, or nobody says
    /// that it was not.
    pub(super) fn resume(
        &mut self,
        committed: &TopicPartitionList,
        dealt: &mut TopicPartitionList,
    ) -> Option<Progress> {
        let committed = match committed.find_partition(&self.topic, self.number)?.offset() {
            Offset::Offset(next) => Some(next),
            Offset::Invalid => None,
            _ => return None,
        };
        let next = Offset::Offset(self.progress.resume(committed)?);
        dealt.set_partition_offset(&self.topic, self.number, next).ok()?;
        Some(std::mem::take(&mut self.progress))
    }

    pub(super) fn is(&self, topic: &str, number: i32) -> bool {
        self.number == number && self.topic == topic
    }

    pub(super) fn take(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        while !batch.is_full() {
            let Some(record) = self.next()? else { return Ok(()) };
            self.progress.hand_out(record.offset);
            batch.bytes += record.payload.as_ref().map_or(0, Vec::len);
            batch.records.push(record);
        }
        Ok(())
    }

    fn next(&mut self) -> anyhow::Result<Option<Record>> {
        if let Some(record) = self.early.pop_front() {
            return Ok(Some(record));
        }
        let Some(queue) = &self.queue else { return Ok(None) };
        match queue.poll(Duration::ZERO) {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(record(&message))),
            Some(Err(cause)) => match serious(&cause) {
                Some(cause) => Err(cause.context(format!("read {}-{}", self.topic, self.number))),
                None => Ok(None),
            },
        }
    }
}

/// Sends the offsets that are due, without waiting.
pub(super) fn send<'a>(client: &Client, partitions: impl IntoIterator<Item = &'a mut Partition>) {
    let mut offsets = TopicPartitionList::new();
    for partition in partitions {
        let Some(next) = partition.progress.due() else { continue };
        partition.sent = Some(Instant::now());
        drop(offsets.add_partition_offset(
            &partition.topic,
            partition.number,
            Offset::Offset(next),
        ));
    }
    if offsets.count() == 0 {
        return;
    }
    match client.commit(&offsets, CommitMode::Async) {
        Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
        Err(cause) => debug!(target: "Consumer", "offsets are committed later: {cause}"),
    }
}
