//! Groups go on where they were, and their members share the work.

use std::collections::BTreeSet;

use messaging::{Record, Subscription};
use tokio::time::{Duration, Instant, timeout};

use super::{PATIENCE, World, ids, leave, nothing_comes, poll};

pub(super) async fn all(one: &World, four: &World) {
    each_gets_every_record(one).await;
    a_waiting_member_wakes(one).await;
    a_member_that_stops_waiting_loses_nothing(one).await;
    what_was_not_committed_comes_again(one).await;
    what_was_committed_does_not_come_again_after_leaving(one).await;
    a_late_commit_does_not_move_a_group_back(one).await;
    members_share_the_partitions_and_take_over(four).await;
}

async fn each_gets_every_record(world: &World) {
    let topic = world.topic("every-group");
    world.publish(&topic, &["a"], None).await;
    for group in ["readers", "auditors"] {
        let mut member = world.join(&topic, group).await;
        assert_eq!(ids(&poll(&mut *member, 1).await), ["a"], "{group}");
        leave(member).await;
    }
}

async fn a_waiting_member_wakes(world: &World) {
    let topic = world.topic("waiting");
    let mut member = world.join(&topic, "readers").await;
    let (records, ()) = tokio::join!(poll(&mut *member, 1), world.publish(&topic, &["late"], None));
    assert_eq!(ids(&records), ["late"]);
    leave(member).await;
}

async fn a_member_that_stops_waiting_loses_nothing(world: &World) {
    let topic = world.topic("impatient");
    let mut member = world.join(&topic, "readers").await;
    let mut records = Vec::new();
    let until = Instant::now() + PATIENCE;
    for id in ["a", "b", "c"] {
        world.publish(&topic, &[id], None).await;
        while !ids(&records).contains(&id) {
            assert!(Instant::now() < until, "{id} does not come");
            if let Ok(more) = timeout(Duration::from_millis(1), member.poll(100)).await {
                records.extend(more.unwrap());
            }
        }
    }
    assert_eq!(ids(&records), ["a", "b", "c"]);
    leave(member).await;
}

async fn what_was_not_committed_comes_again(world: &World) {
    let topic = world.topic("again");
    world.publish(&topic, &["a", "b", "c"], None).await;
    let mut member = world.join(&topic, "readers").await;
    let records = poll(&mut *member, 3).await;
    member.commit(&records[0]).await.unwrap();
    leave(member).await;
    let mut again = world.join(&topic, "readers").await;
    assert_eq!(ids(&poll(&mut *again, 2).await), ["b", "c"]);
    leave(again).await;
}

async fn what_was_committed_does_not_come_again_after_leaving(world: &World) {
    let topic = world.topic("clean");
    for round in 0..5 {
        let id = round.to_string();
        world.publish(&topic, &[&id], None).await;
        let mut member = world.join(&topic, "readers").await;
        let records = poll(&mut *member, 1).await;
        assert_eq!(ids(&records), [id]);
        member.commit(&records[0]).await.unwrap();
        leave(member).await;
    }
}

async fn a_late_commit_does_not_move_a_group_back(world: &World) {
    let topic = world.topic("late-commit");
    world.publish(&topic, &["a", "b"], None).await;
    let mut member = world.join(&topic, "readers").await;
    let records = poll(&mut *member, 2).await;
    member.commit(&records[1]).await.unwrap();
    member.commit(&records[0]).await.unwrap();
    leave(member).await;
    world.publish(&topic, &["c"], None).await;
    let mut again = world.join(&topic, "readers").await;
    assert_eq!(ids(&poll(&mut *again, 1).await), ["c"]);
    leave(again).await;
}

async fn members_share_the_partitions_and_take_over(world: &World) {
    let topic = world.topic("shared");
    let mut first = world.join(&topic, "readers").await;
    let mut second = world.join(&topic, "readers").await;
    let until = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < until, "the partitions are not shared");
        let round = round(world, &topic, &mut [&mut *first, &mut *second]).await;
        let [of_first, of_second] = &round[..] else { unreachable!() };
        if of_first.len() == 2 && of_second.len() == 2 && of_first.is_disjoint(of_second) {
            break;
        }
    }
    drop(second);
    loop {
        assert!(Instant::now() < until, "who is left does not take over");
        if round(world, &topic, &mut [&mut *first]).await[0].len() == 4 {
            break;
        }
    }
    nothing_comes(&mut *first).await;
    leave(first).await;
}

/// Publishes to every partition, and answers which of them each member reads, committing what comes.
async fn round(
    world: &World,
    topic: &str,
    members: &mut [&mut dyn Subscription],
) -> Vec<BTreeSet<i32>> {
    for key in 0..16 {
        let key = format!("key {key}");
        world.publish(topic, &[&key], Some(&key)).await;
    }
    let mut partitions = Vec::new();
    for member in members {
        let mut read = BTreeSet::new();
        // Until it is quiet: the last records show what the member has by then.
        while let Ok(records) = timeout(Duration::from_millis(300), member.poll(100)).await {
            let records: Vec<Record> = records.unwrap();
            read.extend(records.iter().map(|record| record.partition));
            for record in &records {
                member.commit(record).await.unwrap();
            }
        }
        partitions.push(read);
    }
    partitions
}
