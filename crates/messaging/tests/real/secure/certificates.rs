//! TLS: whom we trust, and who we are.

use std::path::Path;

use super::{Door, Keys, carries, refused};
use crate::{SERVER, variable};

const PROTOCOL: (&str, &str) = ("spring.kafka.security.protocol", "SSL");
const CHAIN: &str = "spring.kafka.ssl.key-store-certificate-chain";
const KEY: &str = "spring.kafka.ssl.key-store-key";
const KEY_PASSWORD: &str = "spring.kafka.ssl.key-password";
const KEYS: &str = "spring.kafka.ssl.key-store-location";
const KEYS_FORM: &str = "spring.kafka.ssl.key-store-type";
const KEYS_PASSWORD: &str = "spring.kafka.ssl.key-store-password";
const TRUSTED: &str = "spring.kafka.ssl.trust-store-certificates";
const TRUSTED_FILE: &str = "spring.kafka.ssl.trust-store-location";
const TRUSTED_FORM: &str = "spring.kafka.ssl.trust-store-type";

/// The path of a file that the script has made.
pub(super) fn file(name: &str) -> String {
    format!("{}/{name}", variable("REAL_KAFKA_CERTIFICATES"))
}

/// Its content.
pub(super) fn text(name: &str) -> String {
    std::fs::read_to_string(Path::new(&file(name))).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_is_trusted_by_its_authority() {
    let _server = SERVER.read().await;
    let (authority, place) = (text("authority.pem"), file("authority.pem"));
    let address = format!("file://{place}");
    let several = format!("{}{authority}", text("stranger.pem"));
    let ways: [(&str, Keys); 5] = [
        ("trusted-text", vec![PROTOCOL, (TRUSTED, &authority)]),
        ("trusted-texts", vec![PROTOCOL, (TRUSTED, &several), (TRUSTED_FORM, "PEM")]),
        ("trusted-file", vec![PROTOCOL, (TRUSTED_FILE, &place), (TRUSTED_FORM, "PEM")]),
        ("trusted-address", vec![PROTOCOL, (TRUSTED_FILE, &address)]),
        (
            "trusted-by-the-binder",
            vec![
                ("spring.cloud.stream.kafka.binder.configuration.security.protocol", "SSL"),
                ("spring.cloud.stream.kafka.binder.configuration.ssl.truststore.location", &place),
                ("spring.cloud.stream.kafka.binder.configuration.ssl.truststore.type", "PEM"),
            ],
        ),
    ];
    for (name, keys) in ways {
        carries(name, &variable("REAL_KAFKA_TLS"), &keys).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_of_another_authority_is_not_trusted() {
    let _server = SERVER.read().await;
    let stranger = text("stranger.pem");
    let words = ["certificate could not be verified", "ssl.truststore.certificates"];
    for (name, keys) in [
        ("untrusted", vec![PROTOCOL, (TRUSTED, &*stranger)]),
        ("untrusted-by-the-system", vec![PROTOCOL]),
    ] {
        let door = Door::open("127.0.0.1", variable("REAL_KAFKA_TLS")).await;
        refused(name, (&door.address, &door), &keys, &words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_of_another_name_is_not_trusted_unless_names_do_not_matter() {
    let _server = SERVER.read().await;
    let authority = text("authority.pem");
    let keys = [PROTOCOL, (TRUSTED, &*authority)];
    // Its certificate is for another of this machine's addresses.
    let door = Door::open("127.0.0.2", variable("REAL_KAFKA_TLS")).await;
    let words = ["certificate could not be verified", "for the broker's address"];
    refused("misnamed", (&door.address, &door), &keys, &words).await;
    let door = Door::open("127.0.0.2", variable("REAL_KAFKA_TLS")).await;
    let names = ("spring.kafka.properties.ssl.endpoint.identification.algorithm", "");
    carries("unnamed", &door.address, &[&keys[..], &[names]].concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shows_a_certificate_of_its_own_in_every_form() {
    let _server = SERVER.read().await;
    let password = variable("REAL_KAFKA_PASSWORD");
    let (authority, chain) = (text("authority.pem"), text("client.pem"));
    let (key, locked) = (text("client.key"), text("client.locked.key"));
    let (both, pkcs12) = (file("client.both.pem"), file("client.p12"));
    let trusted = [PROTOCOL, (TRUSTED, &*authority)];
    let ways: [(&str, Keys); 5] = [
        ("own-text", vec![(CHAIN, &chain), (KEY, &key)]),
        (
            "own-locked",
            vec![(KEYS_FORM, "PEM"), (CHAIN, &chain), (KEY, &locked), (KEY_PASSWORD, &password)],
        ),
        ("own-file", vec![(KEYS, &both), (KEYS_FORM, "PEM")]),
        ("own-pkcs12", vec![(KEYS, &pkcs12), (KEYS_FORM, "PKCS12"), (KEYS_PASSWORD, &password)]),
        (
            "own-sides",
            vec![
                ("spring.kafka.producer.ssl.key-store-location", &both),
                ("spring.kafka.producer.ssl.key-store-type", "PEM"),
                ("spring.kafka.consumer.ssl.key-store-location", &both),
                ("spring.kafka.consumer.ssl.key-store-type", "PEM"),
            ],
        ),
    ];
    for (name, own) in ways {
        let keys = [&trusted[..], &own].concat();
        carries(name, &variable("REAL_KAFKA_MUTUAL_TLS"), &keys).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_certificate_of_its_own_it_is_told_to_have_one() {
    let _server = SERVER.read().await;
    let authority = text("authority.pem");
    let door = Door::open("127.0.0.1", variable("REAL_KAFKA_MUTUAL_TLS")).await;
    let keys = [PROTOCOL, (TRUSTED, &*authority)];
    let words = ["without a certificate that it trusts", "ssl.keystore.key"];
    refused("own-missing", (&door.address, &door), &keys, &words).await;
}
