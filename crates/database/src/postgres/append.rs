//! A commit that adds and changes nothing, which is what recording a message is: one statement, so that the database is
//! waited for once instead of five times.

use sqlx::{AssertSqlSafe, PgPool, Row as _};

use super::{
    apply::unknown,
    columns,
    failure::{Failed, is_broken, told},
    outbox,
};
use crate::{CommitError, Id, Message, Table, Value};

/// What is added.
pub(super) struct Addition<'c> {
    /// Ids for the inbox.
    pub(super) handled: &'c [(String, String)],
    pub(super) table: &'c Table,
    pub(super) rows: &'c [(&'c Id, &'c [Value])],
    /// Messages for the outbox.
    pub(super) messages: &'c [Message],
}

impl Addition<'_> {
    /// Adds everything, and answers the positions of the messages; nothing when something was in the way and nothing was
    /// added. What that was, only the statements one by one tell.
    pub(super) async fn make(&self, pool: &PgPool) -> Result<Option<Vec<i64>>, Failed> {
        let query = sqlx::query(AssertSqlSafe(self.sql()));
        let query = outbox::bind_handled(query, self.handled);
        let query = outbox::bind_messages(query, self.messages)?;
        let query = columns::bind_rows(query, self.table, self.rows)?;
        let mut connection = pool.acquire().await.map_err(told)?;
        let added = query.fetch_one(&mut *connection).await;
        match added.and_then(|row| row.try_get::<Option<Vec<i64>>, _>(0)) {
            Ok(positions) => Ok(Some(positions.unwrap_or_default())),
            Err(error @ sqlx::Error::Database(_)) if !is_broken(&error) => Ok(None),
            Err(error) => Err(CommitError::Unavailable(unknown(error)).into()),
        }
    }

    /// Counts what it has added, and divides by zero where that is less than there was: the statement is undone then. The
    /// text depends on the table alone, so that the server need not be told it anew for each number of rows.
    fn sql(&self) -> String {
        // The first of the arrays of each part: how many there are to add.
        let messages = outbox::HANDLED_VALUES;
        let rows = messages + outbox::MESSAGE_VALUES;
        let (handled, added, sent) = (1, rows + 1, messages + 2);
        format!(
            "with handled as ({} returning 1),
            added as ({} returning 1),
            note as materialized ({}),
            sent as ({} returning position)
            select (select array_agg(position order by position) from sent),
                1 / (case when (select count(*) from handled) = cardinality(${handled})
                    and (select count(*) from added) = cardinality(${added})
                    and (select count(*) from sent) = cardinality(${sent}) then 1 else 0 end)",
            outbox::HANDLED,
            shifted(&columns::insert(self.table), rows),
            shifted(outbox::NOTE, messages),
            shifted(outbox::INSERT, messages),
        )
    }
}

/// A statement whose first value is not `$1` but `$1` and as many more.
fn shifted(sql: &str, by: usize) -> String {
    let mut parts = sql.split('$');
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        match number.parse::<usize>() {
            Ok(number) => all.push_str(&format!("${}{rest}", number + by)),
            Err(_) => all.push_str(&format!("${part}")),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_a_statement_can_stand_behind_others() {
        assert_eq!(shifted("a", 3), "a");
        assert_eq!(shifted("$1::text[], $12) $$ '$'", 3), "$4::text[], $15) $$ '$'");
    }
}
