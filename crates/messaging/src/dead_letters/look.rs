//! Looks at dead letters.

use database::{Condition, DatabaseRef, Direction, Id, Page, Row, Sort, Test, Value};

use super::{DeadLetter, TABLE, letter};

const CHANNEL: usize = 0;
const REASON: usize = 5;
const LAST: usize = 8;
/// How many reasons or channels are told of at most.
const GROUPS: usize = 200;

/// Which dead letters somebody wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Those of this reason.
    pub reason: Option<String>,
    /// Those of this channel.
    pub channel: Option<String>,
    /// How many to pass over.
    pub offset: u64,
    /// How many to read at most.
    pub limit: u32,
}

/// A reason, and how many dead letters have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The reason in words.
    pub reason: String,
    /// How many letters have it.
    pub count: u64,
}

/// Reads dead letters, the latest first, and how many there are.
///
/// # Errors
/// When the database does not answer, or a row is none of ours.
pub async fn list(database: &DatabaseRef, query: &Query) -> anyhow::Result<(Vec<DeadLetter>, u64)> {
    let mut filter = Vec::new();
    if let Some(channel) = &query.channel {
        filter.push(condition(CHANNEL, Test::OneOf(vec![channel.as_str().into()])));
    }
    if let Some(reason) = &query.reason {
        filter.push(condition(REASON, Test::OneOf(vec![reason.as_str().into()])));
    }
    let sort = vec![Sort { column: Some(LAST), direction: Direction::Descending }];
    let page = Page { offset: query.offset, limit: query.limit, sort, filter };
    let listing = database.list(&TABLE, &page).await?;
    let letters = listing.rows.iter().map(letter).collect::<anyhow::Result<_>>()?;
    Ok((letters, listing.total))
}

/// Counts dead letters by their reasons, in the order of these; 200 reasons at most.
///
/// # Errors
/// When the database does not answer.
pub async fn reasons(database: &DatabaseRef) -> anyhow::Result<Vec<Reason>> {
    let groups = groups(database, REASON).await?.into_iter();
    Ok(groups.map(|(reason, count)| Reason { reason, count }).collect())
}

/// Counts dead letters by their channels, in the order of these; 200 channels at most.
///
/// # Errors
/// When the database does not answer.
pub async fn channels(database: &DatabaseRef) -> anyhow::Result<Vec<(String, u64)>> {
    groups(database, CHANNEL).await
}

/// The values of a column, and how many letters have each: steps from one value to the next, so that no more is read than
/// there are values.
async fn groups(database: &DatabaseRef, column: usize) -> anyhow::Result<Vec<(String, u64)>> {
    let mut groups: Vec<(String, u64)> = Vec::new();
    loop {
        let after = groups.last().map(|(value, _)| Value::Text(value.clone()));
        let filter = after.map(|after| condition(column, Test::Greater(after)));
        let sort = vec![Sort { column: Some(column), direction: Direction::Ascending }];
        let limit = if groups.len() < GROUPS { 1 } else { 0 };
        let page = Page { offset: 0, limit, sort, filter: filter.into_iter().collect() };
        let next = database.list(&TABLE, &page).await?;
        if let Some((_, count)) = groups.last_mut() {
            *count = count.saturating_sub(next.total);
        }
        let Some(Value::Text(value)) = next.rows.first().and_then(|row| row.values.get(column))
        else {
            return Ok(groups);
        };
        // Those that come after it are taken off with the next step.
        groups.push((value.clone(), next.total));
    }
}

/// Reads a dead letter.
///
/// # Errors
/// When the database does not answer, or the row is none of ours.
pub async fn find(database: &DatabaseRef, id: &str) -> anyhow::Result<Option<DeadLetter>> {
    row(database, id).await?.as_ref().map(letter).transpose()
}

pub(super) async fn row(database: &DatabaseRef, id: &str) -> anyhow::Result<Option<Row>> {
    database.get(&TABLE, &Id::Text(id.to_owned())).await
}

fn condition(column: usize, test: Test) -> Condition {
    Condition { column: Some(column), test }
}
