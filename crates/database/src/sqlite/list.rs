//! The rows of a page and their number, from one moment.

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Row as _, SqlitePool, sqlite::SqliteRow};

use super::{
    columns,
    filter::{Filter, order},
};
use crate::{Listing, Page, Table};

/// Lets SQLite select and count.
pub(super) async fn page(
    readers: &SqlitePool,
    table: &Table,
    page: &Page,
    filter: &Filter<'_>,
) -> anyhow::Result<Listing> {
    let select = format!(
        "{}{} order by {} limit ? offset ?",
        columns::select(table),
        filter.sql,
        order(table, page)?
    );
    let count = format!("select count(*) from {}{}", columns::quoted(&table.name), filter.sql);
    // One transaction, so that the rows and their number are of the same moment.
    let mut reading = readers.begin().await?;
    let rows: Vec<SqliteRow> =
        columns::bind_values(sqlx::query(AssertSqlSafe(select)), &filter.values)
            .bind(i64::from(page.limit))
            .bind(i64::try_from(page.offset).unwrap_or(i64::MAX))
            .fetch_all(&mut *reading)
            .await?;
    let total: i64 = columns::bind_values(sqlx::query(AssertSqlSafe(count)), &filter.values)
        .fetch_one(&mut *reading)
        .await?
        .try_get(0)?;
    reading.commit().await?;
    let rows = rows.iter().map(|row| columns::read(table, row)).collect::<anyhow::Result<_>>()?;
    Ok(Listing { rows, total: total.unsigned_abs() })
}

/// Looks at every row that SQLite selects, and keeps no more of them than the page has.
pub(super) async fn scan(
    readers: &SqlitePool,
    table: &Table,
    page: &Page,
    filter: &Filter<'_>,
) -> anyhow::Result<Listing> {
    let select =
        format!("{}{} order by {}", columns::select(table), filter.sql, order(table, page)?);
    let mut selected =
        columns::bind_values(sqlx::query(AssertSqlSafe(select)), &filter.values).fetch(readers);
    let (mut rows, mut total) = (Vec::new(), 0);
    let last = page.offset.saturating_add(u64::from(page.limit));
    while let Some(row) = selected.try_next().await? {
        let row = columns::read(table, &row)?;
        if !filter.selects(&row) {
            continue;
        }
        if (page.offset..last).contains(&total) {
            rows.push(row);
        }
        total += 1;
    }
    Ok(Listing { rows, total })
}
