//! Reads a topic from its end without a group: everybody who listens gets every record.

use std::sync::Arc;

use async_trait::async_trait;
use database::Durability;
use futures_util::FutureExt;
use tokio::sync::watch;

use super::{Shared, Topic, log};
use crate::{Record, Subscription};

pub(super) struct Tail {
    shared: Arc<Shared>,
    topic: String,
    appended: watch::Receiver<u64>,
    /// Partition and the next position to read, for every partition.
    positions: Vec<(i32, i64)>,
}

impl Tail {
    pub(super) async fn begin(shared: Arc<Shared>, topic: &str) -> anyhow::Result<Self> {
        let Topic { appended, .. } = shared.topic(topic).await?;
        let appended = appended.subscribe();
        let name = topic.to_owned();
        let noted: anyhow::Result<()> = shared
            .file
            .write(Durability::ProcessCrash, Vec::new(), move |connection| {
                log::listen(connection, name).boxed()
            })
            .await;
        noted?;
        let positions = log::ends(shared.file.readers(), topic).await?;
        Ok(Tail { shared, topic: topic.to_owned(), appended, positions })
    }
}

#[async_trait]
impl Subscription for Tail {
    async fn poll(&mut self, limit: u32) -> anyhow::Result<Vec<Record>> {
        loop {
            self.appended.mark_unchanged();
            let readers = self.shared.file.readers();
            let records = log::read_on(readers, &self.topic, &mut self.positions, limit).await?;
            if !records.is_empty() {
                return Ok(records);
            }
            self.appended.changed().await?;
        }
    }

    async fn commit(&mut self, _: &Record) -> anyhow::Result<()> {
        Ok(())
    }
}
