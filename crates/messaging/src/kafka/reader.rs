//! Reads a topic by a thread that never stops listening to the group, however long a record takes to be handled.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use rdkafka::{ClientConfig, Offset, TopicPartitionList, consumer::Consumer};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::task_tracker::TaskTrackerToken,
};
use tracing::{debug, warn};

use super::{
    context::{ReaderContext, serious},
    link::Ear,
    record::record,
    share::{Client, Share},
};
use crate::Record;

/// How often the thread looks whether it is to leave.
const TICK: Duration = Duration::from_millis(100);
/// How long the last offsets may take to be committed.
const LAST_COMMIT: Duration = Duration::from_secs(2);
/// How often it is looked for records although nothing has woken us: a wake-up that got lost costs no more than this.
const NAP: Duration = Duration::from_secs(1);

/// Where reading begins.
pub(super) enum Beginning {
    /// Where the group has come; the group deals the partitions.
    Group,
    /// At these offsets, for each partition; no group.
    Offsets(Vec<(i32, i64)>),
}

/// A topic being read. Dropped, it leaves in the background.
pub(super) struct Reader {
    share: Arc<Share>,
    left: CancellationToken,
}

impl Reader {
    /// Starts the thread; connects in the background. `running` is given back when the thread has ended.
    pub(super) fn start(
        (topic, group): (&str, &str),
        beginning: Beginning,
        mut config: ClientConfig,
        ear: Ear,
        running: TaskTrackerToken,
    ) -> anyhow::Result<Self> {
        config.set("group.id", group);
        if matches!(beginning, Beginning::Offsets(_)) {
            config.remove("group.instance.id");
        }
        let (share, left) = (Arc::new(Share::default()), CancellationToken::new());
        let context =
            ReaderContext { ear: ear.clone(), share: share.clone(), group: group.to_owned() };
        let client: Client =
            config.create_with_context(context).context("make a Kafka consumer")?;
        let thread = Thread {
            share: share.clone(),
            client: Arc::new(client),
            ear,
            _left: left.clone().drop_guard(),
            _running: running,
        };
        let topic = topic.to_owned();
        // A thread and no task. Somebody has to poll librdkafka all the time, or the group takes this member for dead: while
        // a handler waits an hour for its database, and while the runtime is busy. It also ends the client, which blocks
        // until the group is left. It handles no record and ends by itself when its reader is dropped.
        spawn(move || thread.run(&topic, beginning))
            .context("start the thread that listens to Kafka")?;
        Ok(Reader { share, left })
    }

    /// Waits until there is something to read, then returns up to `limit` records. May be dropped while it waits.
    pub(super) async fn poll(&self, limit: u32) -> anyhow::Result<Vec<Record>> {
        loop {
            let records = self.share.read(limit)?;
            if !records.is_empty() {
                return Ok(records);
            }
            tokio::select! {
                () = self.share.wake.notified() => {}
                () = tokio::time::sleep(NAP) => {}
            }
        }
    }

    pub(super) fn commit(&self, record: &Record) {
        self.share.commit(record);
    }

    /// Commits what is due, leaves the group, and waits until that is done or `patience` is over.
    pub(super) async fn leave(&self, patience: Duration) {
        self.share.leave();
        if tokio::time::timeout(patience, self.left.cancelled()).await.is_err() {
            warn!(target: "Consumer", "Kafka does not answer, its group will notice by itself that this member has left");
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.share.leave();
    }
}

fn spawn(run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("kafka-reader".to_owned()).spawn(run).map(drop)
}

/// Fields are dropped in this order: the client's last owner blocks until the group is left, and then it is known.
struct Thread {
    share: Arc<Share>,
    client: Arc<Client>,
    ear: Ear,
    _left: DropGuard,
    _running: TaskTrackerToken,
}

impl Thread {
    fn run(&self, topic: &str, beginning: Beginning) {
        self.share.begin(self.client.clone());
        if let Err(cause) = self.begin(topic, beginning) {
            self.share.fail(cause.context(format!("read topic {topic}")));
        }
        let mut looked = Instant::now();
        while !self.share.is_leaving() {
            self.listen(TICK);
            if looked.elapsed() >= NAP {
                looked = Instant::now();
                self.share.remind(&self.client);
                self.notice_return(topic);
            }
        }
        self.commit_the_last();
    }

    fn begin(&self, topic: &str, beginning: Beginning) -> anyhow::Result<()> {
        let Beginning::Offsets(offsets) = beginning else {
            return Ok(self.client.subscribe(&[topic])?);
        };
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        }
        self.share.assign(&mut list);
        Ok(self.client.assign(&list)?)
    }

    /// Serves what librdkafka has to say: partitions, answers, errors. Records wait in their partitions' queues.
    fn listen(&self, patience: Duration) {
        match self.client.poll(patience) {
            None => {}
            Some(Ok(message)) => self.share.early(record(&message)),
            Some(Err(cause)) => match serious(&cause) {
                Some(cause) => self.share.fail(cause),
                None => debug!(target: "Consumer", "{cause}"),
            },
        }
    }

    /// A broker that is back says so to nobody who has nothing to ask.
    fn notice_return(&self, topic: &str) {
        if self.ear.link.is_away() && self.client.fetch_metadata(Some(topic), NAP).is_ok() {
            self.ear.link.works();
        }
    }

    /// What is handled and not yet confirmed would be delivered again.
    fn commit_the_last(&self) {
        let began = Instant::now();
        while self.share.remind(&self.client) {
            if began.elapsed() > LAST_COMMIT {
                warn!(target: "Consumer", "Kafka does not take the last offsets; their records will be delivered again");
                return;
            }
            self.listen(TICK / 10);
        }
    }
}

impl Drop for Thread {
    /// Also when the thread panics: whoever polls must learn that nothing comes any more.
    fn drop(&mut self) {
        self.share.end();
    }
}
