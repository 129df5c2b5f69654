//! Under which of Spring's keys properties of Kafka's clients stand.

use super::{Side, units::Units};

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
    /// How its values are written.
    pub(super) units: Units,
}

const fn place(key: &'static str, side: Side, property: &'static str) -> Place {
    Place { key, side, property, units: Units::None }
}

const fn time(key: &'static str, side: Side, property: &'static str) -> Place {
    Place { key, side, property, units: Units::Time }
}

const fn size(key: &'static str, side: Side, property: &'static str) -> Place {
    Place { key, side, property, units: Units::Size }
}

/// A part of a login, which the client has no name for; `login.rs` reads it.
const fn login(key: &'static str) -> Place {
    place(key, Side::Both, key)
}

/// All single keys: those of one side; those that stand below `spring.kafka`, and below its `producer` and `consumer` for one
/// side; the parts of a login, which stand below Spring Boot's key and the binder's.
macro_rules! names {
    (
        one { $($one:expr,)* }
        sides { $($key:literal => $property:literal,)* }
        login { $($part:literal,)* }
    ) => {
        &[
            $($one,)*
            $(place(concat!("spring.kafka.", $key), Side::Both, $property),)*
            $(place(concat!("spring.kafka.producer.", $key), Side::Producer, $property),)*
            $(place(concat!("spring.kafka.consumer.", $key), Side::Consumer, $property),)*
            $(login(concat!("spring.kafka.jaas.", $part)),)*
            $(login(concat!("spring.cloud.stream.kafka.binder.jaas.", $part)),)*
        ]
    };
}

/// Single keys of Spring's that name a client's property, or a part of a login. They come before all of [`SPRING_PREFIXES`].
pub const SPRING_NAMES: &[Place] = names! {
    one {
        place("spring.kafka.producer.acks", Side::Producer, "acks"),
        size("spring.kafka.producer.batch-size", Side::Producer, "batch.size"),
        size("spring.kafka.producer.buffer-memory", Side::Producer, "buffer.memory"),
        place("spring.kafka.producer.compression-type", Side::Producer, "compression.type"),
        place("spring.kafka.producer.retries", Side::Producer, "retries"),
        place("spring.kafka.consumer.auto-offset-reset", Side::Consumer, "auto.offset.reset"),
        place("spring.kafka.consumer.enable-auto-commit", Side::Consumer, "enable.auto.commit"),
        time("spring.kafka.consumer.fetch-max-wait", Side::Consumer, "fetch.max.wait.ms"),
        size("spring.kafka.consumer.fetch-min-size", Side::Consumer, "fetch.min.bytes"),
        time("spring.kafka.consumer.heartbeat-interval", Side::Consumer, "heartbeat.interval.ms"),
        place("spring.kafka.consumer.isolation-level", Side::Consumer, "isolation.level"),
        place("spring.kafka.consumer.max-poll-records", Side::Consumer, "max.poll.records"),
        login("spring.kafka.jaas.enabled"),
    }
    sides {
        "client-id" => "client.id",
        "security.protocol" => "security.protocol",
        "ssl.key-password" => "ssl.key.password",
        "ssl.key-store-certificate-chain" => "ssl.keystore.certificate.chain",
        "ssl.key-store-key" => "ssl.keystore.key",
        "ssl.key-store-location" => "ssl.keystore.location",
        "ssl.key-store-password" => "ssl.keystore.password",
        "ssl.key-store-type" => "ssl.keystore.type",
        "ssl.trust-store-certificates" => "ssl.truststore.certificates",
        "ssl.trust-store-location" => "ssl.truststore.location",
        "ssl.trust-store-password" => "ssl.truststore.password",
        "ssl.trust-store-type" => "ssl.truststore.type",
    }
    login {
        "login-module",
        "control-flag",
        "options.username",
        "options.password",
        "options.clientId",
        "options.clientSecret",
        "options.scope",
    }
};
