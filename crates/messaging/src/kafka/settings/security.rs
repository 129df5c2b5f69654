//! Certificates and logins: Java's `security.protocol`, `ssl.*` and `sasl.*`.

use anyhow::{Context, bail, ensure};

use super::{Pairs, login::Login};

/// Whether OpenSSL is built in, which TLS, SCRAM and OAUTHBEARER need.
const TLS: bool = cfg!(feature = "kafka-tls");

/// The names that are read here. The others are librdkafka's own, or have no effect.
const READ: &[&str] = &[
    "sasl.jaas.config",
    "sasl.mechanism",
    "sasl.oauthbearer.client.credentials.client.id",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.token.endpoint.url",
    "security.protocol",
    "ssl.cipher.suites",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// Whether a property is one of a certificate or a login, and read here. Those with Spring's names are parts of a login.
pub(super) fn reads(name: &str) -> bool {
    READ.contains(&name) || name.starts_with("spring.")
}

/// Properties under Java's names to librdkafka's; those of other kinds are left out.
pub(super) fn translate(given: &Pairs) -> anyhow::Result<Pairs> {
    let mut pairs = Pairs::new();
    if let Some(protocol) = given.get("security.protocol") {
        let protocol = protocol.trim().to_ascii_lowercase();
        ensure!(
            ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"].contains(&protocol.as_str()),
            "security.protocol {protocol:?} is none of PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL"
        );
        needs_tls(protocol.ends_with("ssl"), &format!("security.protocol={protocol}"))?;
        let sasl = protocol.starts_with("sasl");
        pairs.insert("security.protocol".to_owned(), protocol);
        if sasl {
            login(given, &mut pairs)?;
        }
    }
    // Without TLS, certificates mean nothing, and librdkafka without OpenSSL does not take them.
    if pairs.get("security.protocol").is_some_and(|protocol| protocol.ends_with("ssl")) {
        // After a failed handshake librdkafka does not wait longer each time: while somebody asks, it connects again after half
        // of this. With the 50 ms of other connections a broker saw more than twenty attempts in a second.
        pairs.insert("reconnect.backoff.ms".to_owned(), "1000".to_owned());
        trusted(given, &mut pairs)?;
        own(given, &mut pairs)?;
        if let Some(name) = given.get("ssl.endpoint.identification.algorithm") {
            let checked = if name.trim().is_empty() { "none" } else { name.trim() };
            pairs.insert("ssl.endpoint.identification.algorithm".to_owned(), checked.to_owned());
        }
        copy(given, &mut pairs, &[("ssl.cipher.suites", "ssl.cipher.suites")]);
    }
    Ok(pairs)
}

fn needs_tls(needed: bool, what: &str) -> anyhow::Result<()> {
    ensure!(
        TLS || !needed,
        "{what} needs OpenSSL, which this program was built without: build it with the feature kafka-tls"
    );
    Ok(())
}

fn login(given: &Pairs, pairs: &mut Pairs) -> anyhow::Result<()> {
    let mechanism =
        given.get("sasl.mechanism").map_or("GSSAPI", |name| name.trim()).to_ascii_uppercase();
    needs_tls(
        mechanism.starts_with("SCRAM") || mechanism == "OAUTHBEARER",
        &format!("sasl.mechanism={mechanism}"),
    )?;
    let line = Login::find(given)?;
    let module = match mechanism.as_str() {
        "PLAIN" => "PlainLoginModule",
        "SCRAM-SHA-256" | "SCRAM-SHA-512" => "ScramLoginModule",
        "OAUTHBEARER" => "OAuthBearerLoginModule",
        "GSSAPI" => bail!(
            "sasl.mechanism GSSAPI (Kerberos) is not built in: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
        ),
        other => bail!(
            "sasl.mechanism {other:?} is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER"
        ),
    };
    if let Some(line) = &line {
        ensure!(
            line.module == module,
            "{} names {}, sasl.mechanism {mechanism} needs {module}",
            line.origin,
            line.module
        );
    }
    pairs.insert("sasl.mechanisms".to_owned(), mechanism);
    if module == "OAuthBearerLoginModule" {
        return token(given, line.as_ref(), pairs);
    }
    let line = line.context("sasl.jaas.config is missing: it holds the user and the password")?;
    for name in ["username", "password"] {
        pairs.insert(format!("sasl.{name}"), line.option(name)?.to_owned());
    }
    Ok(())
}

/// A token from an OpenID provider by client credentials; librdkafka fetches and renews it.
fn token(given: &Pairs, line: Option<&Login>, pairs: &mut Pairs) -> anyhow::Result<()> {
    let option = |names: [&str; 2], property: &str| {
        let of_line = line.and_then(|line| names.iter().find_map(|name| line.options.get(*name)));
        of_line.or_else(|| given.get(property)).cloned()
    };
    let id = option(["clientId", "client.id"], "sasl.oauthbearer.client.credentials.client.id");
    let secret = option(
        ["clientSecret", "client.secret"],
        "sasl.oauthbearer.client.credentials.client.secret",
    );
    let address = given.get("sasl.oauthbearer.token.endpoint.url");
    let address = address.context(
        "sasl.oauthbearer.token.endpoint.url is missing: OAUTHBEARER gets its tokens there",
    )?;
    let id =
        id.context("the option clientId of sasl.jaas.config is missing: OAUTHBEARER needs it")?;
    let secret = secret
        .context("the option clientSecret of sasl.jaas.config is missing: OAUTHBEARER needs it")?;
    let known = [
        // The provider shows one of the system's certificates, whatever the brokers show.
        ("https.ca.location", "probe".to_owned()),
        ("sasl.oauthbearer.method", "oidc".to_owned()),
        ("sasl.oauthbearer.token.endpoint.url", address.trim().to_owned()),
        ("sasl.oauthbearer.client.id", id),
        ("sasl.oauthbearer.client.secret", secret),
    ];
    pairs.extend(known.map(|(name, value)| (name.to_owned(), value)));
    if let Some(scope) = option(["scope", "scope"], "sasl.oauthbearer.scope") {
        pairs.insert("sasl.oauthbearer.scope".to_owned(), scope);
    }
    Ok(())
}

/// Whom to trust; without a word, the system's certificates.
fn trusted(given: &Pairs, pairs: &mut Pairs) -> anyhow::Result<()> {
    copy(given, pairs, &[("ssl.truststore.certificates", "ssl.ca.pem")]);
    let Some(place) = given.get("ssl.truststore.location") else {
        // An OpenSSL that is built along does not know where this system keeps its certificates.
        if !pairs.contains_key("ssl.ca.pem") {
            pairs.insert("ssl.ca.location".to_owned(), "probe".to_owned());
        }
        return Ok(());
    };
    let file = file(place)?;
    match form(given, "ssl.truststore.type", &file) {
        Form::Pem => pairs.insert("ssl.ca.location".to_owned(), file),
        _ => bail!(
            "ssl.truststore.location {file} is not PEM: {CONVERT} and set ssl.truststore.type=PEM"
        ),
    };
    Ok(())
}

/// Who we are, where the broker asks for a certificate.
fn own(given: &Pairs, pairs: &mut Pairs) -> anyhow::Result<()> {
    copy(
        given,
        pairs,
        &[
            ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
            ("ssl.keystore.key", "ssl.key.pem"),
            ("ssl.key.password", "ssl.key.password"),
        ],
    );
    let Some(place) = given.get("ssl.keystore.location") else { return Ok(()) };
    let file = file(place)?;
    match form(given, "ssl.keystore.type", &file) {
        // Java keeps the key and the certificates in one file.
        Form::Pem => {
            pairs.insert("ssl.certificate.location".to_owned(), file.clone());
            pairs.insert("ssl.key.location".to_owned(), file);
        }
        Form::Pkcs12 => {
            pairs.insert("ssl.keystore.location".to_owned(), file);
            copy(given, pairs, &[("ssl.keystore.password", "ssl.keystore.password")]);
        }
        Form::Other => bail!(
            "ssl.keystore.location {file} is neither PEM nor PKCS12: {CONVERT} and set ssl.keystore.type=PEM"
        ),
    }
    Ok(())
}

const CONVERT: &str = "a Java key store cannot be read here, convert it (keytool -importkeystore -deststoretype PKCS12, then openssl pkcs12)";

enum Form {
    Pem,
    Pkcs12,
    Other,
}

/// The form of a key store: what is said of it, else what its name tells; Java's own default is JKS.
fn form(given: &Pairs, name: &str, file: &str) -> Form {
    let said = given.get(name).map(|said| said.trim().to_ascii_lowercase());
    let told = file.rsplit('.').next().map(str::to_ascii_lowercase);
    match said.or(told).as_deref() {
        Some("pem" | "crt" | "cer") => Form::Pem,
        Some("pkcs12" | "p12" | "pfx") => Form::Pkcs12,
        _ => Form::Other,
    }
}

/// A file as Spring names it.
fn file(place: &str) -> anyhow::Result<String> {
    let place = place.trim();
    ensure!(!place.starts_with("classpath:"), "{place}: there is no class path here, name a file");
    let path = place.strip_prefix("file:").unwrap_or(place);
    // file:///path is file:/path.
    Ok(path.strip_prefix("//").unwrap_or(path).to_owned())
}

fn copy(given: &Pairs, pairs: &mut Pairs, names: &[(&str, &str)]) {
    for (java, ours) in names {
        if let Some(value) = given.get(*java) {
            pairs.insert((*ours).to_owned(), value.clone());
        }
    }
}
