//! What a destination has accepted, until it has left the outbox. It leaves beside everything else: nobody waits for it.

use std::collections::BTreeSet;

use database::DatabaseRef;
use faults::crash_point_of;
use tokio::task::JoinHandle;

/// Positions that the destination has accepted and that are still in the outbox; never handed over again.
pub(super) struct Accepted {
    channel: String,
    database: DatabaseRef,
    positions: BTreeSet<i64>,
    removal: Option<Removal>,
}

/// A removal under way, of these positions.
struct Removal {
    positions: Vec<i64>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Accepted {
    pub(super) fn new(channel: &str, database: DatabaseRef) -> Self {
        let (positions, removal) = (BTreeSet::new(), None);
        Accepted { channel: channel.to_owned(), database, positions, removal }
    }

    pub(super) fn contains(&self, position: i64) -> bool {
        self.positions.contains(&position)
    }

    pub(super) fn add(&mut self, position: i64) {
        self.positions.insert(position);
    }

    pub(super) fn len(&self) -> usize {
        self.positions.len()
    }

    /// Forgets all of them: they are somebody else's to remove, or to deliver once more.
    pub(super) fn clear(&mut self) {
        self.positions.clear();
        self.removal = None;
    }

    /// Begins to remove what is there in the name of a lease, unless a removal is under way.
    pub(super) fn begin_removal(&mut self, lease: i64) {
        if self.removal.is_some() || self.positions.is_empty() {
            return;
        }
        let positions: Vec<i64> = self.positions.iter().copied().collect();
        let (channel, database, removed) =
            (self.channel.clone(), self.database.clone(), positions.clone());
        let remove = async move {
            crash_point_of("before-delete", &channel);
            // When the lease is somebody else's, they are theirs to deliver, once more, and to remove.
            database.sent(&channel, &removed, lease).await?;
            crash_point_of("after-delete", &channel);
            Ok(())
        };
        self.removal = Some(Removal { positions, task: tokio::spawn(remove) });
    }

    /// Whether a removal is under way.
    pub(super) fn is_being_removed(&self) -> bool {
        self.removal.is_some()
    }

    /// Waits for the removal under way, if there is one. May be dropped while it waits.
    ///
    /// # Errors
    /// When it failed: then the positions are still here.
    pub(super) async fn removed(&mut self) -> anyhow::Result<()> {
        let Some(removal) = &mut self.removal else { return Ok(()) };
        let done = (&mut removal.task).await;
        let removal = self.removal.take();
        done??;
        for position in removal.into_iter().flat_map(|removal| removal.positions) {
            self.positions.remove(&position);
        }
        Ok(())
    }

    /// Takes in what became of the removal under way, if it is over.
    ///
    /// # Errors
    /// As for [`Accepted::removed`].
    pub(super) async fn notice(&mut self) -> anyhow::Result<()> {
        match &self.removal {
            Some(removal) if removal.task.is_finished() => self.removed().await,
            _ => Ok(()),
        }
    }

    /// Removes all of them and waits for it.
    ///
    /// # Errors
    /// When some are still here.
    pub(super) async fn remove_all(&mut self, lease: i64) -> anyhow::Result<()> {
        self.removed().await?;
        self.begin_removal(lease);
        self.removed().await
    }
}
