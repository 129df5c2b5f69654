//! Statements and values of one table. Identifiers are quoted, values are bound, and every column is cast to the type
//! that we read, so that it does not matter whether it is a `varchar` or a `text`.

use anyhow::Context;
use sqlx::{
    Postgres, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::instant::Instant;
use crate::{CommitError, Id, IdKind, Kind, Row, Table, Value};

pub(super) type Bound<'q> = Query<'q, Postgres, PgArguments>;

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What is read of a row: its id, its version, its values. The version is the number of the transaction that wrote it,
/// which PostgreSQL keeps of every row, whoever wrote it.
pub(super) fn fields(table: &Table) -> String {
    let (key, id) = (quoted(&table.key), type_of(table.id.kind()));
    let columns: String = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            format!(", {}::{} as c{at}", quoted(&column.name), type_of(column.kind))
        })
        .collect();
    format!("{key}::{id} as id, xmin::text::bigint as version{columns}")
}

/// Reads the fields of a row, the first of which stands at `first`.
pub(super) fn read(table: &Table, row: &PgRow, first: usize) -> anyhow::Result<Row> {
    let id = match table.id {
        IdKind::ObjectId => Id::Text(row.try_get(first)?),
        IdKind::Sequence => Id::Integer(row.try_get(first)?),
    };
    let mut values = Vec::with_capacity(table.columns.len());
    for (at, column) in table.columns.iter().enumerate() {
        let value = value(column.kind, row, first + 2 + at)
            .with_context(|| format!("read {}.{}", table.name, column.name))?;
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(Row { id, version: row.try_get(first + 1)?, values })
}

fn value(kind: Kind, row: &PgRow, at: usize) -> sqlx::Result<Option<Value>> {
    Ok(match kind {
        Kind::Text => row.try_get::<Option<_>, _>(at)?.map(Value::Text),
        Kind::Integer => row.try_get::<Option<_>, _>(at)?.map(Value::Integer),
        Kind::Real => row.try_get::<Option<_>, _>(at)?.map(Value::Real),
        Kind::Boolean => row.try_get::<Option<_>, _>(at)?.map(Value::Boolean),
        Kind::Instant => row
            .try_get_unchecked::<Option<Instant>, _>(at)?
            .map(|instant| Value::Instant(instant.into())),
    })
}

/// Inserts any number of rows: one array for the ids, one for each column.
pub(super) fn insert(table: &Table) -> String {
    let (name, key) = (quoted(&table.name), quoted(&table.key));
    let columns: String =
        table.columns.iter().map(|column| format!(", {}", quoted(&column.name))).collect();
    let arrays: String = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| format!(", ${}::{}[]", at + 2, type_of(column.kind)))
        .collect();
    let id = type_of(table.id.kind());
    format!("insert into {name} ({key}{columns}) select * from unnest($1::{id}[]{arrays})")
}

/// Replaces the row with the id `$1`; the values follow, then the version if there is one.
pub(super) fn update(table: &Table, versioned: bool) -> String {
    let key = quoted(&table.key);
    let columns: Vec<String> = match table.columns.is_empty() {
        // A row without content is replaced by itself.
        true => vec![format!("{key} = {key}")],
        false => (2..)
            .zip(table.columns.iter())
            .map(|(place, column)| format!("{} = ${place}", quoted(&column.name)))
            .collect(),
    };
    let name = quoted(&table.name);
    let version = in_version(versioned, table.columns.len() + 2);
    format!("update {name} set {} where {key} = $1{version}", columns.join(", "))
}

/// Removes the row with the id `$1`, if there is a version only in version `$2`.
pub(super) fn delete(table: &Table, versioned: bool) -> String {
    let (name, key) = (quoted(&table.name), quoted(&table.key));
    format!("delete from {name} where {key} = $1{}", in_version(versioned, 2))
}

fn in_version(versioned: bool, place: usize) -> String {
    match versioned {
        true => format!(" and xmin = ${place}::text::xid"),
        false => String::new(),
    }
}

pub(super) fn bind_id<'q>(query: Bound<'q>, id: &Id) -> Bound<'q> {
    match id {
        Id::Text(text) => query.bind(text.clone()),
        Id::Integer(number) => query.bind(*number),
    }
}

/// Binds the values of [`insert`].
pub(super) fn bind_rows<'q>(
    query: Bound<'q>,
    table: &Table,
    rows: &[(&Id, &[Value])],
) -> Result<Bound<'q>, CommitError> {
    let ids: Vec<&Id> = rows.iter().map(|(id, _)| *id).collect();
    let mut query = bind_ids(query, table, &ids)?;
    for (at, column) in table.columns.iter().enumerate() {
        let values = rows.iter().filter_map(|(_, values)| values.get(at));
        query = bind_array(query, column.kind, &column.name, values)?;
    }
    Ok(query)
}

/// Binds the ids of several rows as one array.
fn bind_ids<'q>(query: Bound<'q>, table: &Table, ids: &[&Id]) -> Result<Bound<'q>, CommitError> {
    let ids: Vec<Value> = ids
        .iter()
        .map(|id| match id {
            Id::Text(text) => Value::Text(text.clone()),
            Id::Integer(number) => Value::Integer(*number),
        })
        .collect();
    bind_array(query, table.id.kind(), &table.key, ids.iter())
}

/// Binds the values of one column of several rows as one array.
fn bind_array<'q, 'v>(
    query: Bound<'q>,
    kind: Kind,
    column: &str,
    values: impl Iterator<Item = &'v Value>,
) -> Result<Bound<'q>, CommitError> {
    let checked = values.map(|value| check(kind, column, value));
    let values = checked.collect::<Result<Vec<&Value>, CommitError>>()?.into_iter();
    Ok(match kind {
        Kind::Text => query.bind(values.map(Value::text).collect::<Vec<Option<String>>>()),
        Kind::Integer => query.bind(values.map(Value::integer).collect::<Vec<Option<i64>>>()),
        Kind::Real => query.bind(values.map(Value::real).collect::<Vec<Option<f64>>>()),
        Kind::Boolean => query.bind(values.map(Value::boolean).collect::<Vec<Option<bool>>>()),
        Kind::Instant => query.bind(values.map(Value::instant).collect::<Vec<Option<Instant>>>()),
    })
}

/// Binds the values of one row.
pub(super) fn bind_values<'q>(
    mut query: Bound<'q>,
    table: &Table,
    values: &[Value],
) -> Result<Bound<'q>, CommitError> {
    for (column, value) in table.columns.iter().zip(values) {
        let value = check(column.kind, &column.name, value)?;
        query = match column.kind {
            Kind::Text => query.bind(value.text()),
            Kind::Integer => query.bind(value.integer()),
            Kind::Real => query.bind(value.real()),
            Kind::Boolean => query.bind(value.boolean()),
            Kind::Instant => query.bind(value.instant()),
        };
    }
    Ok(query)
}

/// A value that the column can take as far as we know; the server knows more.
fn check<'v>(kind: Kind, column: &str, value: &'v Value) -> Result<&'v Value, CommitError> {
    match value {
        Value::Text(text) if text.contains('\0') => Err(CommitError::Refused(format!(
            "{column} has the character U+0000 in it, which PostgreSQL cannot keep"
        ))),
        value if value.kind().is_some_and(|other| other != kind) => {
            Err(CommitError::Refused(format!("{column} is not of the kind {kind:?}")))
        }
        value => Ok(value),
    }
}

impl Value {
    fn text(&self) -> Option<String> {
        if let Value::Text(text) = self { Some(text.clone()) } else { None }
    }

    fn integer(&self) -> Option<i64> {
        if let Value::Integer(number) = self { Some(*number) } else { None }
    }

    fn real(&self) -> Option<f64> {
        if let Value::Real(number) = self { Some(*number) } else { None }
    }

    fn boolean(&self) -> Option<bool> {
        if let Value::Boolean(truth) = self { Some(*truth) } else { None }
    }

    fn instant(&self) -> Option<Instant> {
        if let Value::Instant(instant) = self { Some((*instant).into()) } else { None }
    }
}

impl IdKind {
    /// What kind of value the ids are.
    pub(super) fn kind(self) -> Kind {
        match self {
            IdKind::ObjectId => Kind::Text,
            IdKind::Sequence => Kind::Integer,
        }
    }
}

/// The type that we read and bind.
pub(super) fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "bigint",
        Kind::Real => "double precision",
        Kind::Boolean => "boolean",
        Kind::Instant => "timestamptz",
    }
}
