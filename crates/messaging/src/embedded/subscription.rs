//! A member of a group: reads its partitions from where the group has come.

use std::sync::Arc;

use async_trait::async_trait;
use database::Durability;
use futures_util::FutureExt;
use tokio::sync::watch;
use tracing::info;

use super::{Shared, Topic, log};
use crate::{Record, Subscription};

pub(super) struct Member {
    shared: Arc<Shared>,
    topic: String,
    group: String,
    number: u64,
    partitions: i32,
    changed: watch::Receiver<u64>,
    appended: watch::Receiver<u64>,
    /// Partition and the next position to read, for each partition of this member.
    share: Vec<(i32, i64)>,
}

impl Member {
    pub(super) async fn join(
        shared: Arc<Shared>,
        topic: &str,
        group: &str,
    ) -> anyhow::Result<Self> {
        let Topic { partitions, appended } = shared.topic(topic).await?;
        let appended = appended.subscribe();
        let (name, of_group) = (topic.to_owned(), group.to_owned());
        let joined: anyhow::Result<()> = shared
            .file
            .write(Durability::ProcessCrash, Vec::new(), move |connection| {
                log::join(connection, of_group, name).boxed()
            })
            .await;
        joined?;
        let (number, mut changed) = shared.groups.join(topic, group);
        changed.mark_changed();
        let (topic, group) = (topic.to_owned(), group.to_owned());
        Ok(Member {
            shared,
            topic,
            group,
            number,
            partitions,
            changed,
            appended,
            share: Vec::new(),
        })
    }

    /// Looks again at which partitions are this member's, and starts each after the group's committed offset.
    async fn assign(&mut self) -> anyhow::Result<()> {
        let share =
            self.shared.groups.share(&self.topic, &self.group, self.number, self.partitions);
        let mut assigned = Vec::with_capacity(share.len());
        for partition in share {
            let next =
                log::committed(self.shared.file.readers(), &self.group, &self.topic, partition)
                    .await?;
            assigned.push((partition, next));
        }
        self.share = assigned;
        let names: Vec<String> =
            self.share.iter().map(|(partition, _)| format!("{}-{partition}", self.topic)).collect();
        info!(target: "Consumer", "[Consumer groupId={}] assigned partitions: {}", self.group, names.join(", "));
        Ok(())
    }
}

#[async_trait]
impl Subscription for Member {
    async fn poll(&mut self, limit: u32) -> anyhow::Result<Vec<Record>> {
        loop {
            if self.changed.has_changed()? {
                self.changed.mark_unchanged();
                if let Err(cause) = self.assign().await {
                    self.changed.mark_changed();
                    return Err(cause);
                }
            }
            self.appended.mark_unchanged();
            let readers = self.shared.file.readers();
            let records = log::read_on(readers, &self.topic, &mut self.share, limit).await?;
            if !records.is_empty() {
                return Ok(records);
            }
            tokio::select! {
                changed = self.changed.changed() => { changed?; self.changed.mark_changed(); }
                appended = self.appended.changed() => appended?,
            }
        }
    }

    async fn commit(&mut self, record: &Record) -> anyhow::Result<()> {
        let (group, at) =
            (self.group.clone(), (record.topic.clone(), record.partition, record.offset));
        // An offset that is lost with the power brings the records again, which the inbox bears.
        self.shared
            .file
            .write(Durability::ProcessCrash, Vec::new(), move |connection| {
                log::commit(connection, group, at).boxed()
            })
            .await
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.shared.groups.leave(&self.topic, &self.group, self.number);
    }
}
