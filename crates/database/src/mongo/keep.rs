//! What runs beside the commits: moves their messages, and finishes what a process that died has begun.

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::Context;
use futures_util::StreamExt;
use mongodb::bson::{Bson, RawDocumentBuf, doc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    Mongo,
    document::PENDING,
    failure::is_refused_for_good,
    inbox,
    journal::{self, REDO},
    outbox::ENTRY,
    task::{Place, Task},
    work::Running,
};

/// How many documents are looked at together for messages to move.
const GROUP: usize = 256;
/// How long we rest at most after a group before we move the next one: as long as it took, so that of many commits each
/// group takes more, for which the server does less.
const REST: Duration = Duration::from_millis(3);
/// How long we wait before we try again to move messages.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a group is tried. Then its documents are looked at one by one, by the search for what was left behind.
const ATTEMPTS: u32 = 20;
/// How often we look for what was left behind.
const SEARCH: Duration = Duration::from_secs(3);
/// How many documents one search finds at most in a collection.
const FOUND: i64 = 1000;
/// How long the last messages may take when we stop.
const FAREWELL: Duration = Duration::from_secs(3);

/// What a search has found: somebody may be at it this very moment. What the next one still finds was left behind.
pub(super) type Sighted = HashSet<(String, String)>;

impl Mongo {
    /// Makes commits of several steps, moves messages of commits to the outbox, finishes what was left behind, and wakes
    /// and is woken by other processes, until `stop`. Without it every commit does all by itself, what a crash leaves
    /// behind waits for the next start, and what others commit is seen by looking.
    ///
    /// # Errors
    /// None while it runs: what fails is tried again.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        // Messages of the last commits are to be moved too.
        let committed = CancellationToken::new();
        let work = async {
            self.work_on(&stop).await;
            committed.cancel();
        };
        let wake = async {
            tokio::select! {
                () = committed.cancelled() => {}
                () = self.wake_on() => {}
            }
        };
        tokio::join!(work, self.move_on(&committed), self.search_on(&stop), wake);
        Ok(())
    }

    /// Moves messages until `stop`, and then what waits.
    async fn move_on(&self, stop: &CancellationToken) {
        let mut waiting = self.mover.waiting.lock().await;
        let running = Running::new(&self.mover.runs);
        let (mut group, mut failures) = (Vec::with_capacity(GROUP), 0);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = waiting.recv_many(&mut group, GROUP), if group.is_empty() => {}
                () = sleep(PAUSE), if !group.is_empty() => {}
            }
            // A group that could not be moved is tried again before the next one, so that the order stays.
            let (began, is_full) = (Instant::now(), group.len() >= GROUP);
            failures = if self.move_group(&mut group).await { 0 } else { failures + 1 };
            if !is_full {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = sleep(began.elapsed().min(REST)) => {}
                }
            }
            if failures == ATTEMPTS {
                error!("messages of {} commits are left to the search", group.len());
                group.clear();
                failures = 0;
            }
        }
        drop(running);
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
    }

    async fn search_on(&self, stop: &CancellationToken) {
        let mut sighted = Sighted::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(SEARCH) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                found = self.finish_left(&mut sighted) => if let Err(cause) = found {
                    warn!("what was left behind waits for now: {cause:#}");
                },
            }
        }
    }

    /// Moves the messages of a group and forgets it; false when it has to be tried again.
    async fn move_group(&self, group: &mut Vec<Task>) -> bool {
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
        // Some may have been moved.
        group.iter_mut().for_each(|task| task.known = None);
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
                if !before.contains(&mark) {
                    sighted.insert(mark);
                    continue;
                }
                let _alone = self.isolation.write().await;
                match self.redo(&place).await {
                    Ok(()) => info!(
                        "made changes in {collection} that a process which died had on record"
                    ),
                    // It does not hold back others. Anything else may pass, and nobody is to come before these changes.
                    Err(cause) if is_refused_for_good(&cause) => {
                        warn!("changes that are on record in {collection} wait: {cause:#}");
                        sighted.insert(mark);
                    }
                    Err(cause) => return Err(cause),
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
            for (place, _) in left {
                // One that cannot be moved does not hold back others.
                let id = place.id.clone();
                match self.move_messages(&[place.into()]).await {
                    Ok(()) => info!("moved messages out of {id} in {collection}"),
                    Err(cause) => {
                        warn!("messages wait in {id} in {collection}: {cause:#}");
                    }
                }
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
