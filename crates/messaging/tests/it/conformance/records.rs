//! What is published arrives whole, in order, and where it belongs.

use messaging::{Failure, Header};

use super::{World, ids, leave, message, poll};

pub(super) async fn all(one: &World, four: &World) {
    arrive_whole_and_in_order(one).await;
    headers_arrive_byte_for_byte(one).await;
    stay_in_the_partition_of_their_key(four).await;
    are_placed_where_java_places_them(four).await;
    keep_the_order_of_their_key(four).await;
    with_an_impossible_topic_are_rejected_alone(one).await;
}

async fn arrive_whole_and_in_order(world: &World) {
    let topic = world.topic("whole");
    world.publish(&topic, &["a", "b"], Some("k")).await;
    world.publish(&topic, &["c"], None).await;
    let mut member = world.join(&topic, "readers").await;
    let records = poll(&mut *member, 3).await;
    assert_eq!(ids(&records), ["a", "b", "c"]);
    assert_eq!(records.iter().map(|record| record.offset).collect::<Vec<_>>(), [0, 1, 2]);
    let (sent, got) = (message(&topic, "a", Some("k")), &records[0]);
    assert_eq!((&got.headers, got.timestamp), (&sent.headers, sent.created));
    assert_eq!((got.key.as_deref(), records[2].key.as_deref()), (Some(&b"k"[..]), None));
    leave(member).await;
}

async fn headers_arrive_byte_for_byte(world: &World) {
    let topic = world.topic("headers");
    let header = |name: &str, value: &[u8]| Header { name: name.to_owned(), value: value.to_vec() };
    let mut sent = message(&topic, "", None);
    sent.headers = vec![
        header("contentType", b"\"application/json\""),
        header("spring_json_header_types", br#"{"contentType":"java.lang.String"}"#),
        header("bytes", &[0, 255, 128, 10, 0]),
        header("empty", b""),
        header("twice", b"1"),
        header("twice", b"2"),
        header("ключ", "значение".as_bytes()),
    ];
    assert!(world.broker.publish(std::slice::from_ref(&sent)).await[0].is_ok());
    let mut member = world.join(&topic, "readers").await;
    let records = poll(&mut *member, 1).await;
    assert_eq!(records[0].headers, sent.headers);
    assert_eq!(records[0].payload.as_deref(), Some(&b""[..]), "empty is not absent");
    leave(member).await;
}

async fn stay_in_the_partition_of_their_key(world: &World) {
    let topic = world.topic("same-key");
    world.publish(&topic, &["a", "b", "c"], Some("same")).await;
    let mut member = world.join(&topic, "readers").await;
    let records = poll(&mut *member, 3).await;
    assert_eq!(ids(&records), ["a", "b", "c"]);
    assert!(records.iter().all(|record| record.partition == records[0].partition));
    leave(member).await;
}

/// The hashes of Kafka's own UtilsTest.testMurmur2, made positive, modulo four.
async fn are_placed_where_java_places_them(world: &World) {
    let topic = world.topic("places");
    let keys = [
        ("21", -973_932_308_i32),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    ];
    for (key, _) in keys {
        world.publish(&topic, &[key], Some(key)).await;
    }
    let mut member = world.join(&topic, "readers").await;
    let records = poll(&mut *member, keys.len()).await;
    for (key, hash) in keys {
        let found = records.iter().find(|record| record.key.as_deref() == Some(key.as_bytes()));
        assert_eq!(found.unwrap().partition, (hash & 0x7fff_ffff) % 4, "{key}");
    }
    leave(member).await;
}

async fn keep_the_order_of_their_key(world: &World) {
    let topic = world.topic("order");
    let keys: Vec<String> = (0..8).map(|key| format!("key {key}")).collect();
    let messages: Vec<_> = (0..800)
        .map(|number| message(&topic, &number.to_string(), Some(&keys[number % keys.len()])))
        .collect();
    for batch in messages.chunks(256) {
        assert!(world.broker.publish(batch).await.iter().all(Result::is_ok));
    }
    let mut member = world.join(&topic, "readers").await;
    let records = poll(&mut *member, messages.len()).await;
    for key in keys {
        let of_key = records.iter().filter(|record| record.key.as_deref() == Some(key.as_bytes()));
        let numbers: Vec<u32> =
            of_key.map(|record| ids(std::slice::from_ref(record))[0].parse().unwrap()).collect();
        assert_eq!(numbers.len(), 100, "{key}");
        assert!(numbers.is_sorted(), "{key}: {numbers:?}");
    }
    leave(member).await;
}

async fn with_an_impossible_topic_are_rejected_alone(world: &World) {
    let wrong = message("no topic/name", "x", None);
    let outcomes =
        world.broker.publish(&[wrong, message(&world.topic("possible"), "good", None)]).await;
    assert!(matches!(outcomes[..], [Err(Failure::Reject(_)), Ok(())]), "{outcomes:?}");
    assert!(world.broker.subscribe("..", "readers").await.is_err());
    assert!(world.broker.tail("no topic/name").await.is_err());
    assert!(world.broker.subscribe(&world.topic("possible"), "").await.is_err());
}
