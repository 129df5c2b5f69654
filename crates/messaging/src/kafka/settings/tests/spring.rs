//! Logins by Spring's own keys, and what is said of the properties that nobody reads.

use super::*;

const SASL: [(&str, &str); 2] =
    [("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "PLAIN")];
const MODULE: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";

fn alice<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    SASL.into_iter().chain(more.iter().copied()).collect()
}

fn logged_in(more: &[(&str, &str)], user: &str, password: &str) {
    let ours = [("sasl.username", user), ("sasl.password", password)];
    check(&alice(more), &ours, &ours);
}

#[test]
fn logs_in_by_springs_own_keys() {
    let boot = [
        ("spring.kafka.jaas.enabled", "true"),
        ("spring.kafka.jaas.login-module", MODULE),
        ("spring.kafka.jaas.control-flag", "REQUIRED"),
        ("spring.kafka.jaas.options.username", "alice"),
        ("spring.kafka.jaas.options.password", "a b\"c"),
    ];
    logged_in(&boot, "alice", "a b\"c");
    let binder = [
        ("spring.cloud.stream.kafka.binder.jaas.login-module", MODULE),
        ("spring.cloud.stream.kafka.binder.jaas.options.username", "bob"),
        ("spring.cloud.stream.kafka.binder.jaas.options.password", "b"),
    ];
    logged_in(&binder, "bob", "b");
    // Who is set for the whole process gives way to the client's own line.
    let line = [("sasl.jaas.config", PLAIN)];
    logged_in(&[&boot[..], &line].concat(), "alice", "a;\"'b");
    logged_in(&[&binder[..], &boot].concat(), "alice", "a b\"c");
    let disabled = ("spring.kafka.jaas.enabled", "false");
    logged_in(&[&binder[..], &[disabled]].concat(), "bob", "b");
}

#[test]
fn says_what_is_wrong_with_springs_own_keys() {
    let check = |more: &[(&str, &str)], expected: &str| {
        let reason = refused(&alice(more));
        assert!(reason.contains(expected), "{reason}");
        assert!(!reason.contains("tea"), "{reason}");
    };
    let (enabled, module) =
        (("spring.kafka.jaas.enabled", "true"), ("spring.kafka.jaas.login-module", MODULE));
    let password = ("spring.kafka.jaas.options.password", "tea");
    check(&[module, password], "spring.kafka.jaas has no effect unless spring.kafka.jaas.enabled");
    check(&[enabled, password], "spring.kafka.jaas names Krb5LoginModule");
    check(&[enabled, module, password], "spring.kafka.jaas lacks the option username");
    check(
        &[enabled, module, ("spring.kafka.jaas.control-flag", "perhaps")],
        "spring.kafka.jaas.control-flag \"perhaps\" is none of required",
    );
}

#[test]
fn every_part_of_a_login_by_springs_keys_is_read() {
    for place in SPRING_NAMES.iter().filter(|place| place.key.contains(".jaas.")) {
        assert_eq!(place.property, place.key);
        assert!(names::rule(place.property).is_some(), "{}", place.key);
    }
}

#[test]
fn what_nobody_reads_of_logins_and_certificates_is_named() {
    for name in ["ssl.protocol", "ssl.provider", "sasl.client.callback.handler.class"] {
        let expected = format!("Kafka property {name} has no effect here");
        assert_eq!(warned(&[(name, "x")]), expected);
    }
    let handler = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler";
    assert_eq!(warned(&[("sasl.login.callback.handler.class", handler)]), "");
    let warning = warned(&[("sasl.login.callback.handler.class", "org.example.Own")]);
    assert!(warning.contains("org.example.Own is not taken"), "{warning}");
    // librdkafka's own names are taken as they are.
    check(&[("sasl.username", "alice")], &[("sasl.username", "alice")], &[]);
}
