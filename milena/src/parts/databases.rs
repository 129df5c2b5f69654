//! The databases of services: waited for until they answer, or seeded where nobody else does it.

use std::sync::Arc;

use anyhow::Context;
use database::{
    ChangeUnit, Changes, CommitError, ConnectError, DatabaseRef, Id, Mongo, MongoSettings,
    Postgres, PostgresSettings, Table, Write,
};
use tracing::info;

use crate::patience::{Trouble, until_it_works};

/// MongoDB, once it answers.
pub(super) async fn mongodb(
    settings: &MongoSettings,
    tables: &[Table],
    units: &[ChangeUnit],
) -> anyhow::Result<Arc<Mongo>> {
    let what = format!("MongoDB at {}", settings.address());
    let connect = async || Mongo::connect(settings, tables, units).await.map_err(trouble);
    let mongo = until_it_works(&what, connect).await?;
    if !mongo.has_transactions() {
        info!(
            "{what} is stand-alone: docs/reliability.md says what to mind while a Java service writes there too"
        );
    }
    Ok(mongo)
}

/// PostgreSQL with the tables of the alert service, once it answers.
pub(super) async fn postgresql(
    settings: &PostgresSettings,
    tables: &[Table],
) -> anyhow::Result<Arc<Postgres>> {
    let what = format!("PostgreSQL at {}", settings.address());
    let connect = async || {
        let connected = Postgres::connect(settings, tables, &alert::changelog::CHANGE_LOG).await;
        connected.map_err(trouble)
    };
    until_it_works(&what, connect).await
}

/// Makes the documents of change units in a database that keeps no account of them.
pub(super) async fn seed(
    database: &DatabaseRef,
    tables: &[Table],
    units: &[ChangeUnit],
) -> anyhow::Result<()> {
    for document in units.iter().flat_map(|unit| &unit.documents) {
        let table = tables.iter().find(|table| table.name == document.collection);
        let table = table.with_context(|| format!("find the table {}", document.collection))?;
        let id = Id::Text(document.id.to_string());
        let write = Write::Insert { table: table.clone(), id, values: Vec::new() };
        match database.commit(Changes::new().write(write)).await {
            // It is there already.
            Ok(()) | Err(CommitError::Conflict) => {}
            Err(error) => return Err(error).context(format!("make {}", document.id)),
        }
    }
    Ok(())
}

fn trouble(error: ConnectError) -> Trouble {
    match error {
        ConnectError::Permanent(cause) => Trouble::Never(cause),
        ConnectError::Unavailable(cause) => Trouble::Later(cause),
    }
}
