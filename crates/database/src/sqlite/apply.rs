//! What a commit does, statement by statement.

use anyhow::Context;
use jiff::Timestamp;
use sqlx::{
    AssertSqlSafe, Row as _, SqliteConnection,
    sqlite::{SqliteQueryResult, SqliteRow},
};

use super::columns;
use crate::{Changes, CommitError, Id, Message, Table, Value, Write};

/// Does all of it, or answers why the transaction must not be committed.
pub(super) async fn changes(
    connection: &mut SqliteConnection,
    changes: Changes,
) -> Result<(), CommitError> {
    for (consumer, message) in &changes.handled {
        let insert = sqlx::query(
            "insert into inbox (consumer, message) values (?1, ?2) on conflict do nothing",
        );
        let inserted = insert.bind(consumer).bind(message).execute(&mut *connection).await?;
        if inserted.rows_affected() == 0 {
            return Err(CommitError::AlreadyHandled);
        }
    }
    for write in changes.writes {
        apply_write(connection, write).await?;
    }
    for message in changes.outgoing {
        let headers = serde_json::to_string(&message.headers)
            .map_err(|error| CommitError::Unavailable(error.into()))?;
        sqlx::query(
            "insert into outbox (channel, id, topic, key, headers, payload, created) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(message.channel)
        .bind(message.id)
        .bind(message.topic)
        .bind(message.key)
        .bind(headers)
        .bind(message.payload)
        .bind(columns::instant_text(message.created))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn apply_write(connection: &mut SqliteConnection, write: Write) -> Result<(), CommitError> {
    let affected = match write {
        Write::Insert { table, id, values } => {
            let query = columns::bind_id(sqlx::query(AssertSqlSafe(columns::insert(&table))), &id);
            columns::bind_values(query, &values).execute(connection).await
        }
        Write::Replace { table, id, version, values } => {
            replace(connection, &table, &id, Some(version), &values).await
        }
        Write::Overwrite { table, id, values } => {
            replace(connection, &table, &id, None, &values).await
        }
        Write::Delete { table, id, version } => {
            let sql = AssertSqlSafe(columns::delete(&table));
            let query = columns::bind_id(sqlx::query(sql), &id).bind(version);
            let deleted = query.execute(connection).await;
            if version.is_none() {
                return deleted.map(drop).map_err(CommitError::from);
            }
            deleted
        }
    };
    match affected {
        Ok(result) if result.rows_affected() == 1 => Ok(()),
        Ok(_) => Err(CommitError::Conflict),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            Err(CommitError::Conflict)
        }
        Err(error) => Err(error.into()),
    }
}

/// Removes up to a thousand ids from the inbox; returns how many.
pub(super) async fn forget_handled(
    connection: &mut SqliteConnection,
    before: Timestamp,
) -> anyhow::Result<u64> {
    let delete = sqlx::query(
        "delete from inbox where (consumer, message) in (
            select consumer, message from inbox where handled < ?1 order by handled limit 1000
        )",
    );
    let removed =
        delete.bind(before.as_second()).execute(connection).await.context("clean the inbox")?;
    Ok(removed.rows_affected())
}

async fn replace(
    connection: &mut SqliteConnection,
    table: &Table,
    id: &Id,
    version: Option<i64>,
    values: &[Value],
) -> sqlx::Result<SqliteQueryResult> {
    let sql = AssertSqlSafe(columns::replace(table));
    let query = columns::bind_id(sqlx::query(sql), id).bind(version);
    columns::bind_values(query, values).execute(connection).await
}

/// Reads a message of the outbox and its position.
pub(super) fn message(row: &SqliteRow) -> anyhow::Result<(i64, Message)> {
    let headers: String = row.try_get("headers")?;
    let created: String = row.try_get("created")?;
    let message = Message {
        id: row.try_get("id")?,
        channel: row.try_get("channel")?,
        topic: row.try_get("topic")?,
        key: row.try_get("key")?,
        headers: serde_json::from_str(&headers).context("read the headers of a message")?,
        payload: row.try_get("payload")?,
        created: created.parse().context("read the time of a message")?,
    };
    Ok((row.try_get("position")?, message))
}
