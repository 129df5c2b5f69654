//! The tables of a database file: created when missing, widened when an entity has new columns.

use anyhow::Context;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::columns::quoted;
use crate::{IdKind, Kind, Table};

/// Outbox and inbox. `autoincrement` never gives a position twice, so that a relay may remember where it was.
const OWN: &str = "
create table if not exists outbox (
    position integer primary key autoincrement,
    channel text not null,
    id text not null,
    topic text not null,
    key text,
    headers text not null,
    payload blob not null,
    created text not null
);
create index if not exists outbox_by_channel on outbox (channel, position);
create table if not exists inbox (
    consumer text not null,
    message text not null,
    handled integer not null default (unixepoch()),
    primary key (consumer, message)
) without rowid;
create index if not exists inbox_by_time on inbox (handled);
create table if not exists sequence (name text primary key, next integer not null) without rowid;
";

pub(super) async fn prepare(
    connection: &mut SqliteConnection,
    tables: &[Table],
) -> anyhow::Result<()> {
    sqlx::raw_sql(OWN).execute(&mut *connection).await.context("create the outbox")?;
    for table in tables {
        prepare_table(connection, table)
            .await
            .with_context(|| format!("create table {}", table.name))?;
    }
    Ok(())
}

async fn prepare_table(connection: &mut SqliteConnection, table: &Table) -> anyhow::Result<()> {
    let name = quoted(&table.name);
    let create = format!(
        "create table if not exists {name} ({} {}, version integer not null default 1)",
        quoted(&table.key),
        table.id.sql()
    );
    sqlx::query(AssertSqlSafe(create)).execute(&mut *connection).await?;
    let existing: Vec<String> = sqlx::query_scalar("select name from pragma_table_info(?1)")
        .bind(table.name.as_ref())
        .fetch_all(&mut *connection)
        .await?;
    for column in
        table.columns.iter().filter(|column| !existing.iter().any(|name| *name == column.name))
    {
        let add =
            format!("alter table {name} add column {} {}", quoted(&column.name), column.kind.sql());
        sqlx::query(AssertSqlSafe(add)).execute(&mut *connection).await?;
    }
    Ok(())
}

impl IdKind {
    fn sql(self) -> &'static str {
        match self {
            IdKind::ObjectId => "text primary key not null",
            IdKind::Sequence => "integer primary key not null",
        }
    }
}

impl Kind {
    fn sql(self) -> &'static str {
        match self {
            Kind::Text | Kind::Instant => "text",
            Kind::Integer | Kind::Boolean => "integer",
            Kind::Real => "real",
        }
    }
}
