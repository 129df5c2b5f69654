//! What needs OpenSSL.

use super::*;

const SSL: (&str, &str) = ("security.protocol", "SSL");

/// librdkafka opens files only when a client is made, so names are enough.
fn secure(given: &[(&str, &str)], ours: &[(&str, &str)]) {
    let given: Vec<_> = [SSL].into_iter().chain(given.iter().copied()).collect();
    check(&given, ours, ours);
}

#[test]
fn takes_certificates_as_pem() {
    secure(&[], &[("ssl.ca.location", "probe")]);
    secure(
        &[("ssl.truststore.type", "PEM"), ("ssl.truststore.location", "file:/tls/ca.txt")],
        &[("ssl.ca.location", "/tls/ca.txt")],
    );
    secure(&[("ssl.truststore.location", "/tls/ca.pem")], &[("ssl.ca.location", "/tls/ca.pem")]);
    secure(
        &[
            ("ssl.keystore.type", "PEM"),
            ("ssl.keystore.location", "/tls/own"),
            ("ssl.key.password", "p"),
        ],
        &[
            ("ssl.certificate.location", "/tls/own"),
            ("ssl.key.location", "/tls/own"),
            ("ssl.key.password", "p"),
        ],
    );
    secure(
        &[("ssl.keystore.location", "/tls/own.p12"), ("ssl.keystore.password", "p")],
        &[("ssl.keystore.location", "/tls/own.p12"), ("ssl.keystore.password", "p")],
    );
    secure(
        &[("ssl.endpoint.identification.algorithm", "")],
        &[("ssl.endpoint.identification.algorithm", "none")],
    );
}

#[test]
fn a_failed_handshake_is_not_tried_again_at_once() {
    secure(&[], &[("reconnect.backoff.ms", "1000")]);
    secure(&[("reconnect.backoff.ms", "100")], &[("reconnect.backoff.ms", "100")]);
    check(&[], &[("reconnect.backoff.ms", "50")], &[("reconnect.backoff.ms", "50")]);
}

#[test]
fn a_java_key_store_is_refused() {
    for name in ["ssl.truststore.location", "ssl.keystore.location"] {
        let reason = refused(&[SSL, (name, "/tls/keys.jks")]);
        assert!(reason.contains("convert it") && reason.contains("=PEM"), "{reason}");
    }
}

#[test]
fn logs_in_by_scram_and_by_token() {
    let scram =
        "org.apache.kafka.common.security.scram.ScramLoginModule required username=u password=p;";
    let ours =
        [("sasl.mechanisms", "SCRAM-SHA-512"), ("sasl.username", "u"), ("sasl.password", "p")];
    check(
        &[
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.jaas.config", scram),
        ],
        &ours,
        &ours,
    );
    let token = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=c clientSecret=s scope=all;";
    let ours = [
        ("sasl.oauthbearer.method", "oidc"),
        ("sasl.oauthbearer.token.endpoint.url", "https://id/token"),
        ("sasl.oauthbearer.client.id", "c"),
        ("sasl.oauthbearer.client.secret", "s"),
        ("sasl.oauthbearer.scope", "all"),
    ];
    let given = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "OAUTHBEARER"),
        ("sasl.jaas.config", token),
        ("sasl.oauthbearer.token.endpoint.url", "https://id/token"),
    ];
    check(&given, &ours, &ours);
}
