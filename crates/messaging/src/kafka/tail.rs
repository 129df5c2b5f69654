//! Reads a topic from its end without a group: everybody who listens gets every record.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tracing::debug;

use super::{
    Shared,
    link::Ear,
    reader::{Beginning, Reader},
};
use crate::{Record, Subscription};

/// How often it is looked for partitions that were added to the topic. Their records are read from their beginning.
const REFRESH: Duration = Duration::from_secs(60);

pub(super) struct Tail {
    shared: Arc<Shared>,
    topic: String,
    /// Partition and the next offset to read.
    positions: Vec<(i32, i64)>,
    reader: Option<Reader>,
    looked: Instant,
}

impl Tail {
    pub(super) async fn begin(shared: Arc<Shared>, topic: &str) -> anyhow::Result<Self> {
        shared.topics.ensure(topic).await?;
        let positions = shared.topics.ends(topic).await?;
        Ok(Tail {
            shared,
            topic: topic.to_owned(),
            positions,
            reader: None,
            looked: Instant::now(),
        })
    }

    fn start(&self) -> anyhow::Result<Reader> {
        let mut config = self.shared.configs.consumer.clone();
        // Records that were removed before we read them: go on with the oldest that is left.
        config.set("auto.offset.reset", "earliest");
        // librdkafka wants a group's name even where none is joined. Nothing is ever committed under it.
        let group = format!("anonymous.{}", self.topic);
        let beginning = Beginning::Offsets(self.positions.clone());
        let ear = Ear { link: self.shared.link.clone() };
        Reader::start((&self.topic, &group), beginning, config, ear, self.shared.running.token())
    }

    /// Looks for new partitions now and then; what fails is tried again the next time.
    async fn look(&mut self) {
        if self.looked.elapsed() < REFRESH {
            return;
        }
        self.looked = Instant::now();
        let known = i32::try_from(self.positions.len()).unwrap_or(i32::MAX);
        match self.shared.topics.partitions_of(&self.topic).await {
            Ok(Some(count)) if count > known => {
                self.positions.extend((known..count).map(|partition| (partition, 0)));
                self.reader = None;
            }
            Ok(_) => {}
            Err(cause) => debug!(target: "Consumer", "{cause:#}"),
        }
    }
}

#[async_trait]
impl Subscription for Tail {
    async fn poll(&mut self, limit: u32) -> anyhow::Result<Vec<Record>> {
        loop {
            self.look().await;
            let reader = match self.reader.take() {
                Some(reader) => reader,
                None => self.start()?,
            };
            let reader = self.reader.insert(reader);
            let Ok(read) = tokio::time::timeout(REFRESH, reader.poll(limit)).await else {
                continue;
            };
            match &read {
                Ok(records) => {
                    for record in records {
                        let at = self
                            .positions
                            .iter_mut()
                            .find(|(partition, _)| *partition == record.partition);
                        if let Some((_, next)) = at {
                            *next = record.offset + 1;
                        }
                    }
                    self.shared.link.works();
                }
                Err(_) => self.reader = None,
            }
            return read;
        }
    }

    async fn commit(&mut self, _: &Record) -> anyhow::Result<()> {
        Ok(())
    }
}
