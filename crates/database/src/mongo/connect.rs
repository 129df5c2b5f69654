//! The way to a database that is ready: a client, the collections and their indexes, what the server can do.

use std::{future::IntoFuture, time::Duration};

use anyhow::{Context, anyhow};
use mongodb::{
    Client, Database, IndexModel,
    bson::{Document, doc},
    options::{Acknowledgment, ClientOptions, DatabaseOptions, IndexOptions, WriteConcern},
};
use tokio::time::timeout;

use super::{
    document::PENDING,
    failure::{code, explained},
    inbox, journal,
    outbox::{self, ENTRY},
};
use crate::{ConnectError, Table};

/// How long the first answer may take.
const ANSWER: Duration = Duration::from_secs(6);
/// How long indexes may take, once a server answers: in a large collection minutes, the first time.
const INDEXES: Duration = Duration::from_secs(5 * 60);
/// How long the server waits for most servers of its set.
const MAJORITY: Duration = Duration::from_secs(8);

/// A database of a server, with two ways to write to it.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Writes are acknowledged when they are on disk on most servers.
    pub(super) durable: Database,
    /// Writes are acknowledged when they are made: for what can be lost, or is followed by a durable write.
    pub(super) quick: Database,
    pub(super) transactions: bool,
    /// Whether all rows are on the same servers.
    pub(super) is_replica_set: bool,
}

/// Connects, and makes sure of the collections and their indexes.
pub(super) async fn open(
    options: ClientOptions,
    name: &str,
    tables: &[Table],
) -> Result<Connection, ConnectError> {
    let client = Client::with_options(options)
        .map_err(|error| ConnectError::Permanent(explained(&error)))?;
    let with = |concern| {
        let options = DatabaseOptions::builder().write_concern(concern).build();
        client.database_with_options(name, options)
    };
    let most = WriteConcern::builder()
        .w(Acknowledgment::Majority)
        .journal(true)
        .w_timeout(MAJORITY)
        .build();
    let durable = with(most);
    let quick = with(WriteConcern::builder().w(Acknowledgment::Nodes(1)).build());
    let hello = within(ANSWER, quick.run_command(doc! { "hello": 1 }).into_future()).await?;
    within(INDEXES, prepare(&quick, tables)).await?;
    let is_replica_set = hello.contains_key("setName");
    let transactions = is_replica_set || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
    Ok(Connection { client, durable, quick, transactions, is_replica_set })
}

/// Waits for an answer, but not for ever.
async fn within<T>(
    patience: Duration,
    question: impl Future<Output = mongodb::error::Result<T>>,
) -> Result<T, ConnectError> {
    match timeout(patience, question).await {
        Ok(answer) => answer.map_err(|error| refused(&error)),
        Err(_) => Err(ConnectError::Unavailable(anyhow!("no answer within {patience:?}"))),
    }
}

/// Makes collections and indexes that are missing; those that are there stay as they are.
async fn prepare(database: &Database, tables: &[Table]) -> mongodb::error::Result<()> {
    let waiting = format!("{PENDING}.{ENTRY}");
    for collection in tables
        .iter()
        .map(|table| table.name.as_ref())
        .chain([inbox::COLLECTION, journal::COLLECTION])
    {
        index(database, collection, doc! { &waiting: 1 }, Kind::Sparse).await?;
    }
    index(database, inbox::COLLECTION, doc! { inbox::HANDLED: 1 }, Kind::Plain).await?;
    let redo = format!("{}.collection", journal::REDO);
    index(database, inbox::COLLECTION, doc! { redo: 1 }, Kind::Sparse).await?;
    index(database, outbox::COLLECTION, doc! { "channel": 1, "_id": 1 }, Kind::Plain).await?;
    index(database, outbox::COLLECTION, doc! { ENTRY: 1 }, Kind::Unique).await
}

/// What an index is like.
pub(super) enum Kind {
    Plain,
    /// Documents without the field are not in it.
    Sparse,
    Unique,
}

/// Makes an index, and its collection, unless they are there.
pub(super) async fn index(
    database: &Database,
    collection: &str,
    keys: Document,
    kind: Kind,
) -> mongodb::error::Result<()> {
    let options = match kind {
        Kind::Plain => None,
        Kind::Sparse => Some(IndexOptions::builder().sparse(true).build()),
        Kind::Unique => Some(IndexOptions::builder().unique(true).build()),
    };
    let model = IndexModel::builder().keys(keys).options(options).build();
    database.collection::<Document>(collection).create_index(model).await.map(drop)
}

/// Why a database could not be made ready.
pub(super) fn refused(error: &mongodb::error::Error) -> ConnectError {
    let cause = explained(error);
    match code(error) {
        // An index of the same name that is another one: somebody has to decide.
        Some(85 | 86) => ConnectError::Permanent(cause.context("make the indexes")),
        _ => ConnectError::Unavailable(cause),
    }
}

/// The version of the server.
pub(super) async fn version(database: &Database) -> anyhow::Result<String> {
    let answer = database.run_command(doc! { "buildInfo": 1 }).await;
    let answer = answer.map_err(|error| explained(&error)).context("ask MongoDB")?;
    Ok(answer.get_str("version").context("MongoDB has no version")?.to_owned())
}
