//! Under which of Spring's keys properties of Kafka's clients stand.

use super::Side;

/// Spring's keys that begin so: the rest is the client's property, for this side. In the order in which Spring takes them, a
/// later one goes before an earlier one.
pub const SPRING_PREFIXES: &[(&str, Side)] = &[
    ("spring.kafka.properties.", Side::Both),
    ("spring.kafka.producer.properties.", Side::Producer),
    ("spring.kafka.consumer.properties.", Side::Consumer),
    ("spring.cloud.stream.kafka.binder.configuration.", Side::Both),
    ("spring.cloud.stream.kafka.binder.producer-properties.", Side::Producer),
    ("spring.cloud.stream.kafka.binder.consumer-properties.", Side::Consumer),
];

/// What a single key of Spring's is to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The key.
    pub key: &'static str,
    /// Which clients it is for.
    pub side: Side,
    /// The client's name for it.
    pub property: &'static str,
}

const fn place(key: &'static str, side: Side, property: &'static str) -> Place {
    Place { key, side, property }
}

/// A part of a login, which the client has no name for; `login.rs` reads it.
const fn login(key: &'static str) -> Place {
    place(key, Side::Both, key)
}

/// Single keys of Spring's that name a client's property, or a part of a login. They come before all of [`SPRING_PREFIXES`].
pub const SPRING_NAMES: &[Place] = &[
    place("spring.kafka.client-id", Side::Both, "client.id"),
    place("spring.kafka.security.protocol", Side::Both, "security.protocol"),
    place("spring.kafka.ssl.key-password", Side::Both, "ssl.key.password"),
    place(
        "spring.kafka.ssl.key-store-certificate-chain",
        Side::Both,
        "ssl.keystore.certificate.chain",
    ),
    place("spring.kafka.ssl.key-store-key", Side::Both, "ssl.keystore.key"),
    place("spring.kafka.ssl.key-store-location", Side::Both, "ssl.keystore.location"),
    place("spring.kafka.ssl.key-store-password", Side::Both, "ssl.keystore.password"),
    place("spring.kafka.ssl.key-store-type", Side::Both, "ssl.keystore.type"),
    place("spring.kafka.ssl.trust-store-certificates", Side::Both, "ssl.truststore.certificates"),
    place("spring.kafka.ssl.trust-store-location", Side::Both, "ssl.truststore.location"),
    place("spring.kafka.ssl.trust-store-password", Side::Both, "ssl.truststore.password"),
    place("spring.kafka.ssl.trust-store-type", Side::Both, "ssl.truststore.type"),
    place("spring.kafka.producer.acks", Side::Producer, "acks"),
    place("spring.kafka.producer.client-id", Side::Producer, "client.id"),
    place("spring.kafka.producer.compression-type", Side::Producer, "compression.type"),
    place("spring.kafka.producer.retries", Side::Producer, "retries"),
    place("spring.kafka.producer.security.protocol", Side::Producer, "security.protocol"),
    place("spring.kafka.consumer.auto-offset-reset", Side::Consumer, "auto.offset.reset"),
    place("spring.kafka.consumer.client-id", Side::Consumer, "client.id"),
    place("spring.kafka.consumer.enable-auto-commit", Side::Consumer, "enable.auto.commit"),
    place("spring.kafka.consumer.isolation-level", Side::Consumer, "isolation.level"),
    place("spring.kafka.consumer.max-poll-records", Side::Consumer, "max.poll.records"),
    place("spring.kafka.consumer.security.protocol", Side::Consumer, "security.protocol"),
    place("spring.kafka.producer.ssl.key-password", Side::Producer, "ssl.key.password"),
    place(
        "spring.kafka.producer.ssl.key-store-certificate-chain",
        Side::Producer,
        "ssl.keystore.certificate.chain",
    ),
    place("spring.kafka.producer.ssl.key-store-key", Side::Producer, "ssl.keystore.key"),
    place("spring.kafka.producer.ssl.key-store-location", Side::Producer, "ssl.keystore.location"),
    place("spring.kafka.producer.ssl.key-store-password", Side::Producer, "ssl.keystore.password"),
    place("spring.kafka.producer.ssl.key-store-type", Side::Producer, "ssl.keystore.type"),
    place(
        "spring.kafka.producer.ssl.trust-store-certificates",
        Side::Producer,
        "ssl.truststore.certificates",
    ),
    place(
        "spring.kafka.producer.ssl.trust-store-location",
        Side::Producer,
        "ssl.truststore.location",
    ),
    place(
        "spring.kafka.producer.ssl.trust-store-password",
        Side::Producer,
        "ssl.truststore.password",
    ),
    place("spring.kafka.producer.ssl.trust-store-type", Side::Producer, "ssl.truststore.type"),
    place("spring.kafka.consumer.ssl.key-password", Side::Consumer, "ssl.key.password"),
    place(
        "spring.kafka.consumer.ssl.key-store-certificate-chain",
        Side::Consumer,
        "ssl.keystore.certificate.chain",
    ),
    place("spring.kafka.consumer.ssl.key-store-key", Side::Consumer, "ssl.keystore.key"),
    place("spring.kafka.consumer.ssl.key-store-location", Side::Consumer, "ssl.keystore.location"),
    place("spring.kafka.consumer.ssl.key-store-password", Side::Consumer, "ssl.keystore.password"),
    place("spring.kafka.consumer.ssl.key-store-type", Side::Consumer, "ssl.keystore.type"),
    place(
        "spring.kafka.consumer.ssl.trust-store-certificates",
        Side::Consumer,
        "ssl.truststore.certificates",
    ),
    place(
        "spring.kafka.consumer.ssl.trust-store-location",
        Side::Consumer,
        "ssl.truststore.location",
    ),
    place(
        "spring.kafka.consumer.ssl.trust-store-password",
        Side::Consumer,
        "ssl.truststore.password",
    ),
    place("spring.kafka.consumer.ssl.trust-store-type", Side::Consumer, "ssl.truststore.type"),
    login("spring.kafka.jaas.enabled"),
    login("spring.kafka.jaas.login-module"),
    login("spring.kafka.jaas.control-flag"),
    login("spring.kafka.jaas.options.username"),
    login("spring.kafka.jaas.options.password"),
    login("spring.kafka.jaas.options.clientId"),
    login("spring.kafka.jaas.options.clientSecret"),
    login("spring.kafka.jaas.options.scope"),
    login("spring.cloud.stream.kafka.binder.jaas.login-module"),
    login("spring.cloud.stream.kafka.binder.jaas.control-flag"),
    login("spring.cloud.stream.kafka.binder.jaas.options.username"),
    login("spring.cloud.stream.kafka.binder.jaas.options.password"),
    login("spring.cloud.stream.kafka.binder.jaas.options.clientId"),
    login("spring.cloud.stream.kafka.binder.jaas.options.clientSecret"),
    login("spring.cloud.stream.kafka.binder.jaas.options.scope"),
];
