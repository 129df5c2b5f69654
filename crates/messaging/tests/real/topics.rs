//! Topics are created when they are absent, and the health report tells of them.

use std::time::Duration;

use messaging::{Broker, Failure, Kafka, Publish, kafka::KafkaListener};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};

use crate::{
    SERVER,
    conformance::{leave, message, poll},
    kafka, settings, topic, variable,
};

/// How many partitions the server says that a topic has.
async fn partitions(topic: &str) -> usize {
    let (address, topic) = (variable("REAL_KAFKA"), topic.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        let mut config = ClientConfig::new();
        let asker: BaseConsumer = config.set("bootstrap.servers", address).create().unwrap();
        let found = asker.fetch_metadata(Some(&topic), Duration::from_secs(10)).unwrap();
        found.topics()[0].partitions().len()
    });
    asked.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_created_with_its_partitions_and_an_existing_one_is_left_alone() {
    let _server = SERVER.read().await;
    let (published, listened) = (topic("created"), topic("created-by-listening"));
    let three = kafka(3, &[]);
    assert!(three.publish(&[message(&published, "a", None)]).await[0].is_ok());
    drop(three.tail(&listened).await.unwrap());
    assert_eq!((partitions(&published).await, partitions(&listened).await), (3, 3));
    let five = kafka(5, &[]);
    assert!(five.publish(&[message(&published, "b", None)]).await[0].is_ok());
    assert_eq!(partitions(&published).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_must_not_be_created_is_waited_for() {
    let _server = SERVER.read().await;
    let topic = topic("absent");
    let mut strict = settings(&[]);
    strict.auto_create_topics = false;
    let strict = Kafka::new(&strict).unwrap();
    let outcomes = strict.publish(&[message(&topic, "a", None)]).await;
    let [Err(Failure::Retry(cause))] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(format!("{cause:#}").contains("auto-create-topics"), "{cause:#}");
    assert_eq!(partitions(&topic).await, 0);
    let mut member = strict.subscribe(&topic, "readers").await.unwrap();
    let made = kafka(1, &[]);
    let publish = async { assert!(made.publish(&[message(&topic, "b", None)]).await[0].is_ok()) };
    let (records, ()) = tokio::join!(poll(&mut *member, 1), publish);
    assert_eq!(records.len(), 1);
    leave(member).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_report_names_topics_and_listeners() {
    let _server = SERVER.read().await;
    let (broker, topic) = (kafka(2, &[]), topic("healthy"));
    broker.check(Duration::from_secs(10)).await.unwrap();
    assert!(broker.publish(&[message(&topic, "a", None)]).await[0].is_ok());
    let mut member = broker.subscribe(&topic, "readers").await.unwrap();
    poll(&mut *member, 1).await;
    broker.check(Duration::from_secs(10)).await.unwrap();
    let state = broker.state();
    let listener = KafkaListener {
        topic: topic.clone(),
        group: "readers".to_owned(),
        running: true,
        paused: false,
    };
    assert_eq!(
        (state.reachable, state.topics, state.listeners),
        (true, vec![topic], vec![listener])
    );
    leave(member).await;
    assert_eq!(broker.state().listeners, []);
}

#[tokio::test]
async fn the_health_report_says_that_nobody_answers() {
    let nobody = Kafka::new(&messaging::KafkaSettings::new("127.0.0.1:1").unwrap()).unwrap();
    let cause = nobody.check(Duration::from_secs(2)).await.unwrap_err();
    assert!(format!("{cause:#}").contains("refused"), "{cause:#}");
}
