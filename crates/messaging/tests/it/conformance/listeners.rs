//! Who listens without a group gets what comes from then on, and disturbs nobody.

use messaging::Record;
use tokio::time::{Duration, timeout};

use super::{World, ids, leave, nothing_comes, poll};

pub(super) async fn all(one: &World, four: &World) {
    get_everything_from_then_on(four).await;
    wait_and_may_give_up(one).await;
    do_not_disturb_a_group(one).await;
}

fn sorted(records: &[Record]) -> Vec<&str> {
    let mut ids = ids(records);
    ids.sort_unstable();
    ids
}

async fn get_everything_from_then_on(world: &World) {
    let topic = world.topic("listened-to");
    world.publish(&topic, &["before"], None).await;
    let mut first = world.broker.tail(&topic).await.unwrap();
    world.publish(&topic, &["a"], Some("one")).await;
    let mut second = world.broker.tail(&topic).await.unwrap();
    world.publish(&topic, &["b"], Some("two")).await;
    let of_first = poll(&mut *first, 2).await;
    assert_eq!(sorted(&of_first), ["a", "b"]);
    assert_eq!(sorted(&poll(&mut *second, 1).await), ["b"]);
    first.commit(&of_first[0]).await.unwrap();
    world.publish(&topic, &["c"], Some("three")).await;
    assert_eq!(sorted(&poll(&mut *first, 1).await), ["c"], "and only once");
    assert_eq!(sorted(&poll(&mut *second, 1).await), ["c"]);
    nothing_comes(&mut *first).await;
}

async fn wait_and_may_give_up(world: &World) {
    let topic = world.topic("patience");
    let mut listener = world.broker.tail(&topic).await.unwrap();
    let nothing = timeout(Duration::from_millis(1), listener.poll(100)).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let publishing = world.publish(&topic, &["a", "b"], None);
    let (records, ()) = tokio::join!(poll(&mut *listener, 2), publishing);
    assert_eq!(ids(&records), ["a", "b"]);
    world.publish(&topic, &["c", "d"], None).await;
    for expected in ["c", "d"] {
        assert_eq!(ids(&listener.poll(1).await.unwrap()), [expected]);
    }
}

async fn do_not_disturb_a_group(world: &World) {
    let topic = world.topic("undisturbed");
    world.publish(&topic, &["a"], None).await;
    let _listener = world.broker.tail(&topic).await.unwrap();
    let mut member = world.join(&topic, "readers").await;
    assert_eq!(ids(&poll(&mut *member, 1).await), ["a"]);
    leave(member).await;
}
