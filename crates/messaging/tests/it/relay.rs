//! The relay delivers every committed message, in the order of its key.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use database::{Changes, DatabaseRef, Memory, Message};
use messaging::{Failure, Publish, relay};

use crate::{Running, Shared, database, dead_letters_of, eventually, message, now, picky::Picky};

/// Takes what it is given, except what it is told to refuse.
#[derive(Default)]
struct Destination {
    taken: Shared<Vec<String>>,
    busy_with: Shared<Vec<String>>,
    refused: Shared<usize>,
}

#[async_trait]
impl Publish for Destination {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let mut held = Vec::new();
        let one = |message: &Message| {
            if message.id.starts_with("bad") {
                return Err(Failure::Reject(anyhow::anyhow!("unreadable")));
            }
            let key = message.key.as_deref().unwrap_or_default();
            let busy = self.busy_with.lock().unwrap().iter().any(|busy| key.starts_with(busy));
            if busy || held.contains(&message.key) {
                held.push(message.key.clone());
                *self.refused.lock().unwrap() += 1;
                return Err(Failure::Retry(anyhow::anyhow!("busy")));
            }
            self.taken.lock().unwrap().push(message.id.clone());
            Ok(())
        };
        messages.iter().map(one).collect()
    }
}

fn start(database: &DatabaseRef, destination: &Arc<Destination>) -> Running {
    let (database, destination) = (database.clone(), destination.clone());
    Running::start(|stop| async move { relay("out", database, destination, now(), stop).await })
}

async fn send(database: &DatabaseRef, id: &str, key: &str) {
    database.commit(Changes::new().send(message(id, "out", Some(key)))).await.unwrap();
}

async fn is_empty(database: &DatabaseRef, channel: &str) -> bool {
    database.unsent(channel, 0, 10).await.unwrap().is_empty()
}

#[tokio::test]
async fn delivers_in_order_and_empties_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let (database, destination) = (database(folder.path()).await, Arc::new(Destination::default()));
    send(&database, "before", "k").await;
    let running = start(&database, &destination);
    for number in 0..600 {
        send(&database, &format!("m{number}"), "k").await;
    }
    eventually("delivery", || async { is_empty(&database, "out").await }).await;
    let expected: Vec<String> = std::iter::once("before".to_owned())
        .chain((0..600).map(|number| format!("m{number}")))
        .collect();
    assert_eq!(*destination.taken.lock().unwrap(), expected);
    running.stop().await;
}

#[tokio::test]
async fn a_key_that_has_to_wait_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (database, destination) = (database(folder.path()).await, Arc::new(Destination::default()));
    destination.busy_with.lock().unwrap().push("slow".to_owned());
    let running = start(&database, &destination);
    for (id, key) in [("s1", "slow"), ("f1", "fast"), ("s2", "slow"), ("f2", "fast")] {
        send(&database, id, key).await;
    }
    let taken = || destination.taken.lock().unwrap().clone();
    eventually("delivery of the others", || async { taken() == ["f1", "f2"] }).await;
    destination.busy_with.lock().unwrap().clear();
    eventually("delivery of the rest", || async { taken() == ["f1", "f2", "s1", "s2"] }).await;
    eventually("an empty outbox", || async { is_empty(&database, "out").await }).await;
    running.stop().await;
}

#[tokio::test]
async fn however_much_has_to_wait_others_come_through() {
    let folder = tempfile::tempdir().unwrap();
    let (database, destination) = (database(folder.path()).await, Arc::new(Destination::default()));
    destination.busy_with.lock().unwrap().push("slow".to_owned());
    let slow = |number| message(&format!("s{number}"), "out", Some(&format!("slow {number}")));
    database.commit(Changes::new().send_all((0..6_000).map(slow))).await.unwrap();
    let one_key = (0..6_000).map(|number| message(&format!("t{number}"), "out", Some("slow")));
    database.commit(Changes::new().send_all(one_key)).await.unwrap();
    send(&database, "f1", "fast").await;
    let running = start(&database, &destination);
    let taken = || destination.taken.lock().unwrap().clone();
    eventually("delivery of what is behind", || async { taken() == ["f1"] }).await;
    send(&database, "f2", "fast").await;
    eventually("delivery of what came later", || async { taken() == ["f1", "f2"] }).await;
    destination.busy_with.lock().unwrap().clear();
    eventually("delivery of the rest", || async { taken().len() == 12_002 }).await;
    let of_one_key: Vec<_> = taken().into_iter().filter(|id| id.starts_with('t')).collect();
    assert_eq!(of_one_key, (0..6_000).map(|number| format!("t{number}")).collect::<Vec<_>>());
    running.stop().await;
}

/// Takes a while for each batch, and of one recipient only so many of it.
struct Reluctant {
    takes: usize,
    taken: Shared<Vec<String>>,
}

#[async_trait]
impl Publish for Reluctant {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        tokio::time::sleep(Duration::from_secs(6)).await;
        let mut left = self.takes;
        let one = |message: &Message| {
            if message.id != "other" && left == 0 {
                return Err(Failure::Retry(anyhow::anyhow!("not so many")));
            }
            left = left.saturating_sub(1);
            self.taken.lock().unwrap().push(message.id.clone());
            Ok(())
        };
        messages.iter().map(one).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_slow_to_refuse_holds_up_nobody_else() {
    for takes in [0, 10] {
        let database: DatabaseRef = Memory::new(|| "2026-11-25T12:00:00Z".parse().unwrap());
        let of_one = |number| message(&format!("{number}"), "out", Some(&format!("{number}")));
        database.commit(Changes::new().send_all((0..4_000).map(of_one))).await.unwrap();
        send(&database, "other", "other").await;
        let reluctant = Arc::new(Reluctant { takes, taken: Shared::default() });
        let (destination, outbox) = (reluctant.clone(), database.clone());
        let running =
            Running::start(
                |stop| async move { relay("out", outbox, destination, now(), stop).await },
            );
        let begun = tokio::time::Instant::now();
        while !reluctant.taken.lock().unwrap().contains(&"other".to_owned()) {
            assert!(begun.elapsed() < Duration::from_secs(240), "{takes}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        running.stop().await;
    }
}

/// Takes nothing until a moment; then everything. Notes when it took something first, and what.
struct Away {
    until: tokio::time::Instant,
    taken: Shared<Vec<(tokio::time::Instant, String)>>,
}

#[async_trait]
impl Publish for Away {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let now = tokio::time::Instant::now();
        let one = |message: &Message| {
            if now < self.until {
                return Err(Failure::Retry(anyhow::anyhow!("away")));
            }
            self.taken.lock().unwrap().push((now, message.id.clone()));
            Ok(())
        };
        messages.iter().map(one).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_destination_is_tried_within_seconds_of_its_return() {
    const WAITING: usize = 15_000;
    for away in [7, 60, 300] {
        let database: DatabaseRef = Memory::new(|| "2026-11-25T12:00:00Z".parse().unwrap());
        let of_few =
            |number: usize| message(&number.to_string(), "out", Some(&format!("{}", number % 10)));
        database.commit(Changes::new().send_all((0..WAITING).map(of_few))).await.unwrap();
        let until = tokio::time::Instant::now() + Duration::from_secs(away);
        let destination = Arc::new(Away { until, taken: Shared::default() });
        let (publish, outbox) = (destination.clone(), database.clone());
        let running =
            Running::start(|stop| async move { relay("out", outbox, publish, now(), stop).await });
        while destination.taken.lock().unwrap().len() < WAITING {
            assert!(until.elapsed() < Duration::from_secs(30), "{away}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        running.stop().await;
        let taken = destination.taken.lock().unwrap();
        assert!(taken[0].0 < until + Duration::from_secs(6), "{away}");
        for key in 0..10 {
            let of_key = taken.iter().map(|(_, id)| id.parse::<usize>().unwrap());
            let of_key: Vec<_> = of_key.filter(|number| number % 10 == key).collect();
            assert!(of_key.is_sorted(), "{away}: {key}");
        }
    }
}

/// Takes everything but lets the first message wait for its turn once.
#[derive(Default)]
struct Hesitant(Shared<Vec<String>>);

#[async_trait]
impl Publish for Hesitant {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let mut taken = self.0.lock().unwrap();
        let has_begun = !taken.is_empty();
        let one = |message: &Message| {
            if message.id == "first" && !has_begun {
                return Err(Failure::NoTurn(anyhow::anyhow!("later")));
            }
            taken.push(message.id.clone());
            Ok(())
        };
        messages.iter().map(one).collect()
    }
}

#[tokio::test]
async fn what_leaves_the_outbox_while_it_is_read_is_not_handed_over_again() {
    let folder = tempfile::tempdir().unwrap();
    let inner = database(folder.path()).await;
    for id in ["first", "a", "b"] {
        send(&inner, id, id).await;
    }
    let (picky, hesitant) = (Picky::around(inner.clone()), Arc::new(Hesitant::default()));
    let destination = hesitant.clone();
    let running =
        Running::start(|stop| async move { relay("out", picky, destination, now(), stop).await });
    eventually("delivery", || async { is_empty(&inner, "out").await }).await;
    running.stop().await;
    assert_eq!(*hesitant.0.lock().unwrap(), ["a", "b", "first"]);
}

/// Takes this many messages at a time.
struct Slow(usize, Shared<Vec<String>>);

#[async_trait]
impl Publish for Slow {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let one = |(place, message): (usize, &Message)| {
            if place >= self.0 {
                return Err(Failure::NoTurn(anyhow::anyhow!("later")));
            }
            self.1.lock().unwrap().push(message.id.clone());
            Ok(())
        };
        messages.iter().enumerate().map(one).collect()
    }
}

#[tokio::test]
async fn what_had_no_turn_is_handed_over_again_at_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    for number in 0..200 {
        send(&database, &format!("m{number}"), &format!("k{}", number % 3)).await;
    }
    let taken = Shared::default();
    let (outbox, slow) = (database.clone(), Arc::new(Slow(7, taken.clone())));
    let running =
        Running::start(|stop| async move { relay("out", outbox, slow, now(), stop).await });
    // Thirty turns, each with a back-off, would take longer.
    eventually("delivery", || async { is_empty(&database, "out").await }).await;
    let expected: Vec<String> = (0..200).map(|number| format!("m{number}")).collect();
    assert_eq!(*taken.lock().unwrap(), expected);
    running.stop().await;
}

#[tokio::test]
async fn what_can_never_be_delivered_is_kept_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (database, destination) = (database(folder.path()).await, Arc::new(Destination::default()));
    let running = start(&database, &destination);
    send(&database, "bad one", "k").await;
    send(&database, "good", "k").await;
    eventually("delivery of the good one", || async { is_empty(&database, "out").await }).await;
    let kept = dead_letters_of(&database).await;
    let kept: Vec<_> = kept.iter().map(|it| (&*it.message, &*it.channel, &*it.reason)).collect();
    assert_eq!(kept, [("bad one", "out", "unreadable")]);
    running.stop().await;
}

#[tokio::test]
async fn a_killed_relay_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (database, destination) = (database(folder.path()).await, Arc::new(Destination::default()));
    for number in 0..50 {
        send(&database, &format!("m{number}"), "k").await;
        start(&database, &destination).kill();
    }
    let last = start(&database, &destination);
    eventually("delivery", || async { is_empty(&database, "out").await }).await;
    let taken = destination.taken.lock().unwrap().clone();
    for number in 0..50 {
        assert!(taken.contains(&format!("m{number}")), "m{number} is lost");
    }
    last.stop().await;
}

#[tokio::test]
async fn a_destination_that_was_away_gets_everything() {
    let folder = tempfile::tempdir().unwrap();
    let (database, destination) = (database(folder.path()).await, Arc::new(Destination::default()));
    let keys = ["a", "b", "c"].map(str::to_owned);
    destination.busy_with.lock().unwrap().extend(keys.clone());
    let running = start(&database, &destination);
    for (number, key) in keys.iter().cycle().take(30).enumerate() {
        send(&database, &number.to_string(), key).await;
    }
    let taken: Arc<Mutex<Vec<String>>> = destination.taken.clone();
    assert!(taken.lock().unwrap().is_empty());
    destination.busy_with.lock().unwrap().clear();
    eventually("delivery", || async { is_empty(&database, "out").await }).await;
    for (offset, key) in keys.iter().enumerate() {
        let of_key: Vec<usize> = taken
            .lock()
            .unwrap()
            .iter()
            .map(|id| id.parse::<usize>().unwrap())
            .filter(|id| id % 3 == offset)
            .collect();
        assert!(of_key.len() == 10 && of_key.is_sorted(), "{key}: {of_key:?}");
    }
    running.stop().await;
}

#[tokio::test]
async fn new_messages_do_not_wait_for_the_retry_of_another_key() {
    let folder = tempfile::tempdir().unwrap();
    let (database, destination) = (database(folder.path()).await, Arc::new(Destination::default()));
    destination.busy_with.lock().unwrap().push("slow".to_owned());
    send(&database, "s", "slow").await;
    let running = start(&database, &destination);
    for number in 0..50 {
        let id = format!("f{number}");
        send(&database, &id, "fast").await;
        eventually("delivery", || async { destination.taken.lock().unwrap().contains(&id) }).await;
    }
    let tries = *destination.refused.lock().unwrap();
    assert!(tries < 25, "each message waited for one of {tries} tries of the other key");
    running.stop().await;
}

/// Takes everything at the second try, and has a new message ready for each that it takes.
struct Endless {
    database: DatabaseRef,
    tried: Shared<Vec<String>>,
}

#[async_trait]
impl Publish for Endless {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let mut outcomes = Vec::new();
        for message in messages {
            let number = self.tried.lock().unwrap().len();
            let again = self.tried.lock().unwrap().contains(&message.id);
            self.tried.lock().unwrap().push(message.id.clone());
            if message.id == "late" && !again {
                outcomes.push(Err(Failure::Retry(anyhow::anyhow!("busy"))));
                continue;
            }
            send(&self.database, &format!("more {number}"), "other").await;
            outcomes.push(Ok(()));
        }
        outcomes
    }
}

#[tokio::test]
async fn a_retry_comes_in_time_however_much_else_there_is_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let endless = Arc::new(Endless { database: database.clone(), tried: Shared::default() });
    send(&database, "late", "late").await;
    send(&database, "first", "other").await;
    let (channel, destination) = (database.clone(), endless.clone());
    let running =
        Running::start(|stop| async move { relay("out", channel, destination, now(), stop).await });
    let tries = || endless.tried.lock().unwrap().iter().filter(|id| *id == "late").count();
    eventually("the second try", || async { tries() == 2 }).await;
    running.stop().await;
}

#[tokio::test]
async fn what_comes_to_the_outbox_later_than_it_seemed_does_not_stay_there() {
    let folder = tempfile::tempdir().unwrap();
    let inner = database(folder.path()).await;
    send(&inner, "late", "k").await;
    send(&inner, "early", "k").await;
    let (picky, destination) = (Picky::around(inner.clone()), Arc::new(Destination::default()));
    let running = start(&picky, &destination);
    let number = AtomicUsize::new(0);
    eventually("delivery of the late one", || async {
        // The relay never has nothing to do.
        send(&inner, &number.fetch_add(1, Ordering::Relaxed).to_string(), "k").await;
        destination.taken.lock().unwrap().contains(&"late".to_owned())
    })
    .await;
    assert_eq!(destination.taken.lock().unwrap()[0], "early");
    running.stop().await;
}

#[tokio::test]
async fn one_relay_works_at_a_time_and_another_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let (first, second) = (Arc::new(Destination::default()), Arc::new(Destination::default()));
    let working = start(&database, &first);
    send(&database, "a", "k").await;
    eventually("delivery", || async { is_empty(&database, "out").await }).await;
    let waiting = start(&database, &second);
    send(&database, "b", "k").await;
    eventually("delivery", || async { is_empty(&database, "out").await }).await;
    assert_eq!(*first.taken.lock().unwrap(), ["a", "b"]);
    // One that dies holds the lease to its end; one that stops gives it back.
    working.kill();
    let died = Instant::now();
    send(&database, "c", "k").await;
    eventually("delivery by the other", || async { is_empty(&database, "out").await }).await;
    assert!(died.elapsed() < Duration::from_secs(5), "{:?}", died.elapsed());
    let next = start(&database, &first);
    waiting.stop().await;
    let stopped = Instant::now();
    send(&database, "d", "k").await;
    eventually("delivery by the next", || async { is_empty(&database, "out").await }).await;
    assert!(stopped.elapsed() < Duration::from_secs(2), "{:?}", stopped.elapsed());
    assert_eq!(*second.taken.lock().unwrap(), ["c"]);
    assert_eq!(*first.taken.lock().unwrap(), ["a", "b", "d"]);
    next.stop().await;
}
