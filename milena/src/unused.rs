//! What somebody has set and what has no effect, named in the log: nothing is passed over in silence.

use std::collections::BTreeMap;

use chassis::config::Settings;
use tracing::warn;

use crate::arguments::Role;

/// Variables of a Java machine, which there is none of here.
const JAVA: [&str; 4] = ["_JAVA_OPTIONS", "JAVA_OPTS", "JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"];

/// Why keys and variables of a family have no effect, the longest beginnings first.
const REASONS: [(&str, &str); 13] = [
    ("spring.liquibase.", "the tables are made where spring.datasource.url says"),
    ("spring.jpa.", "the tables and how they are written are fixed"),
    ("spring.r2dbc.", "sessions are kept in the data folder"),
    ("spring.data.", "only spring.data.mongodb.uri and spring.data.mongodb.database are read"),
    ("spring.datasource.", "only url, username, password and hikari.maximum-pool-size are read"),
    ("spring.kafka.", "Kafka's clients have no such property in Spring's words"),
    ("spring.cloud.stream.", "only the keys of docs/configuration.md are read"),
    (
        "spring.cloud.config.",
        "only uri, username, password, name, profile, label, fail-fast and enabled are read",
    ),
    ("spring.mail.", "only the keys of docs/configuration.md are read; texts are UTF-8"),
    ("eureka.", "only the keys of docs/configuration.md are read"),
    ("jhipster.sleep", "whoever is not up yet is waited for"),
    ("logging.", "only logging.level.root is read; it may name parts: info,messaging=debug"),
    ("", "nobody here reads it"),
];

const SERVER: &str = "spring.cloud.config.server";
const THE_REGISTRY: &str = "this is the registry";

/// Names in the log what has no effect; `role` is the service that runs alone, none for the whole system.
pub(crate) fn warn_of(settings: &Settings, variables: &[(String, String)], role: Option<Role>) {
    for line in lines(settings, variables, role) {
        warn!("{line}");
    }
}

/// One sentence for each reason.
fn lines(settings: &Settings, variables: &[(String, String)], role: Option<Role>) -> Vec<String> {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, _) in settings.without_effect() {
        names.entry(reason(name)).or_default().push(name);
    }
    for name in variables.iter().map(|(name, _)| name.as_str()).filter(|name| JAVA.contains(name)) {
        names.entry("no Java machine runs here").or_default().push(name);
    }
    for (key, instead) in elsewhere(role) {
        // What is said of the Config server itself stands below what is said of its clients.
        let of_server = |name: &&str| name.starts_with(SERVER) && *key != SERVER;
        let set = settings.set_below(key).filter(|name| !of_server(name));
        names.entry(instead).or_default().extend(set);
    }
    let sentence = |(reason, names): (&str, Vec<&str>)| match names.len() {
        0 => None,
        1 => Some(format!("{} is set but has no effect: {reason}", names[0])),
        _ => Some(format!("{} are set but have no effect: {reason}", names.join(", "))),
    };
    names.into_iter().filter_map(sentence).collect()
}

/// The reason of a key or variable that nobody reads.
fn reason(name: &str) -> &'static str {
    let key = name.replace('_', ".").to_ascii_lowercase();
    let found = REASONS.iter().find(|(start, _)| key.starts_with(start));
    found.map_or("", |(_, reason)| reason)
}

/// Keys that another command follows.
fn elsewhere(role: Option<Role>) -> &'static [(&'static str, &'static str)] {
    match role {
        None => &[
            ("server", "move the ports of `up` with --port-offset or --ports"),
            ("eureka.instance", "services register with their loopback addresses"),
            ("spring.cloud.config", "`up` asks no Config server; its registry is one"),
        ],
        Some(Role::Store) => &[
            ("alert", "this is the store service"),
            ("spring.mail", "this is the store service"),
            ("jhipster.mail", "this is the store service"),
            ("milena.mail", "this is the store service"),
            ("spring.datasource", "this is the store service"),
            ("spring.security.user", "this is no registry"),
            ("milena.registry", "this is no registry"),
            (SERVER, "this is no registry"),
            ("eureka.server", "this is no registry"),
            ("encrypt", "this is no registry"),
        ],
        Some(Role::Alert) => &[
            ("milena.store", "this is the alert service"),
            ("spring.data", "this is the alert service"),
            ("spring.security.user", "this is no registry"),
            ("milena.registry", "this is no registry"),
            (SERVER, "this is no registry"),
            ("eureka.server", "this is no registry"),
            ("encrypt", "this is no registry"),
        ],
        Some(Role::Registry) => &[
            ("alert", THE_REGISTRY),
            ("milena.store", THE_REGISTRY),
            ("milena.mail", THE_REGISTRY),
            ("jhipster.mail", THE_REGISTRY),
            ("spring.mail", THE_REGISTRY),
            ("spring.data", THE_REGISTRY),
            ("spring.datasource", THE_REGISTRY),
            ("spring.cloud.stream", THE_REGISTRY),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], role: Option<Role>, expected: &[&str]) {
        let variables: Vec<_> =
            names.iter().map(|name| ((*name).to_owned(), "hunter2".to_owned())).collect();
        let settings = crate::defaults().unwrap().environment(variables.clone()).unwrap();
        let lines = lines(&settings, &variables, role);
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, start) in lines.iter().zip(expected) {
            assert!(line.starts_with(start) && !line.contains("hunter2"), "{line}");
        }
    }

    #[test]
    fn what_has_no_effect_is_named_once() {
        check(&["HOME", "SPRING_MAIL_HOST", "SPRINGFIELD"], None, &[]);
        check(
            &["SPRING_LIQUIBASE_URL", "SPRING_LIQUIBASE_CONTEXTS", "_JAVA_OPTIONS"],
            None,
            &[
                "_JAVA_OPTIONS is set but has no effect: no Java machine",
                "SPRING_LIQUIBASE_CONTEXTS, SPRING_LIQUIBASE_URL are set but have no effect",
            ],
        );
        for name in [
            "SPRING_KAFKA_STREAMS_CLIENT_ID",
            "SPRING_CLOUD_STREAM_KAFKA_BINDER_TRANSACTION_TRANSACTION_ID_PREFIX",
            "SPRING_R2DBC_URL",
            "SPRING_JPA_SHOW_SQL",
            "JHIPSTER_SLEEP",
            "LOGGING_LEVEL_ORG_EXAMPLE",
            "MANAGEMENT_SERVER_PORT",
        ] {
            check(&[name], Some(Role::Store), &[&format!("{name} is set but has no effect: ")]);
        }
    }

    #[test]
    fn what_another_command_follows_is_named() {
        check(&["SERVER_PORT"], None, &["server.port is set but has no effect: move the ports"]);
        check(&["SERVER_PORT", "SPRING_DATA_MONGODB_URI"], Some(Role::Store), &[]);
        check(&["SPRING_DATA_MONGODB_URI"], Some(Role::Alert), &["spring.data.mongodb.uri is set"]);
    }

    /// The variables and properties of the tutorial (contract §1.2, §3.6, §4.1, §7), for the services.
    const TUTORIALS: [&str; 40] = [
        "_JAVA_OPTIONS",
        "ALERT_DISTRIBUTION_LIST",
        "EUREKA_CLIENT_HEALTHCHECK_ENABLED",
        "EUREKA_CLIENT_REGISTRY_FETCH_INTERVAL_SECONDS",
        "EUREKA_CLIENT_SERVICE_URL_DEFAULTZONE",
        "EUREKA_INSTANCE_APPNAME",
        "EUREKA_INSTANCE_INSTANCE_ID",
        "EUREKA_INSTANCE_LEASE_EXPIRATION_DURATION_IN_SECONDS",
        "EUREKA_INSTANCE_LEASE_RENEWAL_INTERVAL_IN_SECONDS",
        "EUREKA_INSTANCE_METADATA_MAP_ZONE",
        "EUREKA_INSTANCE_PREFER_IP_ADDRESS",
        "JHIPSTER_MAIL_FROM",
        "JHIPSTER_REGISTRY_PASSWORD",
        "JHIPSTER_SECURITY_OAUTH2_AUDIENCE",
        "JHIPSTER_SLEEP",
        "MANAGEMENT_HEALTH_MAIL_ENABLED",
        "MANAGEMENT_METRICS_EXPORT_PROMETHEUS_ENABLED",
        "SERVER_PORT",
        "SPRING_CLOUD_CONFIG_FAIL_FAST",
        "SPRING_CLOUD_CONFIG_LABEL",
        "SPRING_CLOUD_CONFIG_NAME",
        "SPRING_CLOUD_CONFIG_PROFILE",
        "SPRING_CLOUD_CONFIG_RETRY_MAX_ATTEMPTS",
        "SPRING_CLOUD_CONFIG_URI",
        "SPRING_CLOUD_STREAM_BINDINGS_BINDING_IN_STORE_ALERT_CONTENT_TYPE",
        "SPRING_CLOUD_STREAM_BINDINGS_BINDING_IN_STORE_ALERT_DESTINATION",
        "SPRING_CLOUD_STREAM_BINDINGS_BINDING_IN_STORE_ALERT_GROUP",
        "SPRING_CLOUD_STREAM_BINDINGS_BINDING_OUT_STORE_ALERT_DESTINATION",
        "SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS",
        "SPRING_DATASOURCE_URL",
        "SPRING_DATA_MONGODB_DATABASE",
        "SPRING_DATA_MONGODB_URI",
        "SPRING_LIQUIBASE_URL",
        "SPRING_MAIL_HOST",
        "SPRING_MAIL_PASSWORD",
        "SPRING_MAIL_PROTOCOL",
        "SPRING_MAIL_USERNAME",
        "SPRING_PROFILES_ACTIVE",
        "SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_OIDC_ISSUER_URI",
        "SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_OIDC_CLIENT_ID",
    ];

    #[test]
    fn every_variable_of_the_tutorial_has_its_effect_or_is_named() {
        for name in TUTORIALS {
            let variables = vec![(name.to_owned(), "1".to_owned())];
            let settings = crate::defaults().unwrap().environment(variables.clone()).unwrap();
            let read = settings.set_below("").count();
            let named = lines(&settings, &variables, Some(Role::Alert)).iter().any(|line| {
                line.contains(name) || settings.set_below("").any(|key| line.contains(key))
            });
            assert!(read == 1 || named, "{name} is passed over in silence");
        }
    }
}
