//! How fast messages leave the outbox, what waiting ones cost, what a large commit costs us, and what a refused one leaves.

use std::time::Instant;

use database::{Changes, CommitError, Database};

use super::with_database;
use crate::{
    conformance::{book, insert},
    drain,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_is_emptied() {
    with_database("", async |place| {
        let database = place.connect().await;
        let count = drain::count(20_000);
        drain::fill(&*database, count).await;
        drain::drain(&*database, count).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_waiting_messages_slow_nothing() {
    with_database("", async |place| {
        let database = place.connect().await;
        let [commit, _] = drain::cost(&*database, "nothing waits").await;
        let begun = Instant::now();
        drain::fill(&*database, 1000).await;
        let [_, look] = drain::cost(&*database, "1,000 wait").await;
        let count = drain::count(50_000);
        place
            .run(&format!(
                "insert into outbox (channel, id, aggregatetype, aggregateid, type, payload, headers, created)
                 select channel, id, aggregatetype, aggregateid, type, payload, headers, created
                 from (select * from outbox where channel = 'drained' limit 1) one, generate_series(1, {count})"
            ))
            .await;
        println!("filled in {:?}", begun.elapsed());
        let [late_commit, late_look] = drain::cost(&*database, "many wait").await;
        drain::check("commit", commit, late_commit);
        drain::check("look", look, late_look);
        drain::drain(&*database, count + 1000).await;
        let [last_commit, _] = drain::cost(&*database, "many have gone").await;
        drain::check("commit", commit, last_commit);
    })
    .await;
}

/// The server remembers how it has found the messages of an outbox in which nearly nothing waited.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_is_emptied_that_was_nearly_empty_for_long() {
    with_database("", async |place| {
        let database = place.connect().await;
        let count = drain::count(20_000);
        drain::fill(&*database, count).await;
        let speed = drain::drain(&*database, count).await;
        for _ in 0..20 {
            drain::fill(&*database, 1).await;
            drain::drain(&*database, 1).await;
            place.run("vacuum analyze outbox").await;
        }
        // Most of them in another channel, which nobody relays.
        let in_the_way = 20 * count;
        drain::fill(&*database, 1).await;
        place
            .run(&format!(
                "alter table outbox set (autovacuum_enabled = false);
                 insert into outbox (channel, id, aggregatetype, aggregateid, type, payload, headers, created)
                 select case when number <= {in_the_way} then 'in the way' else 'drained' end,
                     id, aggregatetype, aggregateid, type, payload, headers, created
                 from (select * from outbox limit 1) one, generate_series(1, {in_the_way} + {count}) number"
            ))
            .await;
        let late = drain::drain(&*database, count + 1).await;
        assert!(late > speed / 3.0, "{late} messages a second instead of {speed}");
    })
    .await;
}

/// Processor time that this process has used.
fn used() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_commit_is_one_statement_for_each_kind() {
    with_database("", async |place| {
        let database = place.connect().await;
        let (batches, size) = (drain::count(2560) / 256, 256);
        let (begun, before) = (Instant::now(), used());
        for batch in 0..batches {
            let changes = (0..size).fold(Changes::new(), |changes, number| {
                let name = format!("{batch} {number}");
                let one = insert(&name, book(&name, 1)).send(drain::sent(number));
                changes.and(one.handled("group", &name))
            });
            database.commit(changes).await.unwrap();
        }
        let (took, used) = (begun.elapsed(), used() - before);
        let records = f64::from(u32::try_from(batches * size).unwrap());
        println!(
            "{records} records in {took:?}, {:.0} a second, {:.4} s of processor per 1,000",
            records / took.as_secs_f64(),
            used * 1000.0 / records
        );
        let counts = "select concat_ws(' ', (select count(*) from book), (select count(*) from inbox), (select count(*) from outbox))";
        assert_eq!(place.text(counts).await.unwrap(), format!("{records} {records} {records}"));
    })
    .await;
}

#[tokio::test]
async fn a_record_that_cannot_be_added_leaves_nothing_and_says_why() {
    with_database("", async |place| {
        let database = place.connect().await;
        let record = |id: &str, handled: &str| {
            insert(id, book(id, 1)).send(drain::sent(1)).handled("group", handled)
        };
        database.commit(record("first", "1")).await.unwrap();
        let twice = database.commit(record("first", "2")).await.unwrap_err();
        assert!(matches!(twice, CommitError::Conflict), "{twice:?}");
        let again = database.commit(record("second", "1")).await.unwrap_err();
        assert!(matches!(again, CommitError::AlreadyHandled), "{again:?}");
        let counts = "select concat_ws(' ', (select count(*) from book), (select count(*) from inbox), (select count(*) from outbox))";
        assert_eq!(place.text(counts).await.unwrap(), "1 1 1");
    })
    .await;
}
