//! Logins over TLS, by every mechanism.

use super::{
    Door, Keys, carries,
    certificates::text,
    issuer::{CLIENT, Issuer, SECRET},
    login::line,
    refused,
};
use crate::{SERVER, variable};

const JAAS: &str = "spring.kafka.properties.sasl.jaas.config";
const MECHANISM: &str = "spring.kafka.properties.sasl.mechanism";
const TOKENS: &str = "spring.kafka.properties.sasl.oauthbearer.token.endpoint.url";

/// Over TLS, to a broker that is trusted.
fn secure<'a>(authority: &'a str, login: &[(&'static str, &'a str)]) -> Keys<'a> {
    let mut keys = vec![
        ("spring.kafka.security.protocol", "SASL_SSL"),
        ("spring.kafka.ssl.trust-store-certificates", authority),
    ];
    keys.extend(login);
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_in_with_a_password_over_tls() {
    let _server = SERVER.read().await;
    let (authority, password) = (text("authority.pem"), variable("REAL_KAFKA_PASSWORD"));
    for (mechanism, module) in [
        ("PLAIN", "plain.PlainLoginModule"),
        ("SCRAM-SHA-256", "scram.ScramLoginModule"),
        ("SCRAM-SHA-512", "scram.ScramLoginModule"),
    ] {
        let line = line(module, &password);
        let keys = secure(&authority, &[(MECHANISM, mechanism), (JAAS, &line)]);
        carries(&format!("secure-{mechanism}"), &variable("REAL_KAFKA_TLS_SASL"), &keys).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_not_shown_by_scram_even_without_tls() {
    let _server = SERVER.read().await;
    let (user, password) = (variable("REAL_KAFKA_USER"), variable("REAL_KAFKA_PASSWORD"));
    let module = "org.apache.kafka.common.security.scram.ScramLoginModule";
    let keys = [
        ("spring.kafka.security.protocol", "SASL_PLAINTEXT"),
        (MECHANISM, "SCRAM-SHA-512"),
        ("spring.kafka.jaas.enabled", "true"),
        ("spring.kafka.jaas.login-module", module),
        ("spring.kafka.jaas.options.username", &user),
        ("spring.kafka.jaas.options.password", &password),
    ];
    carries("scram", &variable("REAL_KAFKA_SASL"), &keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_named_by_every_mechanism() {
    let _server = SERVER.read().await;
    let authority = text("authority.pem");
    let wrong = async |mechanism: &str, module: &str, words: &str| {
        let line = line(module, "not this");
        let keys = secure(&authority, &[(MECHANISM, mechanism), (JAAS, &line)]);
        let door = Door::open("127.0.0.1", variable("REAL_KAFKA_TLS_SASL")).await;
        let name = format!("secure-wrong-{mechanism}");
        refused(&name, (&door.address, &door), &keys, &[words]).await;
    };
    tokio::join!(
        wrong("PLAIN", "plain.PlainLoginModule", "Invalid username or password"),
        wrong("SCRAM-SHA-256", "scram.ScramLoginModule", "invalid credentials"),
        wrong("SCRAM-SHA-512", "scram.ScramLoginModule", "invalid credentials"),
    );
}

/// The line of a client that gets its tokens from an OpenID provider.
fn client(secret: &str) -> String {
    format!(
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"{CLIENT}\" clientSecret=\"{secret}\";"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_in_with_a_token_over_tls() {
    let _server = SERVER.read().await;
    let (issuer, authority, line) = (Issuer::open().await, text("authority.pem"), client(SECRET));
    let tokens = format!("http://{}/token", issuer.address);
    let handler =
        "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler";
    let keys = secure(
        &authority,
        &[
            (MECHANISM, "OAUTHBEARER"),
            (JAAS, &line),
            (TOKENS, &tokens),
            ("spring.kafka.properties.sasl.login.callback.handler.class", handler),
        ],
    );
    carries("secure-token", &variable("REAL_KAFKA_TLS_SASL"), &keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_gives_no_token_is_named() {
    let _server = SERVER.read().await;
    let (issuer, authority, line) = (Issuer::open().await, text("authority.pem"), client("no"));
    // Without a token no broker is spoken to: it is the provider who must not be flooded.
    let door = Door::open("127.0.0.1", issuer.address.clone()).await;
    let tokens = format!("http://{}/token", door.address);
    let login = [(MECHANISM, "OAUTHBEARER"), (JAAS, &*line), (TOKENS, &*tokens)];
    let keys = secure(&authority, &login);
    let words = ["OAUTHBEARER", "the secret is wrong"];
    refused("secure-no-token", (&variable("REAL_KAFKA_TLS_SASL"), &door), &keys, &words).await;
}
