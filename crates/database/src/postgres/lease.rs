//! Who relays an outbox channel: a row per channel, with the time until which it is one's own.

use std::time::Duration;

use sqlx::PgPool;

use super::outbox::escaped;

const TAKE: &str = "
insert into outbox_lease as held (channel, holder, lease, until)
values ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
on conflict (channel) do update set
    holder = excluded.holder,
    until = excluded.until,
    lease = held.lease + case when held.holder = excluded.holder then 0 else 1 end
where held.holder = excluded.holder or held.until <= clock_timestamp()
returning lease";

const RELEASE: &str = "
update outbox_lease set holder = '', until = clock_timestamp() where channel = $1 and lease = $2";

/// Takes or keeps a lease; its number, or nothing while it is somebody else's.
pub(super) async fn take(
    pool: &PgPool,
    channel: &str,
    holder: &str,
    time: Duration,
) -> sqlx::Result<Option<i64>> {
    let milliseconds = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let take = sqlx::query_scalar(TAKE).bind(escaped(channel)).bind(holder).bind(milliseconds);
    take.fetch_optional(pool).await
}

/// Ends a lease before its time.
pub(super) async fn release(pool: &PgPool, channel: &str, lease: i64) -> sqlx::Result<()> {
    sqlx::query(RELEASE).bind(escaped(channel)).bind(lease).execute(pool).await.map(drop)
}
