//! A user and a password without TLS, which needs nothing that is not always built in.

use super::{Door, Keys, carries, refused};
use crate::{SERVER, variable};

const BINDER: [&str; 3] = [
    "spring.cloud.stream.kafka.binder.configuration.security.protocol",
    "spring.cloud.stream.kafka.binder.configuration.sasl.mechanism",
    "spring.cloud.stream.kafka.binder.configuration.sasl.jaas.config",
];

/// The line of a login module.
pub(super) fn line(module: &str, password: &str) -> String {
    let user = variable("REAL_KAFKA_USER");
    format!(
        "org.apache.kafka.common.security.{module} required username=\"{user}\" password=\"{password}\";"
    )
}

fn plain(password: &str) -> String {
    line("plain.PlainLoginModule", password)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_in_by_a_line_wherever_spring_takes_it() {
    let _server = SERVER.read().await;
    let line = plain(&variable("REAL_KAFKA_PASSWORD"));
    let ways: [(&str, Keys); 3] = [
        (
            "login-binder",
            vec![(BINDER[0], "SASL_PLAINTEXT"), (BINDER[1], "PLAIN"), (BINDER[2], &line)],
        ),
        (
            "login-both",
            vec![
                ("spring.kafka.security.protocol", "SASL_PLAINTEXT"),
                ("spring.kafka.properties.sasl.mechanism", "PLAIN"),
                ("spring.kafka.properties.sasl.jaas.config", &line),
            ],
        ),
        (
            "login-sides",
            vec![
                ("spring.kafka.producer.security.protocol", "SASL_PLAINTEXT"),
                ("spring.kafka.producer.properties.sasl.mechanism", "PLAIN"),
                ("spring.kafka.producer.properties.sasl.jaas.config", &line),
                ("spring.kafka.consumer.security.protocol", "SASL_PLAINTEXT"),
                ("spring.kafka.consumer.properties.sasl.mechanism", "PLAIN"),
                ("spring.kafka.consumer.properties.sasl.jaas.config", &line),
            ],
        ),
    ];
    for (name, keys) in ways {
        carries(name, &variable("REAL_KAFKA_SASL"), &keys).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_in_by_springs_own_keys() {
    let _server = SERVER.read().await;
    let (user, password) = (variable("REAL_KAFKA_USER"), variable("REAL_KAFKA_PASSWORD"));
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
    let boot = vec![
        ("spring.kafka.security.protocol", "SASL_PLAINTEXT"),
        ("spring.kafka.properties.sasl.mechanism", "PLAIN"),
        ("spring.kafka.jaas.enabled", "true"),
        ("spring.kafka.jaas.login-module", module),
        ("spring.kafka.jaas.control-flag", "REQUIRED"),
        ("spring.kafka.jaas.options.username", &user),
        ("spring.kafka.jaas.options.password", &password),
    ];
    carries("login-boot-keys", &variable("REAL_KAFKA_SASL"), &boot).await;
    let binder = vec![
        (BINDER[0], "SASL_PLAINTEXT"),
        (BINDER[1], "PLAIN"),
        ("spring.cloud.stream.kafka.binder.jaas.login-module", module),
        ("spring.cloud.stream.kafka.binder.jaas.options.username", &user),
        ("spring.cloud.stream.kafka.binder.jaas.options.password", &password),
    ];
    carries("login-binder-keys", &variable("REAL_KAFKA_SASL"), &binder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_named_and_not_tried_too_often() {
    let _server = SERVER.read().await;
    let line = plain("not this");
    let keys = [(BINDER[0], "SASL_PLAINTEXT"), (BINDER[1], "PLAIN"), (BINDER[2], &line)];
    let door = Door::open("127.0.0.1", variable("REAL_KAFKA_SASL")).await;
    refused("login-wrong", (&door.address, &door), &keys, &["Invalid username or password"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_wants_no_login_is_named() {
    let _server = SERVER.read().await;
    let line = plain(&variable("REAL_KAFKA_PASSWORD"));
    let keys = [(BINDER[0], "SASL_PLAINTEXT"), (BINDER[1], "PLAIN"), (BINDER[2], &line)];
    let door = Door::open("127.0.0.1", variable("REAL_KAFKA")).await;
    refused(
        "login-unwanted",
        (&door.address, &door),
        &keys,
        &["SASL PLAIN mechanism handshake failed"],
    )
    .await;
}

#[cfg(not(feature = "kafka-tls"))]
#[test]
fn what_needs_tls_stops_the_start_and_names_the_feature() {
    let scram = line("scram.ScramLoginModule", "any");
    for keys in [
        vec![("spring.kafka.security.protocol", "SSL")],
        vec![(BINDER[0], "SASL_SSL"), (BINDER[1], "PLAIN"), (BINDER[2], &scram)],
        vec![(BINDER[0], "SASL_PLAINTEXT"), (BINDER[1], "SCRAM-SHA-256"), (BINDER[2], &scram)],
        vec![(BINDER[0], "SASL_PLAINTEXT"), (BINDER[1], "OAUTHBEARER")],
    ] {
        let cause = super::deployed(&variable("REAL_KAFKA_TLS"), &keys).err().unwrap().to_string();
        assert!(cause.contains("build it with the feature kafka-tls"), "{cause}");
    }
}
