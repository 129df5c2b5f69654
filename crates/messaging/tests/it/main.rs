//! What brokers promise, and what relay and consume promise over any of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "a test runs its loops itself")]

mod conformance;
mod consume;
mod dead_letters;
mod embedded;
mod picky;
mod relay;

use std::{path::Path, sync::Arc, time::Duration};

use database::{Column, DatabaseRef, Durability, Header, IdKind, Kind, Message, Sqlite, Table};
use messaging::{
    Clock,
    dead_letters::{DeadLetter, Query, TABLE, list},
};

pub(crate) const NOTE: Table = Table {
    name: std::borrow::Cow::Borrowed("note"),
    id: IdKind::ObjectId,
    key: std::borrow::Cow::Borrowed("id"),
    class: None,
    columns: std::borrow::Cow::Borrowed(&[Column {
        name: std::borrow::Cow::Borrowed("text"),
        kind: Kind::Text,
        required: true,
    }]),
};

pub(crate) async fn database(folder: &Path) -> DatabaseRef {
    Sqlite::open(&folder.join("notes.db"), &[NOTE, TABLE], Durability::ProcessCrash).await.unwrap()
}

pub(crate) fn message(id: &str, channel: &str, key: Option<&str>) -> Message {
    Message {
        id: id.to_owned(),
        channel: channel.to_owned(),
        topic: "notes".to_owned(),
        key: key.map(str::to_owned),
        headers: vec![Header {
            name: messaging::ID_HEADER.to_owned(),
            value: id.as_bytes().to_vec(),
        }],
        payload: id.as_bytes().to_vec(),
        created: "2026-11-24T10:00:00.123Z".parse().unwrap(),
    }
}

/// A clock that stands still.
pub(crate) fn now() -> Clock {
    Arc::new(|| "2026-11-25T12:00:00Z".parse().unwrap())
}

/// All dead letters, the latest first.
pub(crate) async fn dead_letters_of(database: &DatabaseRef) -> Vec<DeadLetter> {
    let query = Query { limit: 100, ..Query::default() };
    list(database, &query).await.unwrap().0
}

/// Waits until `happened` says so; a test that waits longer than ten seconds has failed.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, happened: impl Fn() -> F) {
    let waiting = async {
        while !happened().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen"));
}

/// A loop that runs beside the test until it is stopped.
pub(crate) struct Running {
    stop: messaging::Stop,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub(crate) fn start<F>(run: impl FnOnce(messaging::Stop) -> F) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = messaging::Stop::new();
        Running { stop: stop.clone(), task: tokio::spawn(run(stop)) }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.task).await.unwrap().unwrap().unwrap();
    }

    pub(crate) fn kill(self) {
        self.task.abort();
    }
}

pub(crate) type Shared<T> = Arc<std::sync::Mutex<T>>;
