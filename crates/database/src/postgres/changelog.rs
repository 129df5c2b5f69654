//! Change sets as Liquibase keeps them, so that a Java service finds done what we did, and we what it did.
//!
//! Liquibase notes each change set in the table `databasechangelog`, and that it is at work in the one row of
//! `databasechangeloglock`. We hold that row locked inside one transaction instead: a Java service waits for it, and
//! nothing is left behind when we die. (Liquibase 4.15, standard lock and history services.)

use std::borrow::Cow;

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _, postgres::PgRow};
use tracing::{info, warn};

use super::{ConnectError, instant::Instant};

/// The version of Liquibase whose tables and checksums these are.
const LIQUIBASE: &str = "4.15.0";

/// What makes the tables of a service, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeLog {
    /// The change sets that apply here; each is run once.
    pub change_sets: Cow<'static, [ChangeSet]>,
}

/// One step of a change log. Author, id and file together name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// Its id.
    pub id: Cow<'static, str>,
    /// Who wrote it.
    pub author: Cow<'static, str>,
    /// The file of the Java service that it stands in, as Liquibase notes it.
    pub file: Cow<'static, str>,
    /// Liquibase's checksum of it.
    pub checksum: Cow<'static, str>,
    /// Liquibase's description of what it does.
    pub description: Cow<'static, str>,
    /// The contexts in which Liquibase runs it; empty means all.
    pub contexts: Cow<'static, str>,
    /// What it does: statements, separated by semicolons.
    pub sql: Cow<'static, str>,
}

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

/// Runs what was not run yet, all of it or nothing.
pub(super) async fn run(
    connection: &mut PgConnection,
    changelog: &ChangeLog,
) -> Result<(), ConnectError> {
    if changelog.change_sets.is_empty() {
        return Ok(());
    }
    prepare(connection).await?;
    // As Liquibase does: a lock that somebody has left behind disturbs nobody while there is nothing to do.
    if missing(changelog, &executed(connection).await?).is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin().await.context("begin a transaction")?;
    lock(&mut transaction).await?;
    let done = executed(&mut transaction).await?;
    let deployment: String = sqlx::query_scalar(
        "select right((extract(epoch from clock_timestamp()) * 1000)::bigint::text, 10)",
    )
    .fetch_one(&mut *transaction)
    .await
    .context("ask for the time")?;
    let last = done.iter().map(|set| set.order_executed).max().unwrap_or(0);
    for (order, set) in (last + 1..).zip(missing(changelog, &done)) {
        let name = set.name();
        sqlx::raw_sql(AssertSqlSafe(set.sql.to_string()))
            .execute(&mut *transaction)
            .await
            .with_context(|| format!("run change set {name}"))?;
        note(&mut transaction, set, order, &deployment)
            .await
            .with_context(|| format!("note that change set {name} was run"))?;
        info!("ran change set {name}");
    }
    transaction.commit().await.context("commit the change sets")?;
    Ok(())
}

/// All change sets that were run, in order; none in a database that has no such table.
pub(super) async fn executed(connection: &mut PgConnection) -> anyhow::Result<Vec<Executed>> {
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

/// Makes Liquibase's tables as Liquibase makes them.
async fn prepare(connection: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::raw_sql(
        "set client_min_messages = warning;
         create table if not exists databasechangeloglock (
             id integer not null,
             locked boolean not null,
             lockgranted timestamp without time zone,
             lockedby varchar(255),
             constraint databasechangeloglock_pkey primary key (id)
         );
         insert into databasechangeloglock (id, locked) values (1, false) on conflict do nothing;
         create table if not exists databasechangelog (
             id varchar(255) not null,
             author varchar(255) not null,
             filename varchar(255) not null,
             dateexecuted timestamp without time zone not null,
             orderexecuted integer not null,
             exectype varchar(10) not null,
             md5sum varchar(35),
             description varchar(255),
             comments varchar(255),
             tag varchar(255),
             liquibase varchar(20),
             contexts varchar(255),
             labels varchar(255),
             deployment_id varchar(10)
         )",
    )
    .execute(connection)
    .await
    .context("create the tables of the change log")?;
    Ok(())
}

/// Holds the row by which Liquibase tells that it is at work.
async fn lock(connection: &mut PgConnection) -> Result<(), ConnectError> {
    let row = sqlx::query(
        "select locked, coalesce(lockedby, 'somebody'), coalesce(lockgranted::text, 'an unknown time'), \
             coalesce(lockgranted < localtimestamp - interval '10 minutes', true) \
         from databasechangeloglock where id = 1 for update",
    )
    .fetch_one(connection)
    .await
    .context("wait for the lock of the change log")?;
    let (locked, by): (bool, String) = (field(&row, 0)?, field(&row, 1)?);
    let (since, stale): (String, bool) = (field(&row, 2)?, field(&row, 3)?);
    let advice = match stale {
        true => {
            "; if that process is dead, remove its lock: \
             update databasechangeloglock set locked = false, lockgranted = null, lockedby = null where id = 1"
        }
        false => "",
    };
    match locked {
        false => Ok(()),
        true => Err(ConnectError::Unavailable(anyhow!(
            "{by} holds the lock of the change log since {since}{advice}"
        ))),
    }
}

fn field<'r, T>(row: &'r PgRow, at: usize) -> anyhow::Result<T>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(at).context("read the lock of the change log")
}

async fn note(
    connection: &mut PgConnection,
    set: &ChangeSet,
    order: i32,
    deployment: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into databasechangelog (id, author, filename, dateexecuted, orderexecuted, exectype, md5sum, \
             description, comments, liquibase, contexts, deployment_id) \
         values ($1, $2, $3, clock_timestamp(), $4, 'EXECUTED', $5, $6, '', $7, nullif($8, ''), $9)",
    )
    .bind(set.id.to_string())
    .bind(set.author.to_string())
    .bind(set.file.to_string())
    .bind(order)
    .bind(set.checksum.to_string())
    .bind(set.description.to_string())
    .bind(LIQUIBASE)
    .bind(set.contexts.to_string())
    .bind(deployment)
    .execute(connection)
    .await
    .map(drop)
}

/// The change sets that were not run yet. Warns of those that were another one when they were.
fn missing<'c>(changelog: &'c ChangeLog, executed: &[Executed]) -> Vec<&'c ChangeSet> {
    let sets = changelog.change_sets.iter();
    sets.filter(|set| {
        let Some(done) = executed.iter().find(|done| set.is(done)) else { return true };
        if set.differs_from(done) {
            warn!(
                "change set {} was run with checksum {}, here it is {}: the tables may differ",
                set.name(),
                done.checksum.as_deref().unwrap_or_default(),
                set.checksum
            );
        }
        false
    })
    .collect()
}

impl ChangeSet {
    fn name(&self) -> String {
        format!("{}::{}::{}", self.file, self.id, self.author)
    }

    fn is(&self, done: &Executed) -> bool {
        self.id == done.id
            && self.author == done.author
            && plain(&self.file) == plain(&done.change_log)
    }

    /// Checksums of different versions (what stands before the colon) cannot be compared; a cleared one is to be ignored.
    fn differs_from(&self, done: &Executed) -> bool {
        let version =
            |checksum: &str| checksum.split_once(':').map(|(version, _)| version.to_owned());
        done.checksum.as_deref().is_some_and(|checksum| {
            version(checksum) == version(&self.checksum) && checksum != self.checksum
        })
    }
}

/// A file's name without what Liquibase ignores.
fn plain(file: &str) -> &str {
    file.strip_prefix("classpath:").unwrap_or(file).trim_start_matches('/')
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

#[cfg(test)]
mod tests {
    use super::*;

    fn done(file: &str, checksum: Option<&str>) -> Executed {
        Executed {
            author: "ann".to_owned(),
            change_log: file.to_owned(),
            comments: String::new(),
            contexts: Vec::new(),
            date_executed: "2026-11-24T01:46:51.391455Z".parse().unwrap(),
            deployment_id: None,
            description: String::new(),
            exec_type: "EXECUTED".to_owned(),
            id: "1".to_owned(),
            labels: Vec::new(),
            checksum: checksum.map(str::to_owned),
            order_executed: 1,
            tag: None,
        }
    }

    const SET: ChangeSet = ChangeSet {
        id: Cow::Borrowed("1"),
        author: Cow::Borrowed("ann"),
        file: Cow::Borrowed("changes/books.xml"),
        checksum: Cow::Borrowed("8:aa"),
        description: Cow::Borrowed(""),
        contexts: Cow::Borrowed(""),
        sql: Cow::Borrowed(""),
    };

    #[test]
    fn knows_a_change_set_by_author_id_and_file() {
        for (file, known) in [
            ("changes/books.xml", true),
            ("classpath:changes/books.xml", true),
            ("classpath:/changes/books.xml", true),
            ("books.xml", false),
        ] {
            assert_eq!(SET.is(&done(file, None)), known, "{file}");
        }
        let other = |author: &str, id: &str| Executed {
            author: author.to_owned(),
            id: id.to_owned(),
            ..done("changes/books.xml", None)
        };
        assert!(!SET.is(&other("bob", "1")) && !SET.is(&other("ann", "2")));
    }

    #[test]
    fn compares_checksums_of_one_version_only() {
        for (checksum, differs) in
            [(Some("8:aa"), false), (Some("8:bb"), true), (Some("9:cc"), false), (None, false)]
        {
            assert_eq!(SET.differs_from(&done("", checksum)), differs, "{checksum:?}");
        }
    }

    #[test]
    fn writes_a_change_set_as_spring_does() {
        let mut set = done("changes/books.xml", Some("8:aa"));
        set.contexts = vec!["prod".to_owned()];
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(
            json,
            "{\"author\":\"ann\",\"changeLog\":\"changes/books.xml\",\"comments\":\"\",\"contexts\":[\"prod\"],\
             \"dateExecuted\":\"2026-11-24T01:46:51.391Z\",\"deploymentId\":null,\"description\":\"\",\
             \"execType\":\"EXECUTED\",\"id\":\"1\",\"labels\":[],\"checksum\":\"8:aa\",\"orderExecuted\":1,\"tag\":null}"
        );
        set.date_executed = "2026-11-24T01:46:51.000455Z".parse().unwrap();
        assert!(serde_json::to_string(&set).unwrap().contains("\"2026-11-24T01:46:51Z\""));
    }
}
