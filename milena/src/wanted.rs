//! What the configuration asks for, read and checked before a port is bound or a file is touched.

mod discovery;
mod kafka;
mod mail_server;

use std::{
    num::{NonZeroU8, NonZeroU32},
    sync::Arc,
};

use chassis::{
    Current,
    config::{ConfigError, Settings},
};
use database::{MongoSettings, PostgresSettings};
use gateway::SignIn;
use identity::Provider;
use mail::SmtpSettings;
use messaging::{TopicName, kafka::KafkaSettings};

pub(crate) use self::{
    discovery::{ConfigServer, Found},
    kafka::open as open_kafka,
    mail_server::Mails,
};

const ISSUER: &str = "spring.security.oauth2.client.provider.oidc.issuer-uri";
const REGISTRY_PASSWORD: &str = "spring.security.user.password";
const DATASOURCE: &str = "spring.datasource.url";

/// What the configuration asks for.
pub(crate) struct Wanted {
    pub(crate) sign_in: SignIn,
    /// The identity provider; `None` when nobody has named one.
    pub(crate) provider: Option<Arc<Provider>>,
    /// The mail server; `None` when nobody has named one.
    pub(crate) mail_server: Option<SmtpSettings>,
    /// What holds for mails whichever server they go to.
    pub(crate) mails: Mails,
    /// Whether health asks the mail server.
    pub(crate) mail_health: bool,
    /// How many partitions a new topic of the embedded broker gets.
    pub(crate) partitions: i32,
    pub(crate) registry: registry::Settings,
    /// Where stores are kept; `None`: in the data folder.
    pub(crate) mongodb: Option<MongoSettings>,
    /// Where alerts are kept; `None`: in the data folder.
    pub(crate) postgresql: Option<PostgresSettings>,
    /// Kafka; `None`: the embedded broker.
    pub(crate) kafka: Option<KafkaSettings>,
    pub(crate) found: Found,
    pub(crate) store: store::Settings,
    pub(crate) alert: alert::Settings,
    pub(crate) profiles: Vec<String>,
    /// The topic that browsers follow.
    pub(crate) feed_topic: String,
    /// How many entities a list has at most when no page is asked for.
    pub(crate) list_limit: u32,
    /// All of it, for who shows it.
    pub(crate) settings: Current<Settings>,
}

impl Wanted {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names the key whose value cannot be used.
    pub(crate) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let partitions: NonZeroU8 =
            settings.parse("milena.broker.partitions", "a number from 1 to 255")?;
        let list_limit: NonZeroU32 = settings.parse("milena.rest.list-limit", "a number from 1")?;
        let registry = registry::Settings::read(settings)?;
        if registry.password.expose().is_empty() {
            return Err(unusable(
                settings,
                REGISTRY_PASSWORD,
                &anyhow::anyhow!("the registry needs a password"),
            ));
        }
        let mails = Mails::read(settings)?;
        Ok(Wanted {
            sign_in: SignIn::read(settings),
            provider: if settings.is_set(ISSUER) { Some(provider(settings)?) } else { None },
            mail_server: mail_server::read(settings, &mails)?,
            mails,
            mail_health: settings.parse("management.health.mail.enabled", "true or false")?,
            partitions: partitions.get().into(),
            registry,
            mongodb: mongodb(settings),
            postgresql: postgresql(settings)?,
            kafka: kafka::read(settings)?,
            found: Found::read(settings)?,
            store: store::Settings::read(settings)?,
            alert: alert::Settings::read(settings)?,
            profiles: settings.list("spring.profiles.active"),
            feed_topic: feed_topic(settings)?,
            list_limit: list_limit.get(),
            settings: Current::new(settings.clone()),
        })
    }

    /// Whether services describe themselves at `/v3/api-docs`.
    pub(crate) fn api_docs(&self) -> bool {
        self.profiles.iter().any(|profile| profile == "api-docs")
    }
}

/// The identity provider that the configuration names, be it by default.
pub(crate) fn provider(settings: &Settings) -> Result<Arc<Provider>, ConfigError> {
    Provider::new(settings.text(ISSUER)).map_err(|cause| unusable(settings, ISSUER, &cause))
}

/// The topic of the feed, which is read and written under the same name.
fn feed_topic(settings: &Settings) -> Result<String, ConfigError> {
    const BINDINGS: &str = "spring.cloud.stream.bindings";
    let (read, written) = (
        format!("{BINDINGS}.binding-in-sse.destination"),
        format!("{BINDINGS}.binding-out-sse.destination"),
    );
    let topic: TopicName = settings.parse(&read, "a topic's name")?;
    if settings.text(&written) != topic.0 {
        let reason = format!("a feed is read and written under one name, see {read}");
        return Err(settings.invalid(&written, reason));
    }
    Ok(topic.0)
}

fn mongodb(settings: &Settings) -> Option<MongoSettings> {
    let uri = settings.secret("spring.data.mongodb.uri");
    let database = settings.text("spring.data.mongodb.database");
    (!uri.expose().is_empty()).then(|| MongoSettings::new(uri.expose(), Some(database)))
}

fn postgresql(settings: &Settings) -> Result<Option<PostgresSettings>, ConfigError> {
    let url = settings.secret(DATASOURCE);
    if url.expose().is_empty() {
        return Ok(None);
    }
    let (user, password) = (
        settings.text("spring.datasource.username"),
        settings.secret("spring.datasource.password"),
    );
    let connections: NonZeroU32 =
        settings.parse("spring.datasource.hikari.maximum-pool-size", "a number from 1")?;
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let (user, password) = (given(user), given(password.expose()));
    let mut database =
        PostgresSettings::from_jdbc(url.expose(), user.as_deref(), password.as_deref())
            .map_err(|error| settings.invalid_secret(DATASOURCE, error.to_string()))?;
    database.connections = connections.get();
    Ok(Some(database))
}

fn unusable(settings: &Settings, key: &str, cause: &anyhow::Error) -> ConfigError {
    settings.invalid(key, format!("{cause:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str, expected: &str) {
        let settings = crate::defaults().unwrap().argument(key, value).unwrap().resolved().unwrap();
        let error = Wanted::read(&settings).err().unwrap().to_string();
        assert!(error.starts_with(&format!("{key} = ")) && error.contains(expected), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        check("milena.broker.partitions", "0", "a number from 1");
        check("milena.rest.list-limit", "0", "a number from 1");
        check(ISSUER, "sso.example.com", "issuer's address");
        check(ISSUER, "ftp://sso.example.com", "must start with http:// or https://");
        check(REGISTRY_PASSWORD, "", "needs a password");
        check(DATASOURCE, "jdbc:mysql://h/alert?password=hunter2", "jdbc:postgresql");
        check(
            "eureka.client.service-url.defaultZone",
            "http://a:hunter2@h:99999/",
            "registry's address",
        );
    }

    #[test]
    fn nothing_real_is_wanted_by_default() {
        let wanted = Wanted::read(&crate::defaults().unwrap().resolved().unwrap()).unwrap();
        assert!(wanted.mongodb.is_none() && wanted.postgresql.is_none() && wanted.kafka.is_none());
        assert!(wanted.provider.is_none() && wanted.mail_server.is_none() && wanted.api_docs());
    }
}
