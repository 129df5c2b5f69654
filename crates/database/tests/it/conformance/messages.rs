//! Messages that wait, and messages that were handled.

use std::time::Duration;

use database::{Changes, CommitError, Header, Message};

use super::{World, book, insert, message};

pub(super) async fn all(world: &World) {
    handles_a_message_once(world).await;
    handles_several_messages_at_once_or_none(world).await;
    handles_whatever_ids_others_give(world).await;
    forgets_only_what_was_handled_before(world).await;
    sends_messages_in_order_and_forgets_them(world).await;
    keeps_a_message_as_it_is(world).await;
    keeps_channels_apart(world).await;
    reads_as_many_messages_as_were_asked_for(world).await;
    reads_a_few_messages_at_a_time_when_they_are_large(world).await;
    wakes_who_waits_for_a_channel(world).await;
    gives_a_lease_to_one_holder_at_a_time(world).await;
    removes_nothing_for_who_has_lost_the_lease(world).await;
}

async fn refuses_handled(world: &World, changes: Changes) {
    let done = world.database.commit(changes).await;
    assert!(matches!(done, Err(CommitError::AlreadyHandled)), "{done:?}");
}

async fn handles_a_message_once(world: &World) {
    let group = world.name("group");
    let first = insert(&world.name("once"), book("once", 1)).handled(&group, "m1");
    world.database.commit(first).await.unwrap();
    let channel = world.name("again");
    let again = insert(&world.name("once more"), book("again", 1))
        .send(message("again", &channel, "k"))
        .handled(&group, "m1");
    refuses_handled(world, again).await;
    refuses_handled(world, Changes::new().handled(&group, "m1")).await;
    assert_eq!(world.read("once more").await, None);
    assert_eq!(world.unsent(&channel).await, []);
    let other = world.name("other group");
    world.database.commit(Changes::new().handled(&other, "m1")).await.unwrap();
}

async fn handles_several_messages_at_once_or_none(world: &World) {
    let group = world.name("several");
    let titles = ["one", "two"];
    let both = titles.iter().fold(Changes::new(), |changes, title| {
        changes.and(insert(&world.name(title), book(title, 1)).handled(&group, title))
    });
    match world.database.commit(both.clone()).await {
        Ok(()) => {}
        Err(CommitError::Refused(_)) => {
            // A database may want one commit for each; then nothing has happened.
            for title in titles {
                assert_eq!(world.read(title).await, None);
                world.database.commit(Changes::new().handled(&group, title)).await.unwrap();
            }
            return;
        }
        Err(error) => panic!("{error:?}"),
    }
    for title in titles {
        assert!(world.read(title).await.is_some());
        refuses_handled(world, Changes::new().handled(&group, title)).await;
    }
    let late = insert(&world.name("three"), book("three", 1)).handled(&group, "three");
    refuses_handled(world, late.handled(&group, "two")).await;
    assert_eq!(world.read("three").await, None);
    refuses_handled(world, Changes::new().handled(&group, "four").handled(&group, "four")).await;
    world.database.commit(Changes::new().handled(&group, "three")).await.unwrap();
}

async fn handles_whatever_ids_others_give(world: &World) {
    let group = world.name("foreign");
    let long = "id ".repeat(5_000);
    for id in ["", " ", "\0", "a\0b", "a\\0b", "a\\\0b", "🐋", &long, &format!("{long}x")] {
        world.database.commit(Changes::new().handled(&group, id)).await.unwrap();
        refuses_handled(world, Changes::new().handled(&group, id)).await;
    }
}

async fn forgets_only_what_was_handled_before(world: &World) {
    let group = world.name("forgetful");
    let handle = || Changes::new().handled(&group, "m1");
    world.database.commit(handle()).await.unwrap();
    world.database.forget_handled("2020-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    refuses_handled(world, handle()).await;
    let later = "2100-01-01T00:00:00Z".parse().unwrap();
    assert!(world.database.forget_handled(later).await.unwrap() > 0);
    assert_eq!(world.database.forget_handled(later).await.unwrap(), 0);
    world.database.commit(handle()).await.unwrap();
}

async fn sends_messages_in_order_and_forgets_them(world: &World) {
    let channel = &world.name("ordered");
    let sent = ["a", "b", "c"].map(|name| message(name, channel, "k"));
    world.database.commit(Changes::new().send_all(sent[..2].to_vec())).await.unwrap();
    world.database.commit(Changes::new().send(sent[2].clone())).await.unwrap();
    let waiting = world.unsent(channel).await;
    assert_eq!(waiting.iter().map(|(_, message)| message.clone()).collect::<Vec<_>>(), sent);
    assert!(waiting.is_sorted_by(|left, right| left.0 < right.0), "{waiting:?}");
    assert_eq!(world.waiting(channel).await, 3);
    let unsent = async |after, limit| world.database.unsent(channel, after, limit).await.unwrap();
    assert_eq!(unsent(0, 2).await, waiting[..2]);
    assert_eq!(unsent(waiting[0].0, 10).await, waiting[1..]);
    let accepted = [waiting[0].0, waiting[1].0];
    for _ in 0..2 {
        world.sent(channel, &accepted).await;
        assert_eq!(unsent(0, 10).await, waiting[2..]);
    }
    world.sent(channel, &[]).await;
    assert_eq!(world.waiting(channel).await, 1);
}

async fn keeps_a_message_as_it_is(world: &World) {
    let channel = world.name("strange");
    let header = |name: &str, value: &[u8]| Header { name: name.to_owned(), value: value.to_vec() };
    let plain = message("plain", &channel, "k");
    let all_bytes: Vec<u8> = (0..=255).collect();
    let messages = [
        plain.clone(),
        Message { key: None, headers: Vec::new(), payload: Vec::new(), ..plain.clone() },
        Message {
            key: Some(String::new()),
            headers: vec![header("b", b"1"), header("a", &all_bytes), header("b", b"2")],
            payload: all_bytes.repeat(1000),
            ..plain.clone()
        },
        // From whoever writes to a topic that we read.
        Message {
            id: "a\0b\\0".to_owned(),
            topic: "to\0pic".to_owned(),
            key: Some("\\k\0\\\0".to_owned()),
            headers: vec![header("na\0me", b"\0"), header("", b"")],
            created: "-000044-03-15T12:00:00.123Z".parse().unwrap(),
            ..plain.clone()
        },
        Message { created: jiff::Timestamp::MIN, ..plain },
    ];
    world.database.commit(Changes::new().send_all(messages.clone())).await.unwrap();
    let kept: Vec<Message> =
        world.unsent(&channel).await.into_iter().map(|(_, message)| message).collect();
    assert_eq!(kept, messages);
}

async fn keeps_channels_apart(world: &World) {
    let (left, right) = (world.name("left"), world.name("right"));
    let both = Changes::new().send(message("x", &left, "k")).send(message("y", &right, "k"));
    world.database.commit(both).await.unwrap();
    for (channel, expected) in [(&left, "x"), (&right, "y")] {
        let waiting = world.unsent(channel).await;
        assert_eq!(world.waiting(channel).await, waiting.len() as u64);
        assert_eq!(waiting.iter().map(|(_, sent)| &*sent.id).collect::<Vec<_>>(), [expected]);
    }
    assert_eq!(world.unsent(&world.name("neither")).await, []);
}

async fn reads_as_many_messages_as_were_asked_for(world: &World) {
    let channel = world.name("numerous");
    let messages = (0..600).map(|number| message(&number.to_string(), &channel, "k"));
    world.database.commit(Changes::new().send_all(messages)).await.unwrap();
    let all = world.unsent(&channel).await;
    assert_eq!(all.len(), 600);
    assert_eq!(world.database.unsent(&channel, 0, 512).await.unwrap(), all[..512]);
    assert_eq!(world.database.unsent(&channel, all[299].0, 512).await.unwrap(), all[300..]);
}

async fn reads_a_few_messages_at_a_time_when_they_are_large(world: &World) {
    let channel = world.name("large");
    for name in ["a", "b", "c"] {
        let large = Message { payload: vec![7; 6 << 20], ..message(name, &channel, "k") };
        world.database.commit(Changes::new().send(large)).await.unwrap();
    }
    let first = world.database.unsent(&channel, 0, 10).await.unwrap();
    assert!((1..=2).contains(&first.len()), "{} messages at once", first.len());
    let all = world.unsent(&channel).await;
    assert_eq!(all.iter().map(|(_, sent)| &*sent.id).collect::<Vec<_>>(), ["a", "b", "c"]);
    let positions: Vec<i64> = all.iter().map(|(position, _)| *position).collect();
    world.sent(&channel, &positions).await;
    assert_eq!(world.unsent(&channel).await, []);
}

async fn wakes_who_waits_for_a_channel(world: &World) {
    let channel = world.name("waking");
    let mut added = world.database.added(&channel);
    added.mark_unchanged();
    let elsewhere = message("other", &world.name("elsewhere"), "k");
    world.database.commit(Changes::new().send(elsewhere)).await.unwrap();
    assert!(!added.has_changed().unwrap());
    world.database.commit(Changes::new().send(message("mine", &channel, "k"))).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), added.changed()).await.unwrap().unwrap();
    assert_eq!(world.unsent(&channel).await.len(), 1);
}

async fn gives_a_lease_to_one_holder_at_a_time(world: &World) {
    let channel = &world.name("leased");
    let take = async |holder, seconds| {
        let time = Duration::from_secs_f64(seconds);
        world.database.lease(channel, holder, time).await.unwrap()
    };
    let first = take("a", 60.0).await.unwrap();
    assert_eq!([take("b", 60.0).await, take("a", 60.0).await], [None, Some(first)]);
    world.database.release(channel, first).await.unwrap();
    let second = take("b", 0.05).await.unwrap();
    assert!(second > first);
    // Who has lost a lease cannot give back that of another.
    world.database.release(channel, first).await.unwrap();
    let mut third = None;
    for _ in 0..100 {
        third = take("a", 60.0).await;
        if third.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(third.is_some_and(|third| third > second), "a lease that is over is free: {third:?}");
    assert_eq!(take("b", 60.0).await, None);
    assert!(
        world.database.lease(&world.name("other"), "b", Duration::ZERO).await.unwrap().is_some()
    );
}

async fn removes_nothing_for_who_has_lost_the_lease(world: &World) {
    let channel = &world.name("fenced");
    world.database.commit(Changes::new().send(message("a", channel, "k"))).await.unwrap();
    let (position, _) = world.unsent(channel).await.remove(0);
    let lease = async |holder| {
        world.database.lease(channel, holder, Duration::from_secs(60)).await.unwrap().unwrap()
    };
    let lost = lease("a").await;
    world.database.release(channel, lost).await.unwrap();
    let held = lease("b").await;
    assert!(!world.database.sent(channel, &[position], lost).await.unwrap());
    assert!(!world.database.sent(channel, &[], lost).await.unwrap());
    assert_eq!(world.unsent(channel).await.len(), 1);
    assert!(world.database.sent(channel, &[position], held).await.unwrap());
    assert_eq!(world.unsent(channel).await, []);
}
