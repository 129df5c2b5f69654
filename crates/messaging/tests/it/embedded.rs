//! The embedded broker keeps the promises of the port.

use std::{collections::BTreeSet, path::Path, time::Duration};

use database::Durability;
use messaging::{Broker, Embedded, Failure, Publish, Record, Subscription};

use crate::message;

async fn open(folder: &Path, partitions: i32) -> Embedded {
    Embedded::open(&folder.join("broker.db"), partitions, Durability::ProcessCrash).await.unwrap()
}

async fn publish(broker: &Embedded, ids: &[&str], key: Option<&str>) {
    let messages: Vec<_> = ids.iter().map(|id| message(id, "broker", key)).collect();
    assert!(broker.publish(&messages).await.iter().all(Result::is_ok));
}

async fn poll(member: &mut dyn Subscription) -> Vec<Record> {
    tokio::time::timeout(Duration::from_secs(10), member.poll(100)).await.unwrap().unwrap()
}

fn ids(records: &[Record]) -> Vec<&str> {
    records
        .iter()
        .map(|record| std::str::from_utf8(record.payload.as_deref().unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn delivers_records_whole_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 1).await;
    publish(&broker, &["a", "b"], Some("k")).await;
    publish(&broker, &["c"], None).await;
    let mut member = broker.subscribe("notes", "readers").await.unwrap();
    let records = poll(&mut *member).await;
    assert_eq!(ids(&records), ["a", "b", "c"]);
    assert_eq!(records.iter().map(|record| record.offset).collect::<Vec<_>>(), [0, 1, 2]);
    let (sent, got) = (message("a", "broker", Some("k")), &records[0]);
    assert_eq!((&got.headers, got.timestamp), (&sent.headers, sent.created));
    assert_eq!((got.key.as_deref(), records[2].key.as_deref()), (Some(&b"k"[..]), None));
}

#[tokio::test]
async fn a_waiting_member_wakes_when_something_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 1).await;
    let mut member = broker.subscribe("notes", "readers").await.unwrap();
    let (records, ()) = tokio::join!(poll(&mut *member), publish(&broker, &["late"], None));
    assert_eq!(ids(&records), ["late"]);
}

#[tokio::test]
async fn every_group_gets_every_record() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 1).await;
    publish(&broker, &["a"], None).await;
    for group in ["readers", "auditors"] {
        let mut member = broker.subscribe("notes", group).await.unwrap();
        assert_eq!(ids(&poll(&mut *member).await), ["a"], "{group}");
    }
}

#[tokio::test]
async fn what_was_not_committed_comes_again_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 1).await;
    publish(&broker, &["a", "b", "c"], None).await;
    let mut member = broker.subscribe("notes", "readers").await.unwrap();
    let records = poll(&mut *member).await;
    member.commit(&records[0]).await.unwrap();
    drop(member);
    let mut again = broker.subscribe("notes", "readers").await.unwrap();
    assert_eq!(ids(&poll(&mut *again).await), ["b", "c"]);
    drop((again, broker));
    let reopened = open(folder.path(), 1).await;
    let mut member = reopened.subscribe("notes", "readers").await.unwrap();
    assert_eq!(ids(&poll(&mut *member).await), ["b", "c"]);
    publish(&reopened, &["d"], None).await;
    assert_eq!(poll(&mut *member).await[0].offset, 3, "offsets go on");
}

#[tokio::test]
async fn a_late_commit_does_not_move_the_group_back() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 1).await;
    publish(&broker, &["a", "b"], None).await;
    let mut member = broker.subscribe("notes", "readers").await.unwrap();
    let records = poll(&mut *member).await;
    member.commit(&records[1]).await.unwrap();
    member.commit(&records[0]).await.unwrap();
    drop(member);
    publish(&broker, &["c"], None).await;
    let mut again = broker.subscribe("notes", "readers").await.unwrap();
    assert_eq!(ids(&poll(&mut *again).await), ["c"]);
}

#[tokio::test]
async fn members_share_the_partitions_and_take_over_from_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 4).await;
    let keys: Vec<String> = (0..40).map(|number| format!("key {number}")).collect();
    for key in &keys {
        publish(&broker, &[key], Some(key)).await;
    }
    let mut first = broker.subscribe("notes", "readers").await.unwrap();
    let mut second = broker.subscribe("notes", "readers").await.unwrap();
    let (of_first, of_second) = (poll(&mut *first).await, poll(&mut *second).await);
    let partitions =
        |records: &[Record]| records.iter().map(|record| record.partition).collect::<BTreeSet<_>>();
    assert_eq!(
        (partitions(&of_first), partitions(&of_second)),
        (BTreeSet::from([0, 1]), BTreeSet::from([2, 3]))
    );
    assert_eq!(of_first.len() + of_second.len(), keys.len());
    drop(second);
    assert_eq!(
        poll(&mut *first).await.len(),
        keys.len(),
        "nothing was committed, so all of it comes to who is left"
    );
}

#[tokio::test]
async fn records_of_a_key_stay_in_one_partition() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 8).await;
    publish(&broker, &["a", "b", "c"], Some("same")).await;
    let mut member = broker.subscribe("notes", "readers").await.unwrap();
    let records = poll(&mut *member).await;
    assert_eq!(ids(&records), ["a", "b", "c"]);
    assert!(records.iter().all(|record| record.partition == records[0].partition));
}

#[tokio::test]
async fn a_name_that_no_topic_can_have_is_rejected_alone() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 1).await;
    let mut wrong = message("x", "broker", None);
    wrong.topic = "no topic/name".to_owned();
    let outcomes = broker.publish(&[wrong, message("good", "broker", None)]).await;
    assert!(matches!(outcomes[..], [Err(Failure::Reject(_)), Ok(())]), "{outcomes:?}");
    assert!(broker.subscribe("..", "readers").await.is_err());
}

#[tokio::test]
async fn old_records_go_only_when_every_group_has_passed_them() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 1).await;
    publish(&broker, &["a", "b"], None).await;
    let later = "2027-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(broker.remove_before(later).await.unwrap(), 0, "nobody has read them");
    let mut member = broker.subscribe("notes", "readers").await.unwrap();
    let records = poll(&mut *member).await;
    member.commit(&records[0]).await.unwrap();
    assert_eq!(
        broker.remove_before("2026-01-01T00:00:00Z".parse().unwrap()).await.unwrap(),
        0,
        "they are young"
    );
    assert_eq!(broker.remove_before(later).await.unwrap(), 1);
    member.commit(&records[1]).await.unwrap();
    let mut late = broker.subscribe("notes", "auditors").await.unwrap();
    assert_eq!(
        broker.remove_before(later).await.unwrap(),
        0,
        "a group that only joined has not passed them"
    );
    assert_eq!(ids(&poll(&mut *late).await), ["b"]);
}

#[tokio::test]
async fn whoever_listens_gets_every_message_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 3).await;
    publish(&broker, &["before"], None).await;
    let mut first = broker.tail("notes").await.unwrap();
    publish(&broker, &["a"], Some("one")).await;
    let mut second = broker.tail("notes").await.unwrap();
    publish(&broker, &["b"], Some("two")).await;
    let sorted = |records: &[Record]| {
        let mut ids: Vec<String> = ids(records).into_iter().map(str::to_owned).collect();
        ids.sort();
        ids
    };
    let of_first = poll(&mut *first).await;
    assert_eq!(sorted(&of_first), ["a", "b"]);
    assert_eq!(sorted(&poll(&mut *second).await), ["b"]);
    first.commit(&of_first[0]).await.unwrap();
    publish(&broker, &["c"], Some("three")).await;
    assert_eq!(sorted(&poll(&mut *first).await), ["c"], "and only once");
    assert_eq!(sorted(&poll(&mut *second).await), ["c"]);
}

#[tokio::test]
async fn a_listener_waits_for_what_comes_and_may_give_up() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 1).await;
    let mut listener = broker.tail("notes").await.unwrap();
    let nothing = tokio::time::timeout(Duration::from_millis(1), listener.poll(100)).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let publishing = publish(&broker, &["a", "b"], None);
    let (records, ()) = tokio::join!(poll(&mut *listener), publishing);
    assert_eq!(ids(&records), ["a", "b"]);
    publish(&broker, &["c", "d"], None).await;
    for expected in ["c", "d"] {
        assert_eq!(ids(&listener.poll(1).await.unwrap()), [expected]);
    }
}

#[tokio::test]
async fn a_listener_does_not_disturb_a_group() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 1).await;
    publish(&broker, &["a"], None).await;
    let _listener = broker.tail("notes").await.unwrap();
    let mut member = broker.subscribe("notes", "readers").await.unwrap();
    assert_eq!(ids(&poll(&mut *member).await), ["a"]);
    assert!(broker.tail("no topic/name").await.is_err());
    assert!(broker.subscribe("notes", "").await.is_err());
}

#[tokio::test]
async fn old_records_that_were_only_listened_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path(), 1).await;
    let _listener = broker.tail("notes").await.unwrap();
    publish(&broker, &["a"], None).await;
    let later = "2027-01-01T00:00:00Z".parse().unwrap();
    let member = broker.subscribe("notes", "readers").await.unwrap();
    assert_eq!(broker.remove_before(later).await.unwrap(), 0, "a group still wants it");
    drop(member);
    let folder = tempfile::tempdir().unwrap();
    let other = open(folder.path(), 1).await;
    let _listener = other.tail("notes").await.unwrap();
    publish(&other, &["a"], None).await;
    assert_eq!(other.remove_before(later).await.unwrap(), 1);
}

#[tokio::test]
async fn keeps_the_promises_of_the_port() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |partitions: i32| {
        let path = folder.path().join(format!("{partitions}.db"));
        let broker = Embedded::open(&path, partitions, Durability::ProcessCrash).await.unwrap();
        std::sync::Arc::new(broker) as std::sync::Arc<dyn Broker>
    };
    crate::conformance::all(open).await;
}
