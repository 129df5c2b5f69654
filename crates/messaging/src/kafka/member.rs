//! A member of a group: joins when it is first polled, and waits for Kafka as long as it takes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tracing::{debug, warn};

use super::{
    Shared,
    link::Ear,
    reader::{Beginning, Reader},
};
use crate::{Backoff, Record, Subscription};

/// How long leaving may take.
const LEAVING: Duration = Duration::from_secs(3);

/// What the health report says of a member.
pub(super) struct Listening {
    pub(super) topic: String,
    pub(super) group: String,
    pub(super) running: AtomicBool,
}

pub(super) struct Member {
    pub(super) shared: Arc<Shared>,
    pub(super) listening: Arc<Listening>,
    pub(super) reader: Option<Reader>,
}

impl Member {
    /// The topic's reader, once the topic is known to exist.
    async fn reader(&mut self) -> anyhow::Result<&Reader> {
        if self.reader.is_none() {
            self.wait_for_topic().await;
            let Listening { topic, group, .. } = &*self.listening;
            let ear = Ear { link: self.shared.link.clone() };
            let config = self.shared.configs.consumer.clone();
            let running = self.shared.running.token();
            let reader = Reader::start((topic, group), Beginning::Group, config, ear, running)?;
            self.listening.running.swap(true, Ordering::Relaxed);
            self.reader = Some(reader);
        }
        self.reader.as_ref().ok_or_else(|| anyhow::anyhow!("there is no reader"))
    }

    async fn wait_for_topic(&self) {
        let (mut backoff, mut said) = (Backoff::default(), String::new());
        while let Err(cause) = self.shared.topics.ensure(&self.listening.topic).await {
            let reason = format!("{cause:#}");
            // The link says it when Kafka is away.
            if self.shared.link.is_away() || reason == said {
                debug!(target: "Consumer", "{reason}");
            } else {
                warn!(target: "Consumer", "[Consumer groupId={}] waits until topic {} can be read: {reason}", self.listening.group, self.listening.topic);
                said = reason;
            }
            tokio::time::sleep(backoff.next_delay()).await;
        }
    }
}

#[async_trait]
impl Subscription for Member {
    async fn poll(&mut self, limit: u32) -> anyhow::Result<Vec<Record>> {
        let read = self.reader().await?.poll(limit).await;
        match &read {
            Ok(_) => self.shared.link.works(),
            Err(_) => {
                // Polled again, it joins anew.
                self.reader = None;
                self.listening.running.swap(false, Ordering::Relaxed);
                self.shared.topics.forget(&self.listening.topic);
            }
        }
        read
    }

    async fn commit(&mut self, record: &Record) -> anyhow::Result<()> {
        if let Some(reader) = &self.reader {
            reader.commit(record);
        }
        Ok(())
    }

    async fn leave(&mut self) {
        self.listening.running.swap(false, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            reader.leave(LEAVING).await;
        }
    }
}
