//! Our own tables: created when missing. What others have made is looked at, and never changed.

use anyhow::{Context, anyhow};
use sqlx::{AssertSqlSafe, PgConnection};
use tracing::info;

use super::{
    ConnectError,
    columns::{quoted, type_of},
};
use crate::{IdKind, Table};

/// Marks a table as ours.
const MARK: &str = "kept by milena";

/// The columns have the names of Debezium's outbox convention; what stands in them is described in `outbox.rs`.
const OUTBOX: &str = "
create table outbox (
    position bigserial primary key,
    channel text collate \"C\" not null,
    id text not null,
    aggregatetype text not null,
    aggregateid text,
    type text,
    payload bytea not null,
    headers json not null,
    created timestamptz not null
);
create index outbox_by_channel on outbox (channel, position);
";

const INBOX: &str = "
create table inbox (
    consumer text collate \"C\" not null,
    message text collate \"C\" not null,
    handled timestamptz not null default now(),
    primary key (consumer, message)
);
create index inbox_by_time on inbox (handled);
";

const LEASES: &str = "
create table outbox_lease (
    channel text collate \"C\" primary key,
    holder text not null,
    lease bigint not null,
    until timestamptz not null
);
";

/// Creates what is missing, in whatever schema the connection creates tables in.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    tables: &[Table],
) -> Result<(), ConnectError> {
    let outbox = "position channel id aggregatetype aggregateid type payload headers created";
    for (name, sql, needed) in [
        ("outbox", OUTBOX, outbox),
        ("inbox", INBOX, "consumer message handled"),
        ("outbox_lease", LEASES, "channel holder lease until"),
    ] {
        match columns(connection, name).await? {
            None => create(connection, name, sql).await?,
            Some(existing) => {
                if let Some(lacking) =
                    needed.split(' ').find(|column| !existing.iter().any(|name| name == column))
                {
                    return Err(ConnectError::Permanent(anyhow!(
                        "there is a table {name} without a column {lacking}, so it is another program's; \
                         use another schema (currentSchema in the database's address)"
                    )));
                }
            }
        }
    }
    for table in tables {
        prepare_table(connection, table).await?;
    }
    Ok(())
}

async fn prepare_table(connection: &mut PgConnection, table: &Table) -> Result<(), ConnectError> {
    let (name, key) = (quoted(&table.name), quoted(&table.key));
    let Some(existing) = columns(connection, &table.name).await? else {
        let columns: String = table
            .columns
            .iter()
            .map(|column| format!(", {} {}", quoted(&column.name), type_of(column.kind)))
            .collect();
        let id = match table.id {
            IdKind::ObjectId => "text collate \"C\"",
            IdKind::Sequence => "bigint",
        };
        let sql = format!("create table {name} ({key} {id} primary key{columns})");
        return create(connection, &table.name, &sql).await;
    };
    for (column, kind) in table
        .columns
        .iter()
        .map(|column| (&column.name, column.kind))
        .chain([(&table.key, table.id.kind())])
    {
        if existing.iter().any(|name| *name == **column) {
            continue;
        }
        let foreign = || {
            ConnectError::Permanent(anyhow!(
                "table {} has no column {column}, and only a change set may add one",
                table.name
            ))
        };
        if *column == table.key || !is_ours(connection, &table.name).await? {
            return Err(foreign());
        }
        let sql = format!("alter table {name} add column {} {}", quoted(column), type_of(kind));
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .with_context(|| format!("add column {column} to table {}", table.name))?;
        info!("added column {column} to table {}", table.name);
    }
    Ok(())
}

async fn create(connection: &mut PgConnection, name: &str, sql: &str) -> Result<(), ConnectError> {
    // Several statements that are sent at once are one transaction.
    let sql = format!("{sql}; comment on table {} is '{MARK}'", quoted(name));
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .with_context(|| format!("create table {name}"))?;
    info!("created table {name}");
    Ok(())
}

/// The columns of a table; nothing when there is no such table.
async fn columns(
    connection: &mut PgConnection,
    table: &str,
) -> anyhow::Result<Option<Vec<String>>> {
    let columns: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_attribute \
         where attrelid = to_regclass($1) and attnum > 0 and not attisdropped",
    )
    .bind(quoted(table))
    .fetch_all(connection)
    .await
    .with_context(|| format!("look at table {table}"))?;
    Ok(Some(columns).filter(|columns| !columns.is_empty()))
}

async fn is_ours(connection: &mut PgConnection, table: &str) -> anyhow::Result<bool> {
    let mark: Option<String> =
        sqlx::query_scalar("select obj_description(to_regclass($1), 'pg_class')")
            .bind(quoted(table))
            .fetch_one(connection)
            .await
            .with_context(|| format!("look at table {table}"))?;
    Ok(mark.as_deref() == Some(MARK))
}
