//! Blocks of numbers by the rule of Hibernate's pooled optimizer: a sequence that goes in steps of a block's size gives the
//! last number of each block (contract §3.3).

use anyhow::ensure;
use sqlx::{AssertSqlSafe, PgPool};

use super::{columns::quoted, failure::code};

/// The last number of the next block and the size of blocks; nothing when there is no such sequence.
pub(super) async fn next(pool: &PgPool, sequence: &str) -> sqlx::Result<Option<(i64, i64)>> {
    let next = sqlx::query_as(
        "select nextval(seqrelid::regclass), seqincrement from pg_sequence where seqrelid = to_regclass($1)",
    );
    next.bind(quoted(sequence)).fetch_optional(pool).await
}

/// Makes a sequence, the first block of which begins with `start`.
pub(super) async fn create(
    pool: &PgPool,
    sequence: &str,
    start: i64,
    count: i64,
) -> sqlx::Result<()> {
    let sql = format!(
        "create sequence if not exists {} start with {} increment by {count}",
        quoted(sequence),
        start.saturating_add(count - 1)
    );
    match sqlx::query(AssertSqlSafe(sql)).execute(pool).await {
        // Somebody else has made it in this moment.
        Err(error) if code(&error).as_deref() == Some("23505") => Ok(()),
        created => created.map(drop),
    }
}

/// The first number of a block that ends with `last`.
pub(super) fn first(
    sequence: &str,
    (last, increment): (i64, i64),
    count: i64,
) -> anyhow::Result<i64> {
    ensure!(
        increment >= count,
        "{sequence} goes in steps of {increment}, which are no blocks of {count}"
    );
    Ok(last - (increment - 1))
}
