//! The way to a database that is ready: a connection, the tables, what the server can do.

use std::time::Duration;

use anyhow::{Context, anyhow};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tracing::warn;

use super::{ChangeLog, PostgresSettings, changelog, columns::quoted, failure::is_passing, schema};
use crate::Table;

/// The advisory lock of whoever prepares the tables.
const PREPARING: [i32; 2] = [0x6d69_6c66, 0];
/// How long we wait for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// As Hikari does: a connection that was used a moment ago is not asked whether it still works.
const IDLE_UNASKED: Duration = Duration::from_millis(500);
/// Hikari's `idleTimeout`.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// Hikari's `maxLifetime`.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Collations that may know upper and lower case of all letters, best first.
const FOLDING: [&str; 6] =
    ["und-x-icu", "pg_c_utf8", "C.UTF-8", "C.utf8", "en_US.utf8", "en_US.UTF-8"];

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// It does not get better by itself.
    #[error("the database cannot be used: {0:#}")]
    Permanent(anyhow::Error),
    /// It may work later.
    #[error("the database is unavailable: {0:#}")]
    Unavailable(anyhow::Error),
}

impl From<anyhow::Error> for ConnectError {
    fn from(error: anyhow::Error) -> Self {
        match error.chain().find_map(|cause| cause.downcast_ref::<sqlx::Error>()) {
            Some(cause) if is_passing(cause) => ConnectError::Unavailable(error),
            _ => ConnectError::Permanent(error),
        }
    }
}

/// Makes a database ready, one process at a time; answers which collation knows upper and lower case.
pub(super) async fn prepare(
    settings: &PostgresSettings,
    tables: &[Table],
    changelog: &ChangeLog,
) -> Result<String, ConnectError> {
    let options = settings.options().disable_statement_logging();
    let mut connection = open(settings, &options).await?;
    // Change sets may take their time, and somebody else's too.
    sqlx::raw_sql(
        "set statement_timeout = '10min'; set idle_in_transaction_session_timeout = '1min'; set lock_timeout = '5s'",
    )
    .execute(&mut connection)
    .await
    .context("set time-outs")?;
    sqlx::query("select pg_advisory_lock($1, $2)")
        .bind(PREPARING[0])
        .bind(PREPARING[1])
        .execute(&mut connection)
        .await
        .context("wait for another process that prepares the tables")?;
    changelog::run(&mut connection, changelog).await?;
    schema::prepare(&mut connection, tables).await?;
    let folding = folding(&mut connection).await?;
    connection.close().await.context("close a connection")?;
    Ok(folding)
}

/// A pool that connects when somebody asks for a connection.
pub(super) fn pool(settings: &PostgresSettings) -> PgPool {
    PgPoolOptions::new()
        .max_connections(settings.connections.max(1))
        .acquire_timeout(PATIENCE)
        .idle_timeout(IDLE)
        .max_lifetime(LIFETIME)
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for >= IDLE_UNASKED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_release(|connection, _| Box::pin(answers(connection)))
        .connect_lazy_with(settings.options().disable_statement_logging())
}

/// Whether a connection that is given back still answers. The pool asks that, too, but as long as it takes: of one that a
/// network has forgotten it would learn it from the operating system after a quarter of an hour, and have no other for it.
async fn answers(connection: &mut PgConnection) -> sqlx::Result<bool> {
    match tokio::time::timeout(PATIENCE, connection.ping()).await {
        Ok(answer) => answer.map(|()| true),
        // It is closed without a word: who does not listen cannot be told.
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// A pool for one connection that is kept for ever.
pub(super) fn for_one(settings: &PostgresSettings) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(settings.options().disable_statement_logging())
}

async fn open(
    settings: &PostgresSettings,
    options: &PgConnectOptions,
) -> Result<PgConnection, ConnectError> {
    match tokio::time::timeout(PATIENCE, options.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(cause)) => Err(anyhow::Error::from(cause)
            .context(format!("connect to {}", settings.address()))
            .into()),
        Err(_) => Err(ConnectError::Unavailable(anyhow!(
            "{} does not answer within {PATIENCE:?}",
            settings.address()
        ))),
    }
}

/// The first collation in which capital letters beyond ASCII have small ones.
async fn folding(connection: &mut PgConnection) -> anyhow::Result<String> {
    let known: Vec<String> = sqlx::query_scalar(
        "select collname::text from pg_collation where collname::text = any($1) \
         and collencoding in (-1, (select encoding from pg_database where datname = current_database()))",
    )
    .bind(FOLDING.map(str::to_owned).to_vec())
    .fetch_all(&mut *connection)
    .await
    .context("ask for collations")?;
    let candidates = FOLDING.iter().filter(|name| known.iter().any(|other| other == *name));
    for name in ["default"].iter().chain(candidates) {
        let collation = quoted(name);
        let folds: bool = sqlx::query_scalar(AssertSqlSafe(format!(
            "select lower('ÜЖ' collate {collation}) = 'üж'"
        )))
        .fetch_one(&mut *connection)
        .await
        .with_context(|| format!("try collation {name}"))?;
        if folds {
            return Ok(collation);
        }
    }
    warn!(
        "the database has no collation that knows letters beyond ASCII: filters tell their cases apart"
    );
    Ok(quoted("default"))
}
