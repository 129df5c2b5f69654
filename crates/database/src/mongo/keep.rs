//! What runs beside the commits: moves their messages, and finishes what a process that died has begun.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Context;
use futures_util::StreamExt;
use mongodb::bson::{Bson, RawDocumentBuf, doc};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Mongo,
    document::PENDING,
    inbox,
    journal::{self, REDO},
    mover::Place,
    outbox::ENTRY,
};

/// How many documents are looked at together for messages to move.
const GROUP: usize = 256;
/// How long we wait before we try again to move messages.
const PAUSE: Duration = Duration::from_millis(500);
/// How often we look for what was left behind.
const SEARCH: Duration = Duration::from_secs(3);
/// How many documents one search finds at most in a collection.
const FOUND: i64 = 1000;
/// How long the last messages may take when we stop.
const FAREWELL: Duration = Duration::from_secs(3);

/// What a search has found: somebody may be at it this very moment. What the next one still finds was left behind.
pub(super) type Sighted = HashSet<(String, String)>;

impl Mongo {
    /// Moves messages of commits to the outbox and finishes what was left behind, until `stop`. Without it every commit
    /// moves its own messages, and what a crash leaves behind waits for the next start.
    ///
    /// # Errors
    /// None while it runs: what fails is tried again.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let mut waiting = self.mover.waiting.lock().await;
        self.mover.runs.store(true, Ordering::Release);
        let mut search = interval(SEARCH);
        search.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut group, mut sighted) = (Vec::with_capacity(GROUP), Sighted::new());
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = waiting.recv_many(&mut group, GROUP), if group.len() < GROUP => {}
                _ = search.tick() => match self.finish_left(&mut sighted).await {
                    Ok(()) => {}
                    Err(cause) => warn!("what was left behind waits for now: {cause:#}"),
                },
            }
            if !self.move_group(&mut group).await {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = sleep(PAUSE) => {}
                }
            }
        }
        // From here on every commit looks after its own.
        self.mover.runs.store(false, Ordering::Release);
        let last = async {
            while let Ok(place) = waiting.try_recv() {
                group.push(place);
            }
            self.move_group(&mut group).await
        };
        if !matches!(timeout(FAREWELL, last).await, Ok(true)) {
            warn!(
                "some messages wait in the documents that they were committed with until the next start"
            );
        }
        Ok(())
    }

    /// Moves the messages of a group and forgets it; false when that has to be tried again.
    async fn move_group(&self, group: &mut Vec<Place>) -> bool {
        if group.is_empty() {
            return true;
        }
        match timeout(self.answer, self.move_messages(group)).await {
            Ok(Ok(())) => {
                group.clear();
                return true;
            }
            Ok(Err(cause)) => {
                warn!("messages of {} commits wait, trying again: {cause:#}", group.len());
            }
            Err(_) => warn!("{} does not answer, trying again", self.address),
        }
        false
    }

    /// Finishes what was left behind: what is found now and was found the last time too.
    pub(super) async fn finish_left(&self, sighted: &mut Sighted) -> anyhow::Result<()> {
        timeout(self.answer, self.search(sighted))
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("{} does not answer", self.address)))
    }

    async fn search(&self, sighted: &mut Sighted) -> anyhow::Result<()> {
        self.positions.clean(&self.quick).await.context("clean the notes of positions")?;
        let before = std::mem::take(sighted);
        for collection in [inbox::COLLECTION, journal::COLLECTION] {
            for (place, mark) in self.left(collection, &format!("{REDO}.collection")).await? {
                match before.contains(&mark) {
                    true => {
                        let _alone = self.isolation.write().await;
                        self.redo(&place).await?;
                        info!(
                            "made changes in {collection} that a process which died had on record"
                        );
                    }
                    false => drop(sighted.insert(mark)),
                }
            }
        }
        let ours = [inbox::COLLECTION, journal::COLLECTION].map(str::to_owned);
        for collection in self.tables.iter().chain(&ours) {
            let field = format!("{PENDING}.{ENTRY}");
            let (left, new): (Vec<_>, Vec<_>) = self
                .left(collection, &field)
                .await?
                .into_iter()
                .partition(|(_, mark)| before.contains(mark));
            sighted.extend(new.into_iter().map(|(_, mark)| mark));
            if !left.is_empty() {
                let places: Vec<Place> = left.into_iter().map(|(place, _)| place).collect();
                self.move_messages(&places).await?;
                info!("moved messages out of {} documents of {collection}", places.len());
            }
        }
        Ok(())
    }

    /// Documents with something in this field, and what tells one thing from another.
    async fn left(
        &self,
        collection: &str,
        field: &str,
    ) -> anyhow::Result<Vec<(Place, (String, String))>> {
        let documents = self.quick.collection::<RawDocumentBuf>(collection);
        let find = documents
            .find(doc! { field: { "$exists": true } })
            .projection(doc! { "_id": 1, field: 1 })
            .limit(FOUND);
        let mut batches = find.batch().await.with_context(|| format!("search {collection}"))?;
        let mut left = Vec::new();
        while let Some(batch) = batches.next().await {
            for element in batch?.doc_slices()? {
                let Some(document) = element?.as_document() else { continue };
                let Some(id) = document.get("_id")? else { continue };
                let place = Place { collection: collection.to_owned(), id: Bson::try_from(id)? };
                left.push((place, (collection.to_owned(), format!("{document:?}"))));
            }
        }
        Ok(left)
    }
}
