//! Messages that wait, and ids of messages that were handled.
//!
//! Positions come from a sequence, so that of two commits that change the same row the later one has the greater
//! position: the row is changed first, and stays locked. But commits of different rows may become visible in another
//! order than their positions, and a reader who goes on from the greatest position that he has seen would never see the
//! smaller ones. Therefore a commit, before it takes positions, notes the greatest one of that moment in a shared
//! advisory lock, which goes away by itself when the commit is over; a reader does not look past the smallest note.

use anyhow::Context;
use jiff::Timestamp;
use sqlx::{
    AssertSqlSafe, PgConnection, PgPool, Row as _,
    postgres::{PgQueryResult, PgRow},
};

use super::{columns::Bound, instant::Instant};
use crate::{CommitError, Header, Message};

/// How many bytes of payloads are read from the outbox at a time, one message at least.
const BATCH_BYTES: i64 = 8 * 1024 * 1024;
/// The class of the advisory locks in which commits note positions; other programs in the same database have other ones.
const NOTES: i32 = 0x6d69_6c65;
/// The header whose value stands in the column `type`, where readers of Debezium's outbox convention look for it.
const TYPE_HEADER: &str = "ce_type";
/// How many values [`NOTE`] and [`INSERT`] take together, and [`HANDLED`].
pub(super) const MESSAGE_VALUES: usize = 9;
pub(super) const HANDLED_VALUES: usize = 2;
/// How many ids are removed from the inbox at a time, so that nobody waits long for a place between two.
const FORGET: i64 = 5_000;

/// The last position given, and the one up to which all that was given is decided. Reads the sequence first: who comes
/// after that takes greater positions.
const DECIDED: &str = "
select least(given.last, (
        select min(given.last - ((given.last - note.objid::bigint) & 4294967295))
        from pg_locks note
        where note.locktype = 'advisory' and note.classid::bigint = $1 and note.objsubid = 2 and note.granted
            and note.database = (select oid from pg_database where datname = current_database())
            and ((given.last - note.objid::bigint) & 4294967295) < 2147483648
    )), given.last
from (select last_value - case when is_called then 0 else 1 end as last from outbox_position_seq) given";

/// Notes the greatest position of this moment; [`INSERT`] stands after it, with the name `note`.
pub(super) const NOTE: &str = "
select pg_advisory_xact_lock_shared($1, (last_value - case when is_called then 0 else 1 end)::bit(32)::integer)
from outbox_position_seq";

pub(super) const INSERT: &str = "
insert into outbox (channel, id, aggregatetype, aggregateid, type, payload, headers, created)
select m.channel, m.id, m.topic, m.key, m.type, m.payload, m.headers::json, m.created
from note, unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::timestamptz[])
    with ordinality as m (channel, id, topic, key, type, payload, headers, created, place)
order by m.place";

// Rows are compared as pairs, so that of the two indexes only the one by channel can have them in order: through the other
// one, messages that wait in another channel would all be read.
const UNSENT: &str = "
select position, id, aggregatetype, aggregateid, payload, headers, created
from (
    select *, sum(octet_length(payload)) over (order by position) - octet_length(payload) as bytes_before
    from (
        select position, id, aggregatetype, aggregateid, payload, headers::text as headers, created
        from outbox where (channel, position) > ($1, $2) and (channel, position) <= ($1, $3)
        order by channel, position limit $4
    ) waiting
) waiting
where bytes_before < $5 order by position";

// To forget a message late only sends it again, which every destination bears: no need to wait for the disk.
const SENT: &str = "
with lazy as materialized (select set_config('synchronous_commit', 'off', true)),
held as materialized (select 1 from outbox_lease where channel = $1 and lease = $3),
removed as (delete from outbox using lazy, held where channel = $1 and position = any($2))
select exists (select from held)";

// An id from outside may be longer than an index takes.
pub(super) const HANDLED: &str = "
insert into inbox (consumer, message)
select handled.consumer, case when octet_length(handled.message) <= 500 then handled.message
    else 'sha256:' || encode(sha256(convert_to(handled.message, 'UTF8')), 'hex') end
from unnest($1::text[], $2::text[]) as handled (consumer, message)
order by 1, 2
on conflict do nothing";

const FORGET_HANDLED: &str = "
with lazy as materialized (select set_config('synchronous_commit', 'off', true))
delete from inbox using lazy
where inbox.ctid = any(array(select ctid from inbox where handled < $1 order by handled limit $2))";

/// Puts messages into the outbox, in order.
pub(super) async fn send(
    connection: &mut PgConnection,
    messages: &[Message],
) -> Result<PgQueryResult, SendError> {
    let sql = format!("with note as materialized ({NOTE}) {INSERT}");
    let query = bind_messages(sqlx::query(AssertSqlSafe(sql)), messages)?;
    query.execute(connection).await.map_err(SendError::Server)
}

/// Binds the values of [`NOTE`] and [`INSERT`].
pub(super) fn bind_messages<'q>(
    query: Bound<'q>,
    messages: &[Message],
) -> Result<Bound<'q>, SendError> {
    fn all<T>(messages: &[Message], part: impl Fn(&Message) -> T) -> Vec<T> {
        messages.iter().map(part).collect()
    }
    let headers = messages.iter().map(|message| serde_json::to_string(&message.headers));
    let headers = headers.collect::<Result<Vec<_>, _>>().map_err(SendError::Headers)?;
    Ok(query
        .bind(NOTES)
        .bind(all(messages, |message| escaped(&message.channel)))
        .bind(all(messages, |message| escaped(&message.id)))
        .bind(all(messages, |message| escaped(&message.topic)))
        .bind(all(messages, |message| message.key.as_deref().map(escaped)))
        .bind(all(messages, |message| type_of(&message.headers)))
        .bind(all(messages, |message| message.payload.clone()))
        .bind(headers)
        // Whoever writes to a topic gives his records their times: no time may keep a message from being kept.
        .bind(all(messages, |message| Instant::to_compare(message.created))))
}

/// Why messages were not put into the outbox.
pub(super) enum SendError {
    /// Their headers cannot be written down.
    Headers(serde_json::Error),
    /// The server did not do it.
    Server(sqlx::Error),
}

/// Notes that messages were handled, in the order of their ids, so that two who note the same ones cannot wait for one
/// another; false when one of them was handled before.
pub(super) async fn handled(
    connection: &mut PgConnection,
    messages: &[(String, String)],
) -> sqlx::Result<bool> {
    let insert = bind_handled(sqlx::query(HANDLED), messages);
    Ok(insert.execute(connection).await?.rows_affected() == messages.len() as u64)
}

/// Binds the values of [`HANDLED`].
pub(super) fn bind_handled<'q>(query: Bound<'q>, messages: &[(String, String)]) -> Bound<'q> {
    let consumers: Vec<String> = messages.iter().map(|(consumer, _)| escaped(consumer)).collect();
    let ids: Vec<String> = messages.iter().map(|(_, message)| escaped(message)).collect();
    query.bind(consumers).bind(ids)
}

/// Up to where an outbox is decided, and the last position given.
pub(super) async fn decided(pool: &PgPool) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query(DECIDED).bind(i64::from(NOTES)).fetch_one(pool).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Reads messages of a channel after a position, up to another.
pub(super) async fn unsent(
    pool: &PgPool,
    channel: &str,
    (after, decided): (i64, i64),
    limit: u32,
) -> sqlx::Result<Vec<PgRow>> {
    sqlx::query(UNSENT)
        .bind(escaped(channel))
        .bind(after)
        .bind(decided)
        .bind(i64::from(limit))
        .bind(BATCH_BYTES)
        .fetch_all(pool)
        .await
}

/// Whether nothing was left out of what was read.
pub(super) fn are_all(messages: &[(i64, Message)], limit: u32) -> bool {
    let bytes: usize = messages.iter().map(|(_, message)| message.payload.len()).sum();
    let is_room = i64::try_from(bytes).is_ok_and(|bytes| bytes < BATCH_BYTES);
    is_room && messages.len() < usize::try_from(limit).unwrap_or(usize::MAX)
}

/// How many messages each channel has.
pub(super) async fn waiting(pool: &PgPool) -> sqlx::Result<Vec<(String, u64)>> {
    let count = sqlx::query_as("select channel, count(*) from outbox group by channel");
    let counts: Vec<(String, i64)> = count.fetch_all(pool).await?;
    let read = |(channel, count): (String, i64)| (unescaped(channel), count.unsigned_abs());
    Ok(counts.into_iter().map(read).collect())
}

/// Removes messages; false when the lease is somebody else's.
pub(super) async fn sent(
    pool: &PgPool,
    channel: &str,
    positions: &[i64],
    lease: i64,
) -> sqlx::Result<bool> {
    let delete = sqlx::query_scalar(SENT).bind(escaped(channel));
    delete.bind(positions).bind(lease).fetch_one(pool).await
}

/// Removes some ids from the inbox; returns how many, and whether there may be more.
pub(super) async fn forget_handled(pool: &PgPool, before: Timestamp) -> sqlx::Result<(u64, bool)> {
    let delete = sqlx::query(FORGET_HANDLED).bind(Instant::to_compare(before)).bind(FORGET);
    let removed = delete.execute(pool).await?.rows_affected();
    Ok((removed, removed >= FORGET.unsigned_abs()))
}

/// Reads a message and its position.
pub(super) fn message(row: &PgRow, channel: &str) -> anyhow::Result<(i64, Message)> {
    let headers: String = row.try_get("headers")?;
    let created: Instant = row.try_get_unchecked("created")?;
    let message = Message {
        id: unescaped(row.try_get("id")?),
        channel: channel.to_owned(),
        topic: unescaped(row.try_get("aggregatetype")?),
        key: row.try_get::<Option<String>, _>("aggregateid")?.map(unescaped),
        headers: serde_json::from_str(&headers).context("read the headers of a message")?,
        payload: row.try_get("payload")?,
        created: created.into(),
    };
    Ok((row.try_get("position")?, message))
}

fn type_of(headers: &[Header]) -> Option<String> {
    let header = headers.iter().find(|header| header.name == TYPE_HEADER)?;
    std::str::from_utf8(&header.value).ok().map(escaped)
}

/// A text from outside as PostgreSQL can keep it: U+0000 becomes `\0`, a backslash two of them.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\0', "\\0")
}

pub(super) fn unescaped(text: String) -> String {
    if !text.contains('\\') {
        return text;
    }
    let mut characters = text.chars();
    let mut unescaped = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        let next = if character == '\\' { characters.next() } else { Some(character) };
        unescaped.push(match (character, next) {
            ('\\', Some('0')) => '\0',
            (_, next) => next.unwrap_or('\\'),
        });
    }
    unescaped
}

impl From<SendError> for super::failure::Failed {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Headers(cause) => CommitError::Refused(cause.to_string()).into(),
            SendError::Server(cause) => cause.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_texts_that_postgresql_cannot() {
        for (text, kept) in
            [("plain", "plain"), ("a\0b", "a\\0b"), ("a\\0b", "a\\\\0b"), ("\\\0\\", "\\\\\\0\\\\")]
        {
            assert_eq!(escaped(text), kept);
            assert_eq!(unescaped(kept.to_owned()), text);
        }
    }
}
