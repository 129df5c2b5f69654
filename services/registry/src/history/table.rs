//! How the past is kept: a row for each event, with the time until which it was the last of its instance. So the rows that
//! were true at a moment are found without reading all that came before it.

use std::borrow::Cow;

use anyhow::{Context, bail};
use database::{Column, Condition, Id, IdKind, Kind as Holds, Row, Table, Test, Value, Write};
use discovery::Status;
use jiff::Timestamp;

use super::event::{Event, Kind};

pub(super) const TABLE: Table = Table {
    name: Cow::Borrowed("registry_event"),
    id: IdKind::ObjectId,
    key: Cow::Borrowed("id"),
    class: None,
    columns: Cow::Borrowed(COLUMNS),
};
const COLUMNS: &[Column] = &[
    column("happened_at", Holds::Instant),
    column("until", Holds::Instant),
    column("kind", Holds::Text),
    column("application", Holds::Text),
    column("instance", Holds::Text),
    column("status", Holds::Text),
    column("address", Holds::Text),
    column("done_by", Holds::Text),
];
/// The positions of columns among them.
pub(super) const AT: usize = 0;
pub(super) const UNTIL: usize = 1;
pub(super) const KIND: usize = 2;
pub(super) const APP: usize = 3;

/// Until when the last event of a registered instance counts: the year 9999.
pub(super) const FOREVER: Timestamp = Timestamp::constant(253_370_764_800, 0);

const fn column(name: &'static str, kind: Holds) -> Column {
    Column { name: Cow::Borrowed(name), kind, required: true }
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) event: Event,
    pub(super) until: Timestamp,
}

impl Kept {
    /// An event that has just happened: it counts until the next one, and not at all when nobody is there any more. Ids
    /// grow with time and, within a moment, with `number`; `chance` keeps those of two starts apart.
    pub(super) fn new(event: Event, number: u64, chance: &str) -> Self {
        let id = format!("{:012x}-{number:010x}-{chance}", event.at.as_millisecond().max(0));
        let until = if event.kind.leaves_it_there() { FOREVER } else { event.at };
        Kept { id, event, until }
    }

    pub(super) fn insert(&self) -> Write {
        Write::Insert { table: TABLE, id: Id::Text(self.id.clone()), values: self.values() }
    }

    pub(super) fn overwrite(&self) -> Write {
        Write::Overwrite { table: TABLE, id: Id::Text(self.id.clone()), values: self.values() }
    }

    fn values(&self) -> Vec<Value> {
        let event = &self.event;
        let texts = [
            event.kind.name(),
            &event.app,
            &event.id,
            event.status.name(),
            &event.address,
            &event.by,
        ];
        let instants = [event.at, self.until].map(Value::Instant);
        instants.into_iter().chain(texts.map(Value::from)).collect()
    }

    pub(super) fn from_row(row: Row) -> anyhow::Result<Kept> {
        let Id::Text(id) = row.id else { bail!("an event's id is no text") };
        let [
            Value::Instant(at),
            Value::Instant(until),
            Value::Text(kind),
            Value::Text(app),
            Value::Text(instance),
            Value::Text(status),
            Value::Text(address),
            Value::Text(by),
        ] = row.values.as_slice()
        else {
            bail!("a column of event {id} has an unexpected type");
        };
        let kind = Kind::named(kind).with_context(|| format!("event {id} is of no known kind"))?;
        let event = Event {
            at: *at,
            kind,
            app: app.clone(),
            id: instance.clone(),
            status: status_named(status),
            address: address.clone(),
            by: by.clone(),
        };
        Ok(Kept { id, event, until: *until })
    }
}

pub(super) fn condition(column: usize, test: Test) -> Condition {
    Condition { column: Some(column), test }
}

fn status_named(name: &str) -> Status {
    [Status::Up, Status::Down, Status::Starting, Status::OutOfService]
        .into_iter()
        .find(|status| status.name() == name)
        .unwrap_or(Status::Unknown)
}
