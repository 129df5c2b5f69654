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
    /// Adds everything; false when something was in the way and nothing was added. What that was, only the statements one
    /// by one tell.
    pub(super) async fn make(&self, pool: &PgPool) -> Result<bool, Failed> {
        let query = sqlx::query(AssertSqlSafe(self.sql()));
        let query = outbox::bind_handled(query, self.handled);
        let query = outbox::bind_messages(query, self.messages)?;
        let query = columns::bind_rows(query, self.table, self.rows)?;
        let mut connection = pool.acquire().await.map_err(told)?;
        match query.fetch_one(&mut *connection).await {
            Ok(made) => Ok(made.try_get(0)?),
            Err(error @ sqlx::Error::Database(_)) if !is_broken(&error) => Ok(false),
            Err(error) => Err(CommitError::Unavailable(unknown(error)).into()),
        }
    }

    /// Counts what it has added, and divides by zero where that is less than there was: the statement is undone then.
    fn sql(&self) -> String {
        let messages = outbox::HANDLED_VALUES;
        let rows = messages + outbox::MESSAGE_VALUES;
        format!(
            "with handled as ({} returning 1),
            added as ({} returning 1),
            note as materialized ({}),
            sent as ({} returning 1)
            select 1 / (case when (select count(*) from handled) = {} and (select count(*) from added) = {}
                and (select count(*) from sent) = {} then 1 else 0 end) = 1",
            outbox::HANDLED,
            shifted(&columns::insert(self.table), rows),
            shifted(outbox::NOTE, messages),
            shifted(outbox::INSERT, messages),
            self.handled.len(),
            self.rows.len(),
            self.messages.len(),
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
