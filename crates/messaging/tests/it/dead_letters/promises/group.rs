//! A group that reads notes, and refuses those that say "bad" until it is told to take them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use database::{Changes, DatabaseRef, Durability, Id, Message, Page, Value, Write};
use messaging::{
    BrokerRef, Consumer, Delivery, Embedded, Failure, Stop, consume,
    dead_letters::{self, DeadLetter, Decided},
    replay,
};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{NOTE, answered, letter, ticking, waiting};
use crate::conformance::message;

/// The group, on a broker of its own.
pub(super) struct Group {
    pub(super) database: DatabaseRef,
    broker: BrokerRef,
    takes_all: Arc<AtomicBool>,
    stop: Stop,
    running: JoinSet<anyhow::Result<()>>,
    _folder: TempDir,
}

impl Group {
    pub(super) async fn start(database: DatabaseRef) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("broker.db");
        let broker = Embedded::open(&file, 1, Durability::ProcessCrash).await.unwrap();
        let broker: BrokerRef = Arc::new(broker);
        let (takes_all, number) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
        let handler = || {
            let (takes_all, number) = (takes_all.clone(), number.clone());
            move |delivery: Arc<Delivery>| {
                std::future::ready(handle(&delivery, takes_all.load(Ordering::Relaxed), &number))
            }
        };
        let dead_letter_topic = Some("error.notes.writers".to_owned());
        let consumer = Consumer { dead_letter_topic, ..Consumer::new("notes", "writers") };
        let (reading, again, now) = (handler(), handler(), ticking());
        let (stop, mut running) = (Stop::new(), JoinSet::new());
        let (topic, clock) = (broker.clone(), now.clone());
        running.spawn(consume(topic, database.clone(), consumer, reading, clock, stop.clone()));
        let (rows, stopped) = (database.clone(), stop.clone());
        running.spawn(async move { replay(rows, "writers", again, now, stopped).await });
        Group { database, broker, takes_all, stop, running, _folder: folder }
    }

    pub(super) async fn publish(&self, messages: &[Message]) {
        assert!(self.broker.publish(messages).await.iter().all(Result::is_ok));
    }

    /// Publishes a note that is refused, and waits until it is a dead letter.
    pub(super) async fn refused(&self, id: &str) -> DeadLetter {
        self.publish(&[bad(id, "k")]).await;
        letter(&self.database, id, 1).await
    }

    /// From now on it takes every note.
    pub(super) fn relent(&self) {
        self.takes_all.swap(true, Ordering::Relaxed);
    }

    /// The notes, oldest first.
    pub(super) async fn notes(&self) -> Vec<Value> {
        let rows = self.database.list(&NOTE, &Page::first(100)).await.unwrap().rows;
        rows.into_iter().flat_map(|row| row.values).collect()
    }

    /// Waits until there are so many notes.
    pub(super) async fn noted(&self, count: usize) {
        answered("the notes", async || (self.notes().await.len() == count).then_some(())).await;
    }

    pub(super) async fn replay(&self, letter: &DeadLetter) -> Decided {
        dead_letters::replay(&self.database, &letter.id, "ann").await.unwrap()
    }

    /// Waits until nothing waits to be handled again.
    pub(super) async fn settled(&self) {
        answered("everything is handled", async || {
            waiting(&self.database, "replay:writers").await.is_empty().then_some(())
        })
        .await;
    }

    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap().unwrap();
        }
    }
}

/// A record that is refused.
pub(super) fn bad(id: &str, key: &str) -> Message {
    Message { payload: b"bad".to_vec(), ..message("notes", id, Some(key)) }
}

/// What is noted of a record.
pub(super) fn note(id: &str, payload: &str) -> Value {
    Value::Text(format!("{id} {payload}"))
}

/// A row with another id at each call, so that a second handling would show.
fn handle(delivery: &Delivery, takes_all: bool, number: &AtomicI64) -> Result<Changes, Failure> {
    let payload = delivery.record.payload.as_deref().unwrap_or_default();
    if payload == b"bad" && !takes_all {
        return Err(Failure::Reject(anyhow::anyhow!("not a note")));
    }
    let id = Id::Text(format!("{:024}", number.fetch_add(1, Ordering::Relaxed)));
    let values = vec![note(&delivery.id, &String::from_utf8_lossy(payload))];
    Ok(Changes::new().write(Write::Insert { table: NOTE, id, values }))
}
