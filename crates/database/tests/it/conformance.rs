//! Promises that every backend keeps. Each is an ordinary function over the port; it works on a database that others
//! have used, and when it runs a second time.

#[path = "conformance/crowd.rs"]
mod crowd;
#[path = "conformance/filters.rs"]
mod filters;
#[path = "conformance/lists.rs"]
mod lists;
#[path = "conformance/messages.rs"]
mod messages;
#[path = "conformance/rows.rs"]
mod rows;
#[path = "conformance/values.rs"]
mod values;

use std::{borrow::Cow, sync::Arc, time::Duration};

use database::{
    Changes, Column, Database, Header, Id, IdKind, Kind, Message, Page, Row, Table, Value, Write,
};

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name: Cow::Borrowed(name), kind, required: false }
}

/// Rows with textual ids.
pub(crate) const BOOK: Table = Table {
    name: Cow::Borrowed("book"),
    id: IdKind::ObjectId,
    key: Cow::Borrowed("id"),
    class: None,
    columns: Cow::Borrowed(&[
        Column { name: Cow::Borrowed("title"), kind: Kind::Text, required: true },
        column("pages", Kind::Integer),
        column("price", Kind::Real),
        column("lent", Kind::Boolean),
        column("printed", Kind::Instant),
    ]),
};

/// Rows with numbers for ids, in a column of another name; its other column has the name of a keyword.
pub(crate) const READER: Table = Table {
    name: Cow::Borrowed("reader"),
    id: IdKind::Sequence,
    key: Cow::Borrowed("number"),
    class: None,
    columns: Cow::Borrowed(&[column("order", Kind::Text)]),
};

/// Rows to look for.
pub(crate) const PARCEL: Table = Table {
    name: Cow::Borrowed("parcel"),
    id: IdKind::Sequence,
    key: Cow::Borrowed("id"),
    class: None,
    columns: Cow::Borrowed(&[
        column("label", Kind::Text),
        column("weight", Kind::Integer),
        column("price", Kind::Real),
        column("fragile", Kind::Boolean),
        column("sent", Kind::Instant),
    ]),
};

/// The tables that the suite needs.
pub(crate) const TABLES: [Table; 3] = [BOOK, READER, PARCEL];

/// Checks all promises.
pub(crate) async fn all(database: Arc<dyn Database>) {
    let world = World { run: database.reserve("conformance_run", 1, 1).await.unwrap(), database };
    values::all(&world).await;
    rows::all(&world).await;
    lists::all(&world).await;
    filters::all(&world).await;
    messages::all(&world).await;
    crowd::all(&world).await;
}

/// A database, and the number of this run on it.
struct World {
    database: Arc<dyn Database>,
    run: i64,
}

impl World {
    /// A name that no other run uses.
    fn name(&self, name: &str) -> String {
        format!("{name} {}", self.run)
    }

    /// An id that no other run uses.
    fn id(&self, name: &str) -> Id {
        Id::Text(self.name(name))
    }

    async fn read(&self, name: &str) -> Option<Row> {
        self.database.get(&BOOK, &self.id(name)).await.unwrap()
    }

    async fn insert(&self, name: &str, values: Vec<Value>) -> Row {
        self.database.commit(insert(&self.name(name), values)).await.unwrap();
        self.read(name).await.unwrap()
    }

    /// All messages of a channel, read to its end.
    async fn unsent(&self, channel: &str) -> Vec<(i64, Message)> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let more = self.database.unsent(channel, after, 500).await.unwrap();
            let Some((last, _)) = more.last() else { return all };
            after = *last;
            all.extend(more);
        }
    }

    /// How many messages of a channel wait.
    async fn waiting(&self, channel: &str) -> u64 {
        let counts = self.database.waiting().await.unwrap();
        counts.iter().find(|(name, _)| name == channel).map_or(0, |(_, count)| *count)
    }

    /// Removes messages in the name of a lease.
    async fn sent(&self, channel: &str, positions: &[i64]) {
        let lease = self.database.lease(channel, "conformance", Duration::from_secs(60)).await;
        let lease = lease.unwrap().unwrap();
        assert!(self.database.sent(channel, positions, lease).await.unwrap());
    }

    /// Removes every row of a table.
    async fn clear(&self, table: &Table) {
        loop {
            let rows = self.database.list(table, &Page::first(500)).await.unwrap().rows;
            if rows.is_empty() {
                return;
            }
            let delete =
                |row: Row| Write::Delete { table: table.clone(), id: row.id, version: None };
            let writes = rows.into_iter().map(delete).collect();
            self.database.commit(Changes { writes, ..Changes::new() }).await.unwrap();
        }
    }
}

pub(crate) fn id(text: &str) -> Id {
    Id::Text(text.to_owned())
}

pub(crate) fn book(title: &str, pages: i64) -> Vec<Value> {
    vec![title.into(), Value::Integer(pages), Value::Real(9.5), Value::Boolean(true), Value::Null]
}

pub(crate) fn insert(name: &str, values: Vec<Value>) -> Changes {
    Changes::new().write(Write::Insert { table: BOOK, id: id(name), values })
}

pub(crate) fn message(id: &str, channel: &str, key: &str) -> Message {
    Message {
        id: id.to_owned(),
        channel: channel.to_owned(),
        topic: "books".to_owned(),
        key: Some(key.to_owned()),
        headers: vec![Header { name: "kind".to_owned(), value: vec![0, 255] }],
        payload: vec![1, 2, 3],
        created: "2026-11-24T10:00:00.123Z".parse().unwrap(),
    }
}
