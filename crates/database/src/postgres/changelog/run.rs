//! Runs change sets.
//!
//! Liquibase notes each change set in the table `databasechangelog`, and that it is at work in the one row of
//! `databasechangeloglock`. We hold that row locked inside one transaction instead: a Java service waits for it, and
//! nothing is left behind when we die. (Liquibase 4.15, standard lock and history services.)

use anyhow::{Context, anyhow};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _, postgres::PgRow};
use tracing::{info, warn};

use super::{ChangeLog, ChangeSet, Executed, executed};
use crate::postgres::ConnectError;

/// The version of Liquibase whose tables and checksums these are.
const LIQUIBASE: &str = "4.15.0";

/// Runs what was not run yet, all of it or nothing.
pub(in crate::postgres) async fn run(
    connection: &mut PgConnection,
    changelog: &ChangeLog,
) -> Result<(), ConnectError> {
    if changelog.change_sets.is_empty() {
        return Ok(());
    }
    prepare(connection).await?;
    // As Liquibase does: a lock that somebody has left behind disturbs nobody while there is nothing to do.
    if missing(changelog, &executed(connection).await?).is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin().await.context("begin a transaction")?;
    lock(&mut transaction).await?;
    let done = executed(&mut transaction).await?;
    let deployment: String = sqlx::query_scalar(
        "select right((extract(epoch from clock_timestamp()) * 1000)::bigint::text, 10)",
    )
    .fetch_one(&mut *transaction)
    .await
    .context("ask for the time")?;
    let last = done.iter().map(|set| set.order_executed).max().unwrap_or(0);
    for (order, set) in (last + 1..).zip(missing(changelog, &done)) {
        let name = set.name();
        sqlx::raw_sql(AssertSqlSafe(set.sql.to_string()))
            .execute(&mut *transaction)
            .await
            .with_context(|| format!("run change set {name}"))?;
        note(&mut transaction, set, order, &deployment)
            .await
            .with_context(|| format!("note that change set {name} was run"))?;
        info!("ran change set {name}");
    }
    transaction.commit().await.context("commit the change sets")?;
    Ok(())
}

/// Makes Liquibase's tables as Liquibase makes them.
async fn prepare(connection: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::raw_sql(
        "set client_min_messages = warning;
         create table if not exists databasechangeloglock (
             id integer not null,
             locked boolean not null,
             lockgranted timestamp without time zone,
             lockedby varchar(255),
             constraint databasechangeloglock_pkey primary key (id)
         );
         insert into databasechangeloglock (id, locked) values (1, false) on conflict do nothing;
         create table if not exists databasechangelog (
             id varchar(255) not null,
             author varchar(255) not null,
             filename varchar(255) not null,
             dateexecuted timestamp without time zone not null,
             orderexecuted integer not null,
             exectype varchar(10) not null,
             md5sum varchar(35),
             description varchar(255),
             comments varchar(255),
             tag varchar(255),
             liquibase varchar(20),
             contexts varchar(255),
             labels varchar(255),
             deployment_id varchar(10)
         )",
    )
    .execute(connection)
    .await
    .context("create the tables of the change log")?;
    Ok(())
}

/// Holds the row by which Liquibase tells that it is at work.
async fn lock(connection: &mut PgConnection) -> Result<(), ConnectError> {
    let row = sqlx::query(
        "select locked, coalesce(lockedby, 'somebody'), coalesce(lockgranted::text, 'an unknown time'), \
             coalesce(lockgranted < localtimestamp - interval '10 minutes', true) \
         from databasechangeloglock where id = 1 for update",
    )
    .fetch_one(connection)
    .await
    .context("wait for the lock of the change log")?;
    let (locked, by): (bool, String) = (field(&row, 0)?, field(&row, 1)?);
    let (since, stale): (String, bool) = (field(&row, 2)?, field(&row, 3)?);
    let advice = match stale {
        true => {
            "; if that process is dead, remove its lock: \
             update databasechangeloglock set locked = false, lockgranted = null, lockedby = null where id = 1"
        }
        false => "",
    };
    match locked {
        false => Ok(()),
        true => Err(ConnectError::Unavailable(anyhow!(
            "{by} holds the lock of the change log since {since}{advice}"
        ))),
    }
}

fn field<'r, T>(row: &'r PgRow, at: usize) -> anyhow::Result<T>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(at).context("read the lock of the change log")
}

async fn note(
    connection: &mut PgConnection,
    set: &ChangeSet,
    order: i32,
    deployment: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into databasechangelog (id, author, filename, dateexecuted, orderexecuted, exectype, md5sum, \
             description, comments, liquibase, contexts, deployment_id) \
         values ($1, $2, $3, clock_timestamp(), $4, 'EXECUTED', $5, $6, '', $7, nullif($8, ''), $9)",
    )
    .bind(set.id.to_string())
    .bind(set.author.to_string())
    .bind(set.file.to_string())
    .bind(order)
    .bind(set.checksum.to_string())
    .bind(set.description.to_string())
    .bind(LIQUIBASE)
    .bind(set.contexts.to_string())
    .bind(deployment)
    .execute(connection)
    .await
    .map(drop)
}

/// The change sets that were not run yet. Warns of those that were another one when they were.
fn missing<'c>(changelog: &'c ChangeLog, executed: &[Executed]) -> Vec<&'c ChangeSet> {
    let sets = changelog.change_sets.iter();
    sets.filter(|set| {
        let Some(done) = executed.iter().find(|done| set.is(done)) else { return true };
        if set.differs_from(done) {
            warn!(
                "change set {} was run with checksum {}, here it is {}: the tables may differ",
                set.name(),
                done.checksum.as_deref().unwrap_or_default(),
                set.checksum
            );
        }
        false
    })
    .collect()
}
