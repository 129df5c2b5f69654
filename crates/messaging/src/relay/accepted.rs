//! What a destination has accepted, until it has left the outbox. It leaves beside everything else: nobody waits for it.

use std::{collections::BTreeSet, pin::pin};

use database::DatabaseRef;
use faults::crash_point_of;
use futures_util::{FutureExt, future::BoxFuture};

/// Positions that the destination has accepted and that are still in the outbox; never handed over again.
pub(super) struct Accepted {
    channel: String,
    database: DatabaseRef,
    positions: BTreeSet<i64>,
    /// Those that have left since a reader began: it may have seen them before.
    left: BTreeSet<i64>,
    removal: Option<Removal>,
    /// Why the last removal failed, until somebody has noticed.
    failed: Option<anyhow::Error>,
}

/// A removal under way, of these positions.
struct Removal {
    positions: Vec<i64>,
    work: BoxFuture<'static, anyhow::Result<()>>,
}

impl Accepted {
    pub(super) fn new(channel: &str, database: DatabaseRef) -> Self {
        let (positions, left) = (BTreeSet::new(), BTreeSet::new());
        let (removal, failed) = (None, None);
        Accepted { channel: channel.to_owned(), database, positions, left, removal, failed }
    }

    pub(super) fn contains(&self, position: i64) -> bool {
        self.positions.contains(&position) || self.left.contains(&position)
    }

    /// The outbox begins to be read: what has left it is not there.
    pub(super) fn begin_read(&mut self) {
        self.left.clear();
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
        self.left.clear();
        (self.removal, self.failed) = (None, None);
    }

    /// Begins to remove what is there in the name of a lease, unless a removal is under way.
    pub(super) fn begin_removal(&mut self, lease: i64) {
        if self.removal.is_some() || self.positions.is_empty() {
            return;
        }
        let positions: Vec<i64> = self.positions.iter().copied().collect();
        let (channel, database, removed) =
            (self.channel.clone(), self.database.clone(), positions.clone());
        let work = async move {
            crash_point_of("before-delete", &channel);
            // When the lease is somebody else's, they are theirs to deliver, once more, and to remove.
            database.sent(&channel, &removed, lease).await?;
            crash_point_of("after-delete", &channel);
            Ok(())
        };
        self.removal = Some(Removal { positions, work: work.boxed() });
    }

    /// Whether a removal is under way.
    pub(super) fn is_being_removed(&self) -> bool {
        self.removal.is_some()
    }

    /// Goes on with the removal while something else is done.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                removed = self.removed(), if self.is_being_removed() => self.failed = removed.err(),
            }
        }
    }

    /// Waits for the removal under way, if there is one. May be dropped while it waits.
    ///
    /// # Errors
    /// When it failed: then the positions are still here.
    pub(super) async fn removed(&mut self) -> anyhow::Result<()> {
        let Some(removal) = &mut self.removal else { return Ok(()) };
        let done = (&mut removal.work).await;
        let removal = self.removal.take();
        if done.is_ok() {
            for position in removal.into_iter().flat_map(|removal| removal.positions) {
                self.positions.remove(&position);
                self.left.insert(position);
            }
        }
        done
    }

    /// Tells once when a removal failed beside something else.
    ///
    /// # Errors
    /// As for [`Accepted::removed`].
    pub(super) fn notice(&mut self) -> anyhow::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
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
