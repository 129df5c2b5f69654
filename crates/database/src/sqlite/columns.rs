//! Statements and values of one table. Identifiers are quoted, values are bound.

use anyhow::{Context, bail};
use jiff::Timestamp;
use sqlx::{
    Row as _, Sqlite, ValueRef,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::{Id, IdKind, Kind, Row, Table, Value};

type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn select(table: &Table) -> String {
    let columns: String =
        table.columns.iter().map(|column| format!(", {}", quoted(&column.name))).collect();
    format!("select {}, version{columns} from {}", quoted(&table.key), quoted(&table.name))
}

pub(super) fn insert(table: &Table) -> String {
    let columns: String =
        table.columns.iter().map(|column| format!(", {}", quoted(&column.name))).collect();
    let places: String =
        (0..table.columns.len()).map(|column| format!(", ?{}", column + 2)).collect();
    let (name, key) = (quoted(&table.name), quoted(&table.key));
    format!("insert into {name} ({key}, version{columns}) values (?1, 1{places})")
}

pub(super) fn replace(table: &Table) -> String {
    let columns: String = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| format!(", {} = ?{}", quoted(&column.name), at + 3))
        .collect();
    let name = quoted(&table.name);
    format!("update {name} set version = version + 1{columns} where {}", in_version(table))
}

pub(super) fn delete(table: &Table) -> String {
    format!("delete from {} where {}", quoted(&table.name), in_version(table))
}

/// The row with id `?1`, if it is in version `?2` or that is null.
fn in_version(table: &Table) -> String {
    format!("{} = ?1 and (?2 is null or version = ?2)", quoted(&table.key))
}

pub(super) fn bind_id<'q>(query: Bound<'q>, id: &Id) -> Bound<'q> {
    match id {
        Id::Text(text) => query.bind(text.clone()),
        Id::Integer(number) => query.bind(*number),
    }
}

pub(super) fn bind_values<'q>(query: Bound<'q>, values: &[Value]) -> Bound<'q> {
    values.iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<String>),
        Value::Text(text) => query.bind(text.clone()),
        Value::Integer(number) => query.bind(*number),
        Value::Real(number) => query.bind(*number),
        Value::Boolean(truth) => query.bind(*truth),
        Value::Instant(instant) => query.bind(instant_text(*instant)),
    })
}

/// Writes an instant with nine digits, so that the order of the texts is the order of the instants.
pub(super) fn instant_text(instant: Timestamp) -> String {
    format!("{instant:.9}")
}

pub(super) fn read(table: &Table, row: &SqliteRow) -> anyhow::Result<Row> {
    let id = match table.id {
        IdKind::ObjectId => Id::Text(row.try_get(0)?),
        IdKind::Sequence => Id::Integer(row.try_get(0)?),
    };
    let mut values = Vec::with_capacity(table.columns.len());
    for (at, column) in table.columns.iter().enumerate() {
        let value = value(column.kind, row, at + 2)
            .with_context(|| format!("read {}.{}", table.name, column.name))?;
        values.push(value);
    }
    Ok(Row { id, version: row.try_get(1)?, values })
}

fn value(kind: Kind, row: &SqliteRow, at: usize) -> anyhow::Result<Value> {
    if row.try_get_raw(at)?.is_null() {
        return Ok(Value::Null);
    }
    Ok(match kind {
        Kind::Text => Value::Text(row.try_get(at)?),
        Kind::Integer => Value::Integer(row.try_get(at)?),
        Kind::Real => Value::Real(row.try_get(at)?),
        Kind::Boolean => Value::Boolean(row.try_get(at)?),
        Kind::Instant => {
            let text: String = row.try_get(at)?;
            let Ok(instant) = text.parse() else { bail!("{text:?} is no instant") };
            Value::Instant(instant)
        }
    })
}
