//! How fast an outbox is emptied, and what many waiting messages cost. The figures are printed: no bound
//! in time would hold on every machine, but what is the same work may not take many times as long.

use std::time::{Duration, Instant};

use database::{Changes, Database, Header, Message};

/// A message as services send them.
pub(crate) fn sent(number: usize) -> Message {
    let header = |name: &str, value: &str| Header { name: name.to_owned(), value: value.into() };
    Message {
        id: format!("01930000-0000-7000-8000-{number:012}"),
        channel: "drained".to_owned(),
        topic: "books-topic".to_owned(),
        key: Some(format!("{:024x}", number % 1000)),
        headers: vec![
            header("contentType", "\"application/json\""),
            header("spring_json_header_types", "{\"contentType\":\"java.lang.String\"}"),
            header("ce_id", &format!("01930000-0000-7000-8000-{number:012}")),
            header("ce_source", "/books"),
            header("ce_type", "books.book.updated"),
            header("ce_time", "2026-11-24T10:00:00.123Z"),
            header("ce_specversion", "1.0"),
            header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ],
        payload: vec![b'x'; 180],
        created: "2026-11-24T10:00:00.123Z".parse().unwrap(),
    }
}

/// How many messages wait: enough for a bound, or as many as somebody wants to measure.
pub(crate) fn count(usual: usize) -> usize {
    asked("DRAIN_MESSAGES").unwrap_or(usual)
}

/// How many messages a relay takes at a time.
fn batch() -> u32 {
    asked("DRAIN_BATCH").map_or(512, |batch| batch.try_into().unwrap())
}

#[expect(clippy::disallowed_methods, reason = "who measures says so in the environment")]
fn asked(variable: &str) -> Option<usize> {
    std::env::var(variable).ok().map(|count| count.parse().unwrap())
}

pub(crate) async fn fill(database: &dyn Database, count: usize) {
    for from in (0..count).step_by(1000) {
        let messages = (from..count.min(from + 1000)).map(sent);
        database.commit(Changes::new().send_all(messages)).await.unwrap();
    }
}

/// Takes and removes everything, as a relay does whose destination needs no time; messages per second.
pub(crate) async fn drain(database: &dyn Database, count: usize) -> f64 {
    let lease = database.lease("drained", "relay", Duration::from_secs(600)).await.unwrap();
    let lease = lease.unwrap();
    let begun = Instant::now();
    let (mut after, mut drained) = (0, 0);
    let mut positions = Vec::new();
    while drained < count {
        let removed = database.sent("drained", &positions, lease);
        let (taken, removed) = tokio::join!(database.unsent("drained", after, batch()), removed);
        assert!(removed.unwrap());
        positions = taken.unwrap().into_iter().map(|(position, _)| position).collect();
        drained += positions.len();
        after = positions.last().copied().unwrap_or(after);
    }
    assert!(database.sent("drained", &positions, lease).await.unwrap());
    let speed = drained as f64 / begun.elapsed().as_secs_f64();
    println!("{} drained {drained} messages, {speed:.0} a second", database.name());
    assert_eq!(database.unsent("drained", 0, 10).await.unwrap(), []);
    speed
}

/// How long a step takes when nothing else keeps the machine busy, as far as that can be known.
async fn quiet(what: String, step: impl AsyncFn()) -> Duration {
    let mut times = Vec::new();
    for _ in 0..101 {
        let begun = Instant::now();
        step().await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("{what}: {:?}, median {:?}, at most {:?}", times[10], times[50], times[100]);
    times[10]
}

/// Whether it takes about as long as before: the machine has other things to do too.
pub(crate) fn check(what: &str, before: Duration, now: Duration) {
    assert!(now < 3 * before + Duration::from_millis(5), "{what}: {before:?}, {now:?}");
}

/// What a commit and a look at the oldest messages take, now.
pub(crate) async fn cost(database: &dyn Database, when: &str) -> [Duration; 2] {
    let name = database.name();
    let commit = quiet(format!("{name} commit, {when}"), async || {
        let message = Message { channel: "beside".to_owned(), ..sent(1) };
        database.commit(Changes::new().send(message)).await.unwrap();
    });
    let commit = commit.await;
    let look = quiet(format!("{name} look, {when}"), async || {
        let found = database.unsent("drained", 0, batch()).await.unwrap();
        assert!(found.len() <= batch() as usize);
    });
    [commit, look.await]
}
