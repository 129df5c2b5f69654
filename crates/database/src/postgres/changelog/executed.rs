//! What Liquibase's table says was run.

use anyhow::Context;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use crate::postgres::instant::Instant;

/// A change set that was run, as Spring's `liquibase` endpoint shows it (contract §8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Executed {
    /// Who wrote it.
    pub author: String,
    /// The file that it stands in.
    pub change_log: String,
    /// What its author said of it.
    pub comments: String,
    /// The contexts in which it is run.
    pub contexts: Vec<String>,
    /// When it was run.
    #[serde(serialize_with = "milliseconds")]
    pub date_executed: Timestamp,
    /// The run of Liquibase that ran it.
    pub deployment_id: Option<String>,
    /// What it does.
    pub description: String,
    /// How it was run, mostly `EXECUTED`.
    pub exec_type: String,
    /// Its id.
    pub id: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its checksum when it was run.
    pub checksum: Option<String>,
    /// The how manieth it was.
    pub order_executed: i32,
    /// The tag of the database after it.
    pub tag: Option<String>,
}

/// All change sets that were run, in order; none in a database that has no such table.
pub(in crate::postgres) async fn executed(
    connection: &mut PgConnection,
) -> anyhow::Result<Vec<Executed>> {
    let there: bool = sqlx::query_scalar("select to_regclass('databasechangelog') is not null")
        .fetch_one(&mut *connection)
        .await
        .context("look for the change log")?;
    if !there {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "select author, filename, coalesce(comments, '') as comments, coalesce(contexts, '') as contexts, \
             dateexecuted::timestamptz as dateexecuted, deployment_id, coalesce(description, '') as description, \
             exectype, id, coalesce(labels, '') as labels, md5sum, orderexecuted, tag \
         from databasechangelog order by orderexecuted, dateexecuted",
    )
    .fetch_all(connection)
    .await
    .context("read the change log")?;
    rows.iter().map(|row| read(row).context("read the change log")).collect()
}

fn read(row: &PgRow) -> sqlx::Result<Executed> {
    let list = |text: String| {
        text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
    };
    let date: Instant = row.try_get_unchecked("dateexecuted")?;
    Ok(Executed {
        author: row.try_get("author")?,
        change_log: row.try_get("filename")?,
        comments: row.try_get("comments")?,
        contexts: list(row.try_get("contexts")?),
        date_executed: date.into(),
        deployment_id: row.try_get("deployment_id")?,
        description: row.try_get("description")?,
        exec_type: row.try_get("exectype")?,
        id: row.try_get("id")?,
        labels: list(row.try_get("labels")?),
        checksum: row.try_get("md5sum")?,
        order_executed: row.try_get("orderexecuted")?,
        tag: row.try_get("tag")?,
    })
}

/// Writes an instant as Java does that was a `java.util.Date` before: three digits, or none.
fn milliseconds<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    let milliseconds = instant.as_nanosecond().div_euclid(1_000_000) * 1_000_000;
    let instant = Timestamp::from_nanosecond(milliseconds).map_err(serde::ser::Error::custom)?;
    match instant.subsec_nanosecond() {
        0 => serializer.collect_str(&format_args!("{instant:.0}")),
        _ => serializer.collect_str(&format_args!("{instant:.3}")),
    }
}
