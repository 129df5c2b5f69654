//! Members that are slow, that die, and that are late.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use messaging::{Broker, Publish};

use crate::{
    SERVER,
    conformance::{ids, leave, message, nothing_comes, poll},
    kafka, topic, until, variable,
};

/// The shortest that a broker allows.
const QUICK: &[(&str, &str)] = &[
    ("session.timeout.ms", "6000"),
    ("heartbeat.interval.ms", "1000"),
    ("max.poll.interval.ms", "6000"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_handler_stays_in_the_group() {
    let _server = SERVER.read().await;
    // Groups deal in the order of names, which begin with the client's: the only partition stays with the first.
    let named = |name| [QUICK, &[("client.id", name)]].concat();
    let (broker, other) = (kafka(1, &named("a")), kafka(1, &named("b")));
    let topic = topic("slow");
    for id in ["a", "b", "c"] {
        assert!(broker.publish(&[message(&topic, id, None)]).await[0].is_ok());
    }
    let mut slow = broker.subscribe(&topic, "readers").await.unwrap();
    let records = poll(&mut *slow, 3).await;
    let mut idle = other.subscribe(&topic, "readers").await.unwrap();
    // Longer than the session and than what Kafka allows between two polls: the time itself is what is tested.
    let takes_over = tokio::time::timeout(Duration::from_secs(9), idle.poll(100)).await;
    assert!(takes_over.is_err(), "the other member got its partition: {takes_over:?}");
    slow.commit(&records[2]).await.unwrap();
    leave(slow).await;
    assert!(broker.publish(&[message(&topic, "d", None)]).await[0].is_ok());
    assert_eq!(ids(&poll(&mut *idle, 1).await), ["d"]);
    leave(idle).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_in_hand_is_finished_before_its_partition_goes_to_another_member() {
    let _server = SERVER.read().await;
    let (broker, topic) = (kafka(2, QUICK), topic("handed-over"));
    for number in 0..40 {
        let key = number.to_string();
        assert!(broker.publish(&[message(&topic, &key, Some(&key))]).await[0].is_ok());
    }
    let mut first = broker.subscribe(&topic, "readers").await.unwrap();
    let records = poll(&mut *first, 40).await;
    let mut second = broker.subscribe(&topic, "readers").await.unwrap();
    let handle = async {
        // Meanwhile the second member has joined, and the group wants a partition back.
        tokio::time::sleep(Duration::from_secs(1)).await;
        for record in &records {
            first.commit(record).await.unwrap();
        }
    };
    let (redelivered, ()) =
        tokio::join!(tokio::time::timeout(Duration::from_secs(5), second.poll(100)), handle);
    assert!(redelivered.is_err(), "{redelivered:?}");
    leave(first).await;
    leave(second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_partitions_of_a_process_that_was_killed_go_to_the_others() {
    let _server = SERVER.read().await;
    let (broker, topic) = (kafka(4, QUICK), topic("killed"));
    for number in 0..40 {
        let key = number.to_string();
        assert!(broker.publish(&[message(&topic, &key, Some(&key))]).await[0].is_ok());
    }
    let mut doomed = Command::new(std::env::current_exe().unwrap())
        .args(["groups::child_reads_until_it_is_killed", "--exact", "--nocapture"])
        .env("TEST_TOPIC_TO_READ", &topic)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut member = broker.subscribe(&topic, "killed-readers").await.unwrap();
    // The child reads one of the two halves, and commits nothing.
    until("both are members", Duration::from_secs(30), async || {
        let records = tokio::time::timeout(Duration::from_millis(200), member.poll(100)).await;
        drop(records);
        members("killed-readers").await == 2
    })
    .await;
    doomed.kill().unwrap();
    doomed.wait().unwrap();
    for number in 0..40 {
        let key = number.to_string();
        assert!(broker.publish(&[message(&topic, &key, Some(&key))]).await[0].is_ok());
    }
    let mut seen = std::collections::BTreeSet::new();
    until("all partitions are read", Duration::from_secs(30), async || {
        if let Ok(records) =
            tokio::time::timeout(Duration::from_millis(200), member.poll(100)).await
        {
            seen.extend(records.unwrap().into_iter().map(|record| record.partition));
        }
        seen.len() == 4
    })
    .await;
    leave(member).await;
}

/// How many members the group has.
async fn members(group: &'static str) -> usize {
    let address = variable("REAL_KAFKA");
    let asked = tokio::task::spawn_blocking(move || {
        use rdkafka::consumer::{BaseConsumer, Consumer};
        let mut config = rdkafka::ClientConfig::new();
        let asker: BaseConsumer = config.set("bootstrap.servers", address).create().unwrap();
        let groups = asker.fetch_group_list(Some(group), Duration::from_secs(10)).unwrap();
        groups.groups().first().map_or(0, |group| group.members().len())
    });
    asked.await.unwrap()
}

/// Does nothing unless another test runs it in a process of its own.
#[expect(clippy::disallowed_methods, reason = "the other test tells it in the environment")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_reads_until_it_is_killed() {
    let Ok(topic) = std::env::var("TEST_TOPIC_TO_READ") else { return };
    let mut member = kafka(4, QUICK).subscribe(&topic, "killed-readers").await.unwrap();
    loop {
        drop(member.poll(100).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_is_dropped_leaves_in_the_background() {
    let _server = SERVER.read().await;
    let (broker, topic) = (kafka(1, &[]), topic("dropped"));
    assert!(broker.publish(&[message(&topic, "a", None)]).await[0].is_ok());
    let mut member = broker.subscribe(&topic, "readers").await.unwrap();
    let records = poll(&mut *member, 1).await;
    member.commit(&records[0]).await.unwrap();
    drop(member);
    broker.close(Duration::from_secs(10)).await;
    // With the default session of 45 s it could not join so soon if the other had not left.
    let mut again = kafka(1, &[]).subscribe(&topic, "readers").await.unwrap();
    nothing_comes(&mut *again).await;
    assert!(broker.publish(&[message(&topic, "b", None)]).await[0].is_ok());
    assert_eq!(ids(&poll(&mut *again, 1).await), ["b"]);
    leave(again).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_static_member_comes_back_to_its_partitions() {
    let _server = SERVER.read().await;
    let (broker, topic) = (kafka(1, &[("group.instance.id", "one")]), topic("static"));
    for id in ["a", "b"] {
        assert!(broker.publish(&[message(&topic, id, None)]).await[0].is_ok());
        let mut member = broker.subscribe(&topic, "static-readers").await.unwrap();
        let records = poll(&mut *member, 1).await;
        assert_eq!(ids(&records), [id]);
        member.commit(&records[0]).await.unwrap();
        leave(member).await;
    }
}
