//! The memory of the past: who registered, changed and left, kept in the database, bounded by number and age.

mod ask;
mod event;
mod table;

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::Context;
use chassis::{Outside, Stop};
use database::{Changes, DatabaseRef, Direction, Id, Page, Sort, Table, Test, Value, Write};
use discovery::{Status, server::ConfigServer};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::{Mutex, broadcast},
    time::MissedTickBehavior,
};
use tracing::warn;

use crate::settings::Bounds;
use table::{FOREVER, Kept, TABLE, UNTIL, condition};

pub(crate) use ask::{Period, moment};
pub(crate) use event::{Event, Kind};

/// How many events one commit keeps at most.
const BATCH: usize = 200;
/// How often the oldest are removed.
const TRIM_EVERY: Duration = Duration::from_secs(60);
/// How many rows are closed or removed by one commit.
const STEP: u32 = 200;

/// The tables that the memory needs.
pub(crate) fn tables() -> Vec<Table> {
    vec![TABLE]
}

/// The memory of the past.
pub(crate) struct History {
    database: DatabaseRef,
    bounds: Bounds,
    outside: Outside,
    /// How many events this process has kept, and what tells it from other processes.
    count: AtomicU64,
    chance: String,
    /// The row that counts for each instance, by application and id.
    open: Mutex<HashMap<(String, String), Kept>>,
}

impl History {
    pub(crate) fn new(database: DatabaseRef, bounds: Bounds, outside: Outside) -> Self {
        let chance = outside.uuid().split_off(24);
        let count = AtomicU64::new(0);
        History { database, bounds, outside, count, chance, open: Mutex::default() }
    }

    /// Keeps what `events` tell until `stop`, and what they have told by then. Begins with an empty registry: what was
    /// registered before is so no longer.
    ///
    /// # Errors
    /// When nobody can tell any more. A database that does not answer costs events, which is logged.
    pub(crate) async fn record<Told: Into<Event> + Clone>(
        &self,
        mut events: broadcast::Receiver<Told>,
        stop: Stop,
    ) -> anyhow::Result<()> {
        if let Err(cause) = self.close_all().await {
            warn!(
                "the history shows instances as registered that were so before the start: {cause:#}"
            );
        }
        loop {
            let first = tokio::select! {
                told = events.recv() => told,
                () = stop.cancelled() => {
                    while !events.is_empty() {
                        self.keep_or_warn(drained(&mut events, Vec::new())).await;
                    }
                    return Ok(());
                }
            };
            let batch = match first {
                Ok(event) => drained(&mut events, vec![event.into()]),
                Err(broadcast::error::RecvError::Lagged(lost)) => {
                    warn!("the history lacks {lost} events: more happened than could be kept");
                    continue;
                }
                Err(broadcast::error::RecvError::Closed) => {
                    stop.cancelled().await;
                    return Ok(());
                }
            };
            self.keep_or_warn(batch).await;
        }
    }

    /// Keeps every version of the configuration, until `stop`.
    ///
    /// # Errors
    /// Never; the signature is that of a background loop.
    pub(crate) async fn note(&self, config: ConfigServer, stop: Stop) -> anyhow::Result<()> {
        let mut changes = config.changed();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = changes.changed() => if changed.is_err() {
                    stop.cancelled().await;
                    return Ok(());
                },
            }
            let at = self.outside.now();
            let version = config.effective("application", "default", None).await;
            let version = version.ok().and_then(|versioned| versioned.version);
            let places: Vec<String> =
                config.state().into_iter().flat_map(|state| state.places).collect();
            let event = Event {
                at,
                kind: Kind::Configuration,
                app: places.join(", "),
                id: version.unwrap_or_else(|| at.to_string()),
                status: Status::Unknown,
                address: String::new(),
                by: String::new(),
            };
            self.keep_or_warn(vec![event]).await;
        }
    }

    /// Removes from time to time, until `stop`, what is too old or too much.
    ///
    /// # Errors
    /// None: a database that does not answer is asked again the next time.
    pub(crate) async fn trim(&self, stop: Stop) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(TRIM_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            if let Err(cause) = self.remove_old().await {
                warn!("old events stay for another {TRIM_EVERY:?}: {cause:#}");
            }
        }
    }

    /// Keeps events in the order in which they happened.
    pub(crate) async fn keep(&self, events: Vec<Event>) -> anyhow::Result<()> {
        let mut open = self.open.lock().await;
        let mut latest: HashMap<(String, String), usize> = HashMap::new();
        let mut ended: Vec<Kept> = Vec::new();
        let mut added: Vec<Kept> = Vec::new();
        for event in events {
            let key = (event.app.clone(), event.id.clone());
            match latest.remove(&key) {
                Some(index) => end(&mut added[index], event.at),
                None => ended.extend(open.get(&key).cloned().map(|mut kept| {
                    end(&mut kept, event.at);
                    kept
                })),
            }
            let number = self.count.fetch_add(1, Ordering::Relaxed);
            let kept = Kept::new(event, number, &self.chance);
            latest.insert(key, added.len());
            added.push(kept);
        }
        let writes = ended.iter().map(Kept::overwrite).chain(added.iter().map(Kept::insert));
        let changes = Changes { writes: writes.collect(), ..Changes::new() };
        self.database.commit(changes).await.context("keep what happened")?;
        for (key, index) in latest {
            let kept = added[index].clone();
            match kept.until == FOREVER {
                true => open.insert(key, kept),
                false => open.remove(&key),
            };
        }
        Ok(())
    }

    async fn keep_or_warn(&self, events: Vec<Event>) {
        let count = events.len();
        if count == 0 {
            return;
        }
        if let Err(cause) = self.keep(events).await {
            warn!("the history lacks {count} events: {cause:#}");
        }
    }

    /// Ends what counts still: the registry of this process begins without instances.
    async fn close_all(&self) -> anyhow::Result<()> {
        let now = self.outside.now();
        let filter = vec![condition(UNTIL, Test::AtLeast(Value::Instant(FOREVER)))];
        let page = Page { filter, ..Page::first(STEP) };
        loop {
            let rows = self.database.list(&TABLE, &page).await.context("look for open events")?;
            if rows.rows.is_empty() {
                return Ok(());
            }
            let mut writes = Vec::new();
            for row in rows.rows {
                let mut kept = Kept::from_row(row)?;
                end(&mut kept, now);
                writes.push(kept.overwrite());
            }
            let changes = Changes { writes, ..Changes::new() };
            self.database.commit(changes).await.context("end open events")?;
        }
    }

    /// Removes what is over for too long, then the oldest of what is too much. What counts still is never removed.
    pub(crate) async fn remove_old(&self) -> anyhow::Result<()> {
        let age = SignedDuration::from_hours(24 * i64::from(self.bounds.days));
        let limit = self.outside.now().saturating_sub(age).unwrap_or(Timestamp::UNIX_EPOCH);
        let too_old = vec![condition(UNTIL, Test::Less(Value::Instant(limit)))];
        while self.remove_first(&too_old, STEP).await? > 0 {}
        let over = vec![condition(UNTIL, Test::Less(Value::Instant(FOREVER)))];
        loop {
            let page = Page { filter: over.clone(), ..Page::first(1) };
            let total = self.database.list(&TABLE, &page).await.context("count events")?.total;
            let surplus = total.saturating_sub(self.bounds.most.into());
            let step = u32::try_from(surplus).unwrap_or(STEP).min(STEP);
            if step == 0 || self.remove_first(&over, step).await? == 0 {
                return Ok(());
            }
        }
    }

    async fn remove_first(
        &self,
        filter: &[database::Condition],
        limit: u32,
    ) -> anyhow::Result<usize> {
        let sort = vec![Sort { column: Some(UNTIL), direction: Direction::Ascending }];
        let page = Page { offset: 0, limit, sort, filter: filter.to_vec() };
        let rows = self.database.list(&TABLE, &page).await.context("look for old events")?.rows;
        let count = rows.len();
        let delete = |id: Id| Write::Delete { table: TABLE, id, version: None };
        let writes: Vec<Write> = rows.into_iter().map(|row| delete(row.id)).collect();
        if count > 0 {
            let changes = Changes { writes, ..Changes::new() };
            self.database.commit(changes).await.context("remove old events")?;
        }
        Ok(count)
    }
}

/// An event counts no longer than until the next one, be the clock as it may.
fn end(kept: &mut Kept, at: Timestamp) {
    kept.until = at.max(kept.event.at);
}

/// What has been told already, up to a batch.
fn drained<Told: Into<Event> + Clone>(
    events: &mut broadcast::Receiver<Told>,
    mut batch: Vec<Event>,
) -> Vec<Event> {
    while batch.len() < BATCH
        && let Ok(event) = events.try_recv()
    {
        batch.push(event.into());
    }
    batch
}

#[cfg(test)]
mod tests;
