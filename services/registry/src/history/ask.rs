//! Questions about the past.

use anyhow::Context;
use database::{Direction, Listing, Page, Sort, Test, Value};
use jiff::{Timestamp, civil, tz::Offset};

use super::{
    Event, History, Kind,
    table::{APP, AT, KIND, Kept, TABLE, UNTIL, condition},
};

/// The most that one answer tells.
const MOST: u32 = 1000;

/// A stretch of time, from the first moment on until before the second, and perhaps one application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    /// In upper case; empty for all.
    pub(crate) app: String,
}

/// Reads a time: `2026-11-29T14:03:00Z`, `2026-11-29T14:03` or `14:03` of the day of `now`, the latter two in UTC.
pub(crate) fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let utc = |time: civil::DateTime| Offset::UTC.to_timestamp(time).ok();
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    if let Ok(time) = text.parse::<civil::DateTime>() {
        return utc(time);
    }
    let today = Offset::UTC.to_datetime(now).date();
    utc(civil::DateTime::from_parts(today, text.parse().ok()?))
}

impl History {
    /// Who was registered at a moment, at most 1000, in order of application and id; and how many there were.
    pub(crate) async fn registered_at(&self, at: Timestamp) -> anyhow::Result<(Vec<Event>, u64)> {
        let filter = vec![
            condition(AT, Test::AtMost(Value::Instant(at))),
            condition(UNTIL, Test::Greater(Value::Instant(at))),
        ];
        let sort = vec![
            Sort { column: Some(APP), direction: Direction::Ascending },
            Sort { column: Some(APP + 1), direction: Direction::Ascending },
        ];
        self.events(Page { offset: 0, limit: MOST, sort, filter }).await
    }

    /// What happened, the newest first, at most 1000; and how much it was.
    pub(crate) async fn happened(&self, period: &Period) -> anyhow::Result<(Vec<Event>, u64)> {
        let mut filter = Vec::new();
        filter.extend(period.from.map(|from| condition(AT, Test::AtLeast(Value::Instant(from)))));
        filter.extend(period.to.map(|to| condition(AT, Test::Less(Value::Instant(to)))));
        if !period.app.is_empty() {
            filter.push(condition(APP, Test::OneOf(vec![Value::from(period.app.as_str())])));
        }
        self.events(Page { offset: 0, limit: MOST, sort: newest_first(), filter }).await
    }

    /// The last thousand events of these kinds, the newest first.
    pub(crate) async fn last(&self, kinds: &[Kind]) -> anyhow::Result<Vec<Event>> {
        let names = kinds.iter().map(|kind| Value::from(kind.name())).collect();
        let filter = vec![condition(KIND, Test::OneOf(names))];
        Ok(self.events(Page { offset: 0, limit: MOST, sort: newest_first(), filter }).await?.0)
    }

    async fn events(&self, page: Page) -> anyhow::Result<(Vec<Event>, u64)> {
        let Listing { rows, total } =
            self.database.list(&TABLE, &page).await.context("read the history")?;
        let events = rows.into_iter().map(|row| Ok(Kept::from_row(row)?.event));
        Ok((events.collect::<anyhow::Result<_>>()?, total))
    }
}

fn newest_first() -> Vec<Sort> {
    vec![
        Sort { column: Some(AT), direction: Direction::Descending },
        Sort { column: None, direction: Direction::Descending },
    ]
}
