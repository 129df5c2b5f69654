//! Java's names and Spring's, as librdkafka takes them.

mod spring;
#[cfg(feature = "kafka-tls")]
mod tls;

use super::*;

fn settings(properties: &[(&str, &str)]) -> KafkaSettings {
    let mut settings = KafkaSettings::new("one:9092, two:9092").unwrap();
    for (name, value) in properties {
        settings.property(Side::Both, name, value).unwrap();
    }
    settings
}

/// The values that these properties give the producer and the consumer.
fn check(properties: &[(&str, &str)], producer: &[(&str, &str)], consumer: &[(&str, &str)]) {
    let configs = settings(properties).translate().unwrap();
    for (config, expected) in [(&configs.producer, producer), (&configs.consumer, consumer)] {
        for (name, value) in expected {
            assert_eq!(config.get(name), Some(*value), "{name} of {properties:?}");
        }
    }
    assert_eq!(configs.warnings, [""; 0], "{properties:?}");
}

fn warned(properties: &[(&str, &str)]) -> String {
    settings(properties).translate().unwrap().warnings.join("; ")
}

fn refused(properties: &[(&str, &str)]) -> String {
    match settings(properties).translate() {
        Ok(_) => panic!("{properties:?} was taken"),
        Err(cause) => format!("{cause:#}"),
    }
}

#[test]
fn takes_java_names() {
    let both = |name: &str, value: &str, ours: &[(&str, &str)]| check(&[(name, value)], ours, ours);
    both("client.id", "orders", &[("client.id", "orders")]);
    both("request.timeout.ms", "20000", &[("socket.timeout.ms", "20000")]);
    both("reconnect.backoff.max.ms", "500", &[("reconnect.backoff.max.ms", "500")]);
    both("receive.buffer.bytes", "-1", &[("socket.receive.buffer.bytes", "0")]);
    both(
        "metadata.max.age.ms",
        "30000",
        &[("metadata.max.age.ms", "30000"), ("topic.metadata.refresh.interval.ms", "30000")],
    );
    let producer =
        |name: &str, value: &str, ours: (&str, &str)| check(&[(name, value)], &[ours], &[]);
    producer("max.request.size", "2000000", ("message.max.bytes", "2000000"));
    producer("buffer.memory", "33554432", ("queue.buffering.max.kbytes", "32768"));
    producer("batch.size", "32768", ("batch.size", "32768"));
    producer("linger.ms", "5", ("linger.ms", "5"));
    producer("compression.type", "zstd", ("compression.type", "zstd"));
    producer("acks", "-1", ("acks", "all"));
    let consumer =
        |name: &str, value: &str, ours: (&str, &str)| check(&[(name, value)], &[], &[ours]);
    consumer("fetch.max.wait.ms", "100", ("fetch.wait.max.ms", "100"));
    consumer("max.partition.fetch.bytes", "1000000", ("fetch.message.max.bytes", "1000000"));
    consumer("auto.offset.reset", "none", ("auto.offset.reset", "error"));
    consumer("isolation.level", "READ_UNCOMMITTED", ("isolation.level", "read_uncommitted"));
    consumer("group.instance.id", "one", ("group.instance.id", "one"));
    consumer("session.timeout.ms", "10000", ("session.timeout.ms", "10000"));
    consumer("enable.auto.commit", "false", ("enable.auto.commit", "false"));
}

#[test]
fn a_group_speaks_one_protocol() {
    let java = "org.apache.kafka.clients.consumer.";
    for (classes, expected) in [
        (format!("{java}RangeAssignor,{java}CooperativeStickyAssignor"), "range"),
        (format!("{java}RoundRobinAssignor"), "roundrobin"),
        (format!("{java}CooperativeStickyAssignor"), "cooperative-sticky"),
        ("range,roundrobin".to_owned(), "range,roundrobin"),
    ] {
        let name = "partition.assignment.strategy";
        check(&[(name, &classes)], &[], &[(name, expected)]);
    }
    let unknown = warned(&[("partition.assignment.strategy", "org.example.OwnAssignor")]);
    assert!(unknown.contains("org.example.OwnAssignor does not exist here"), "{unknown}");
}

#[test]
fn what_could_lose_messages_is_not_taken() {
    for (name, value) in [
        ("acks", "1"),
        ("acks", "0"),
        ("enable.idempotence", "false"),
        ("enable.auto.commit", "true"),
        ("transactional.id", "t"),
        ("group.id", "another"),
        ("retries", "0"),
        ("partitioner", "random"),
        ("message.timeout.ms", "1000"),
    ] {
        let warning = warned(&[(name, value)]);
        assert!(warning.contains(&format!("{name}={value} is not taken: ")), "{warning}");
    }
    let configs = settings(&[("acks", "1"), ("enable.auto.commit", "true")]).translate().unwrap();
    assert_eq!(configs.producer.get("acks"), Some("all"));
    assert_eq!(configs.producer.get("enable.idempotence"), Some("true"));
    assert_eq!(configs.consumer.get("enable.auto.commit"), Some("false"));
}

#[test]
fn what_nobody_knows_is_named() {
    assert_eq!(
        warned(&[("key.serializer", "x")]),
        "Kafka property key.serializer has no effect here"
    );
    assert_eq!(
        warned(&[("max.poll.records", "10")]),
        "Kafka property max.poll.records has no effect here"
    );
    assert!(refused(&[("linger.ms", "soon")]).contains("linger.ms"));
    assert!(refused(&[("auto.offset.reset", "middle")]).contains("earliest, latest and none"));
}

#[test]
fn a_side_goes_before_both() {
    let mut settings = settings(&[("client.id", "both")]);
    settings.property(Side::Producer, "client.id", "producer").unwrap();
    let configs = settings.translate().unwrap();
    let ids = (configs.producer.get("client.id"), configs.consumer.get("client.id"));
    assert_eq!(ids, (Some("producer"), Some("both")));
    assert_eq!(configs.producer.get("bootstrap.servers"), Some("one:9092,two:9092"));
}

#[test]
fn a_stop_does_not_wait_for_a_delivery_of_minutes() {
    for (given, expected, warns) in [
        (None, 5000, false),
        (Some("10000"), 10_000, false),
        (Some("120000"), 30_000, true),
        (Some("1"), 1000, false),
    ] {
        let given: Vec<_> = given.map(|value| ("delivery.timeout.ms", value)).into_iter().collect();
        let configs = settings(&given).translate().unwrap();
        let found = (configs.delivery.as_millis(), !configs.warnings.is_empty());
        assert_eq!(found, (expected, warns), "{given:?}");
    }
}

const PLAIN: &str = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password='a;"\'b';"#;

#[test]
fn logs_in_with_a_password() {
    let given = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", PLAIN),
    ];
    let ours = [
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanisms", "PLAIN"),
        ("sasl.username", "alice"),
        ("sasl.password", "a;\"'b"),
    ];
    check(&given, &ours, &ours);
    // librdkafka takes it without OpenSSL.
    crate::Kafka::new(&settings(&given)).unwrap();
}

#[test]
fn says_what_is_wrong_with_a_login() {
    let sasl = ("security.protocol", "SASL_PLAINTEXT");
    let check = |given: &[(&str, &str)], expected: &str| {
        let given: Vec<_> = [sasl].into_iter().chain(given.iter().copied()).collect();
        let reason = refused(&given);
        assert!(reason.contains(expected), "{reason}");
        assert!(!reason.contains("tea"), "{reason}");
    };
    check(&[], "GSSAPI (Kerberos) is not built in");
    check(&[("sasl.mechanism", "PLAIN")], "sasl.jaas.config is missing");
    check(
        &[
            ("sasl.mechanism", "PLAIN"),
            ("sasl.jaas.config", "PlainLoginModule required username=a;"),
        ],
        "lacks the option password",
    );
    check(
        &[("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", "PlainLoginModule password=tea;")],
        "\"required\"",
    );
    check(
        &[
            ("sasl.mechanism", "PLAIN"),
            ("sasl.jaas.config", "PlainLoginModule required password=\"tea;"),
        ],
        "a quote without its end",
    );
    check(
        &[
            ("sasl.mechanism", "PLAIN"),
            ("sasl.jaas.config", "ScramLoginModule required username=a password=tea;"),
        ],
        "needs PlainLoginModule",
    );
    check(&[("sasl.mechanism", "CRAM")], "\"CRAM\" is none of PLAIN");
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", settings(&[("sasl.jaas.config", PLAIN)]));
    assert!(shown.contains("sasl.jaas.config") && !shown.contains("alice"), "{shown}");
}

#[test]
fn brokers_are_needed() {
    for brokers in ["", " , "] {
        assert!(KafkaSettings::new(brokers).is_err(), "{brokers:?}");
    }
    let mut none = settings(&[]);
    none.partitions = 0;
    assert!(none.translate().is_err());
}

#[test]
fn springs_keys_are_those_of_the_client() {
    for place in SPRING_NAMES {
        let known = names::rule(place.property).is_some()
            || known(place.property, "1")
            || place.property == "max.poll.records";
        assert!(known, "{}", place.property);
    }
}

#[cfg(not(feature = "kafka-tls"))]
#[test]
fn what_needs_openssl_names_the_feature() {
    for given in [
        &[("security.protocol", "SSL")][..],
        &[("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN")],
        &[("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "SCRAM-SHA-512")],
        &[("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "OAUTHBEARER")],
    ] {
        let reason = refused(given);
        assert!(reason.contains("the feature kafka-tls"), "{reason}");
    }
}
