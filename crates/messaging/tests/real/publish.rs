//! What Kafka does not take, and what it takes only in parts.

use messaging::{Failure, Publish};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};

use crate::{
    SERVER,
    conformance::{ids, leave, message, poll},
    kafka, topic, variable,
};
use messaging::Broker;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_too_large_is_rejected_with_its_size_and_the_rest_arrives() {
    let _server = SERVER.read().await;
    let (broker, topic) = (kafka(1, &[]), topic("too-large"));
    let mut messages: Vec<_> = ["a", "large", "b"].map(|id| message(&topic, id, Some("k"))).into();
    messages[1].payload = vec![b'x'; 2_000_000];
    let outcomes = broker.publish(&messages).await;
    let [Ok(()), Err(Failure::Reject(cause)), Ok(())] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert!(format!("{cause:#}").contains("2000000 bytes of content"), "{cause:#}");
    let mut member = broker.subscribe(&topic, "readers").await.unwrap();
    assert_eq!(ids(&poll(&mut *member, 2).await), ["a", "b"]);
    leave(member).await;
}

/// The broker's limit is for a request's whole batch: small ones must not pay for their company.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_refused_together_are_sent_one_by_one() {
    let _server = SERVER.read().await;
    let topic = topic("narrow");
    create(NewTopic::new(&topic, 1, TopicReplication::Fixed(1)).set("max.message.bytes", "2000"))
        .await;
    // They wait for one another, so that they share a request.
    let broker = kafka(1, &[("linger.ms", "50")]);
    let mut messages: Vec<_> =
        (0..10).map(|number| message(&topic, &format!("{number:01000}"), Some("k"))).collect();
    messages[4].payload = vec![b'x'; 3000];
    messages.iter_mut().for_each(|message| message.headers.clear());
    let outcomes = broker.publish(&messages).await;
    for (at, outcome) in outcomes.iter().enumerate() {
        let expected =
            if at == 4 { matches!(outcome, Err(Failure::Reject(_))) } else { outcome.is_ok() };
        assert!(expected, "{at}: {outcome:?}");
    }
    let mut member = broker.subscribe(&topic, "readers").await.unwrap();
    let records = poll(&mut *member, 9).await;
    let numbers: Vec<u32> = ids(&records).iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    leave(member).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_that_is_cut_short_does_no_harm_to_what_follows() {
    let _server = SERVER.read().await;
    let (broker, topic) = (kafka(1, &[]), topic("cut-short"));
    for round in 0..20 {
        let messages: Vec<_> = (0..50)
            .map(|number| message(&topic, &format!("{round} {number}"), Some("k")))
            .collect();
        let publishing = broker.publish(&messages);
        drop(tokio::time::timeout(std::time::Duration::from_micros(round * 200), publishing).await);
        // In order and whole, whatever of the first try has arrived.
        let outcomes = broker.publish(&messages).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }
    let mut member = broker.subscribe(&topic, "readers").await.unwrap();
    let mut records = Vec::new();
    while !ids(&records).contains(&"19 49") || records.len() < 1000 {
        records.extend(poll(&mut *member, 1).await);
    }
    leave(member).await;
}

async fn create(new: NewTopic<'_>) {
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", variable("REAL_KAFKA"));
    let admin: AdminClient<_> = config.create().unwrap();
    let created = admin.create_topics(&[new], &AdminOptions::new()).await.unwrap();
    assert!(created.iter().all(Result::is_ok), "{created:?}");
}
