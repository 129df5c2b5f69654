//! A commit: the fewest statements that do it, in one transaction, again when somebody was in the way.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::{
    append::Addition,
    columns,
    failure::{Failed, is_undone, told},
    outbox,
};
use crate::{Changes, CommitError, Id, Message, Table, Value, Write};

/// How often a commit is tried that others are in the way of.
const TRIES: u32 = 5;
/// How long a commit waits before its second try; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(10);

/// The advisory lock of whoever commits again after others were in the way.
const TURN: [i32; 2] = [0x6d69_6c66, 1];

/// A statement of a commit.
enum Step<'c> {
    Handled(&'c [(String, String)]),
    Insert(&'c Table, Vec<(&'c Id, &'c [Value])>),
    Update(&'c Table, &'c Id, Option<i64>, &'c [Value]),
    Delete(&'c Table, &'c Id, Option<i64>),
    Send(&'c [Message]),
}

/// Makes all changes or none; answers the positions of the messages, in their order, when the server has told them.
pub(super) async fn commit(
    pool: &PgPool,
    changes: &Changes,
) -> Result<Option<Vec<i64>>, CommitError> {
    let steps = steps(changes)?;
    let (mut pause, mut undone) = (PAUSE, false);
    for tried in 1.. {
        let done = match &steps[..] {
            [] => Ok(None),
            [step] => alone(pool, step).await.map(|()| None),
            steps if tried == 1 => at_once(pool, steps).await,
            steps => together(pool, steps, undone).await.map(|()| None),
        };
        match done {
            Err(Failed::Again(cause)) if tried < TRIES => undone = is_undone(&cause),
            Err(Failed::Again(cause)) => return Err(CommitError::Unavailable(cause.into())),
            Err(Failed::Told(error)) => return Err(error),
            Ok(positions) => return Ok(positions),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Ok(None)
}

/// Runs statements as one where that can be, and in one transaction where it cannot or something was in the way.
async fn at_once(pool: &PgPool, steps: &[Step<'_>]) -> Result<Option<Vec<i64>>, Failed> {
    if let Some(addition) = addition(steps)
        && let Some(positions) = addition.make(pool).await?
    {
        return Ok(Some(positions));
    }
    together(pool, steps, false).await.map(|()| None)
}

/// The steps as one statement, when they add rows of one table and do nothing else but note what is handled and sent.
fn addition<'c>(steps: &'c [Step<'c>]) -> Option<Addition<'c>> {
    let (handled, rest): (&[_], _) = match steps {
        [Step::Handled(handled), rest @ ..] => (handled, rest),
        rest => (&[], rest),
    };
    match rest {
        [Step::Insert(table, rows)] => Some(Addition { handled, table, rows, messages: &[] }),
        [Step::Insert(table, rows), Step::Send(messages)] => {
            Some(Addition { handled, table, rows, messages })
        }
        _ => None,
    }
}

/// Runs a statement that is a transaction by itself: when the connection goes, nobody knows what became of it.
async fn alone(pool: &PgPool, step: &Step<'_>) -> Result<(), Failed> {
    let mut connection = pool.acquire().await.map_err(told)?;
    run(&mut connection, step).await.map_err(|failed| match failed {
        Failed::Again(cause) if !is_undone(&cause) => {
            CommitError::Unavailable(unknown(cause)).into()
        }
        failed => failed,
    })
}

/// Runs statements in one transaction. Those that others were in the way of do it one after the other, or they would
/// meet in the same place again.
async fn together(pool: &PgPool, steps: &[Step<'_>], undone: bool) -> Result<(), Failed> {
    let mut transaction = pool.begin().await?;
    let made = async {
        if undone {
            let turn = sqlx::query("select pg_advisory_xact_lock($1, $2)");
            turn.bind(TURN[0]).bind(TURN[1]).execute(&mut *transaction).await?;
        }
        for step in steps {
            run(&mut transaction, step).await?;
        }
        Ok(())
    };
    if let Err(failed) = made.await {
        // The server rolls back by itself when this cannot tell it to.
        let _ = transaction.rollback().await;
        return Err(failed);
    }
    transaction.commit().await.map_err(|error| match is_undone(&error) {
        true => Failed::Again(error),
        false => match told(error) {
            CommitError::Unavailable(cause) => CommitError::Unavailable(unknown(cause)).into(),
            error => error.into(),
        },
    })
}

pub(super) fn unknown(cause: impl Into<anyhow::Error>) -> anyhow::Error {
    cause.into().context("PostgreSQL did not say whether it has made a commit")
}

/// The inbox first, so that what was handled before costs no more than that; the outbox last, so that the rows are
/// locked when positions are taken.
fn steps(changes: &Changes) -> Result<Vec<Step<'_>>, CommitError> {
    let mut steps = Vec::with_capacity(changes.writes.len() + 2);
    if !changes.handled.is_empty() {
        steps.push(Step::Handled(&changes.handled));
    }
    for write in &changes.writes {
        let step = match write {
            Write::Insert { table, id, values } => {
                full(table, values)?;
                if let Some(Step::Insert(last, rows)) = steps.last_mut()
                    && *last == table
                {
                    rows.push((id, values));
                    continue;
                }
                Step::Insert(table, vec![(id, values)])
            }
            Write::Replace { table, id, version, values } => {
                full(table, values)?;
                Step::Update(table, id, Some(*version), values)
            }
            Write::Overwrite { table, id, values } => {
                full(table, values)?;
                Step::Update(table, id, None, values)
            }
            Write::Delete { table, id, version } => Step::Delete(table, id, *version),
        };
        steps.push(step);
    }
    if !changes.outgoing.is_empty() {
        steps.push(Step::Send(&changes.outgoing));
    }
    Ok(steps)
}

fn full(table: &Table, values: &[Value]) -> Result<(), CommitError> {
    let (expected, found) = (table.columns.len(), values.len());
    match expected == found {
        true => Ok(()),
        false => Err(CommitError::Refused(format!(
            "a row of {} has {expected} values, not {found}",
            table.name
        ))),
    }
}

async fn run(connection: &mut PgConnection, step: &Step<'_>) -> Result<(), Failed> {
    let done = match step {
        Step::Handled(messages) => match outbox::handled(connection, messages).await? {
            true => true,
            false => return Err(CommitError::AlreadyHandled.into()),
        },
        Step::Insert(table, rows) => insert(connection, table, rows).await?,
        Step::Update(table, id, version, values) => {
            update(connection, table, id, *version, values).await?
        }
        Step::Delete(table, id, version) => {
            delete(connection, table, id, *version).await? || version.is_none()
        }
        Step::Send(messages) => {
            outbox::send(connection, messages).await?.rows_affected() == messages.len() as u64
        }
    };
    if done { Ok(()) } else { Err(CommitError::Conflict.into()) }
}

async fn insert(
    connection: &mut PgConnection,
    table: &Table,
    rows: &[(&Id, &[Value])],
) -> Result<bool, Failed> {
    let query = sqlx::query(AssertSqlSafe(columns::insert(table)));
    let query = columns::bind_rows(query, table, rows)?;
    Ok(query.execute(connection).await?.rows_affected() == rows.len() as u64)
}

async fn update(
    connection: &mut PgConnection,
    table: &Table,
    id: &Id,
    version: Option<i64>,
    values: &[Value],
) -> Result<bool, Failed> {
    if !can_be_there(id) {
        return Ok(false);
    }
    let sql = columns::update(table, version.is_some());
    let query = columns::bind_id(sqlx::query(AssertSqlSafe(sql)), id);
    let mut query = columns::bind_values(query, table, values)?;
    if let Some(version) = version {
        query = query.bind(transaction(version)?);
    }
    Ok(query.execute(connection).await?.rows_affected() == 1)
}

async fn delete(
    connection: &mut PgConnection,
    table: &Table,
    id: &Id,
    version: Option<i64>,
) -> Result<bool, Failed> {
    if !can_be_there(id) {
        return Ok(false);
    }
    let sql = columns::delete(table, version.is_some());
    let mut query = columns::bind_id(sqlx::query(AssertSqlSafe(sql)), id);
    if let Some(version) = version {
        query = query.bind(transaction(version)?);
    }
    Ok(query.execute(connection).await?.rows_affected() == 1)
}

/// The transaction that a version names. PostgreSQL's numbers have 32 bits; no row is in another version.
fn transaction(version: i64) -> Result<String, CommitError> {
    u32::try_from(version).map(|number| number.to_string()).map_err(|_| CommitError::Conflict)
}

/// Whether PostgreSQL could keep a row under this id.
pub(super) fn can_be_there(id: &Id) -> bool {
    !matches!(id, Id::Text(text) if text.contains('\0'))
}
