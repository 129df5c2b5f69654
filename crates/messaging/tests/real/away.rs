//! The broker freezes, dies and comes back, and nothing is lost or overtakes another.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use messaging::{Broker, Failure, Kafka, Publish, Record};
use tokio::time::Instant;

use crate::{
    SERVER,
    conformance::{ids, leave, message, poll},
    kafka, server, topic, until,
};

/// Publishes numbered messages as a relay does: what is answered with "again" is handed over again, before anything newer
/// of its key. Answers how many there were.
async fn publish_until(
    broker: &Kafka,
    topic: &str,
    stop: &AtomicBool,
    accepted: &AtomicUsize,
) -> usize {
    let (mut next, mut waiting) = (0, Vec::new());
    let deadline = Instant::now() + Duration::from_secs(90);
    while !stop.load(Ordering::Relaxed) || !waiting.is_empty() {
        assert!(Instant::now() < deadline, "{} messages are never accepted", waiting.len());
        while waiting.len() < 20 && !stop.load(Ordering::Relaxed) {
            waiting.push(message(topic, &next.to_string(), Some(&format!("key {}", next % 4))));
            next += 1;
        }
        let outcomes = broker.publish(&waiting).await;
        let mut held = Vec::new();
        let mut left = Vec::new();
        for (message, outcome) in waiting.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => {
                    assert!(!held.contains(&message.key), "{} overtook another", message.id);
                    accepted.fetch_add(1, Ordering::Relaxed);
                }
                Err(Failure::Retry(_) | Failure::NoTurn(_)) => {
                    held.push(message.key.clone());
                    left.push(message);
                }
                Err(Failure::Reject(cause)) => panic!("{cause:#}"),
            }
        }
        waiting = left;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    next
}

/// Every number came, and the first time in order of its key: a message may come twice when its answer was lost.
fn whole_and_in_order(records: &[Record], count: usize) {
    let mut latest: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut seen = vec![false; count];
    for (record, id) in records.iter().zip(ids(records)) {
        let number: usize = id.parse().unwrap();
        if !std::mem::replace(&mut seen[number], true) {
            let before = latest.insert(record.key.clone().unwrap(), number);
            assert!(before.is_none_or(|before| before < number), "{number} after {before:?}");
        }
    }
    let missing: Vec<_> = (0..count).filter(|number| !seen[*number]).collect();
    assert_eq!(missing, [0; 0], "of {count}, in {} records", records.len());
}

async fn survives(name: &str, disturb: impl AsyncFn()) {
    let (broker, topic) = (kafka(2, &[]), topic(name));
    let (stop, accepted) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut member = broker.subscribe(&topic, "readers").await.unwrap();
    let another_hundred = async || {
        let enough = accepted.load(Ordering::Relaxed) + 100;
        let goes_on = async || accepted.load(Ordering::Relaxed) >= enough;
        until("messages are accepted", Duration::from_secs(30), goes_on).await;
    };
    let disturbing = async {
        another_hundred().await;
        disturb().await;
        another_hundred().await;
        stop.swap(true, Ordering::Relaxed);
    };
    let reading = async {
        let (mut records, mut last_chance) = (Vec::<Record>::new(), false);
        loop {
            // What was sent or delivered a second time does not count.
            let is_behind = |records: &[Record]| {
                let distinct: HashSet<_> = ids(records).into_iter().collect();
                distinct.len() < accepted.load(Ordering::Relaxed)
            };
            // Longer than a session, in case the group has to notice first that this member is its old one.
            let patience = if is_behind(&records) { 40 } else { 2 };
            match tokio::time::timeout(Duration::from_secs(patience), member.poll(100)).await {
                Ok(Ok(more)) => {
                    for record in &more {
                        member.commit(record).await.unwrap();
                    }
                    records.extend(more);
                }
                // As consume does: join again. What was committed does not come again, what was not does.
                Ok(Err(_)) => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(_) if !stop.load(Ordering::Relaxed) => {}
                // Most of this wait may have been before the broker was back, and before the last were sent.
                Err(_) if is_behind(&records) && !last_chance => last_chance = true,
                Err(_) => return records,
            }
        }
    };
    let (count, (), records) =
        tokio::join!(publish_until(&broker, &topic, &stop, &accepted), disturbing, reading);
    whole_and_in_order(&records, count);
    until("it is noticed that the broker is back", Duration::from_secs(10), async || {
        broker.state().reachable
    })
    .await;
    // The log itself, from its beginning.
    let mut other = kafka(2, &[]).subscribe(&topic, "auditors").await.unwrap();
    let mut log = poll(&mut *other, count).await;
    while let Ok(more) = tokio::time::timeout(Duration::from_secs(1), other.poll(100)).await {
        log.extend(more.unwrap());
    }
    whole_and_in_order(&log, count);
    println!(
        "{name}: {count} messages, {} records in the log, {} delivered",
        log.len(),
        records.len()
    );
    leave(other).await;
    leave(member).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_broker_is_killed_and_started_again() {
    let _alone = SERVER.write().await;
    survives("restarted", async || server("restart").await).await;
}

/// Longer than a message may take: what was given up must not arrive behind what was sent after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_broker_freezes() {
    let _alone = SERVER.write().await;
    survives("frozen", async || {
        server("pause").await;
        tokio::time::sleep(Duration::from_secs(8)).await;
        server("resume").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_gives_up_in_time_and_reading_waits_while_the_broker_is_away() {
    let _alone = SERVER.write().await;
    let (broker, topic) = (kafka(1, &[]), topic("away"));
    assert!(broker.publish(&[message(&topic, "a", Some("k"))]).await[0].is_ok());
    server("kill").await;
    let began = Instant::now();
    let outcomes =
        broker.publish(&[message(&topic, "b", Some("k")), message(&topic, "c", Some("k"))]).await;
    assert!(
        matches!(outcomes[..], [Err(Failure::Retry(_)), Err(Failure::Retry(_))]),
        "{outcomes:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    assert!(!broker.state().reachable);
    // Subscribed and left while nobody answers.
    let mut impatient = broker.subscribe(&topic, "readers").await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(500), impatient.poll(1)).await.is_err());
    let began = Instant::now();
    impatient.leave().await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let mut member = broker.subscribe(&topic, "readers").await.unwrap();
    let (records, ()) = tokio::join!(poll(&mut *member, 1), server("launch"));
    assert_eq!(ids(&records), ["a"], "what was given up was not sent later");
    assert!(broker.publish(&[message(&topic, "b", Some("k"))]).await[0].is_ok());
    assert_eq!(ids(&poll(&mut *member, 1).await), ["b"]);
    leave(member).await;
}
