//! The registry that services register with, and the Config server, by Spring's keys.

use chassis::config::{ConfigError, Settings};
use discovery::{Address, Question, Registration};

const DEFAULT_ZONE: &str = "eureka.client.service-url.defaultZone";
const CONFIG: &str = "spring.cloud.config";

/// How a service is found by others.
pub(crate) struct Found {
    /// The registry that was named; `None`: the one of `up`, or in a process of its own the one on this machine.
    pub(crate) named: Option<Address>,
    /// The registry on this machine.
    pub(crate) usual: Address,
    /// The registries that a registry shares what it knows with; its own address may be among them.
    pub(crate) peers: Vec<Address>,
    /// False: the service does not register.
    pub(crate) enabled: bool,
    ip_address: String,
    host_name: String,
    prefer_ip_address: bool,
    instance_id: String,
    renewal_seconds: u32,
    lease_seconds: u32,
    profiles: String,
}

/// The Config server to ask.
#[derive(Clone)]
pub(crate) struct ConfigServer {
    pub(crate) address: Address,
    pub(crate) question: Question,
    /// Whether the start waits for it.
    pub(crate) required: bool,
}

impl Found {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let zones = settings.list(DEFAULT_ZONE);
        // Several registries are one another's copies; one is enough for a service.
        let usual = address(settings, DEFAULT_ZONE, zones.first().map_or("", String::as_str))?;
        let seconds = |name: &str| {
            settings.parse(&format!("eureka.instance.{name}"), "a number of seconds from 1")
        };
        let text = |name: &str| settings.text(&format!("eureka.instance.{name}")).to_owned();
        Ok(Found {
            peers: match settings.is_set(DEFAULT_ZONE) {
                true => zones
                    .iter()
                    .map(|zone| address(settings, DEFAULT_ZONE, zone))
                    .collect::<Result<_, _>>()?,
                false => Vec::new(),
            },
            named: settings.is_set(DEFAULT_ZONE).then(|| usual.clone()),
            usual,
            enabled: settings.parse("eureka.client.enabled", "true or false")?,
            ip_address: text("ip-address"),
            host_name: text("hostname"),
            prefer_ip_address: settings
                .parse("eureka.instance.prefer-ip-address", "true or false")?,
            instance_id: text("instance-id"),
            renewal_seconds: seconds("lease-renewal-interval-in-seconds")?,
            lease_seconds: seconds("lease-expiration-duration-in-seconds")?,
            profiles: settings.text("spring.profiles.active").to_owned(),
        })
    }

    /// What a service tells the registry: its name, and that others reach it at `here` unless the configuration knows
    /// better.
    pub(crate) fn registration(&self, name: &str, here: &str, port: u16) -> Registration {
        let address = if self.ip_address.is_empty() { here } else { &self.ip_address };
        let host = match (self.prefer_ip_address, self.host_name.as_str()) {
            (true, _) | (false, "") => address,
            (false, host) => host,
        };
        Registration::new(name, host, port)
            .with_address(address)
            .with_instance_id(&self.instance_id)
            .with_lease(self.renewal_seconds, self.lease_seconds)
            .with_metadata("profile", &self.profiles)
    }
}

impl ConfigServer {
    /// The Config server to ask for the configuration of a service, if one is to be asked.
    ///
    /// # Errors
    /// Names the key whose value cannot be used.
    pub(crate) fn read(settings: &Settings, service: &str) -> Result<Option<Self>, ConfigError> {
        if !settings.parse::<bool>(&format!("{CONFIG}.enabled"), "true or false")? {
            return Ok(None);
        }
        let uri = format!("{CONFIG}.uri");
        let text = |name: &str| settings.text(&format!("{CONFIG}.{name}"));
        let mut address = address(settings, &uri, settings.text(&uri))?;
        if !text("username").is_empty() {
            address =
                address.asked_by(text("username"), settings.secret(&format!("{CONFIG}.password")));
        }
        let or =
            |value: &str, instead: &str| if value.is_empty() { instead } else { value }.to_owned();
        let profile = or(text("profile"), settings.text("spring.profiles.active"));
        let fail_fast: bool = settings.parse(&format!("{CONFIG}.fail-fast"), "true or false")?;
        Ok(Some(ConfigServer {
            address,
            question: Question {
                application: or(text("name"), service),
                profiles: profile.split(',').map(|profile| profile.trim().to_owned()).collect(),
                label: text("label").to_owned(),
            },
            required: fail_fast || settings.is_set(&uri),
        }))
    }
}

fn address(settings: &Settings, key: &str, text: &str) -> Result<Address, ConfigError> {
    Address::parse(text).map_err(|error| settings.invalid_secret(key, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(keys: &[(&str, &str)]) -> Settings {
        let settings = crate::defaults().unwrap();
        let set = |settings: Settings, (key, value): &(&str, &str)| {
            settings.argument(key, *value).unwrap()
        };
        keys.iter().fold(settings, set).resolved().unwrap()
    }

    #[test]
    fn the_tutorials_addresses_are_understood() {
        let settings = settings(&[
            (DEFAULT_ZONE, "http://admin:${jhipster.registry.password}@registry:8761/eureka"),
            (
                "spring.cloud.config.uri",
                "http://admin:${jhipster.registry.password}@registry:8761/config",
            ),
        ]);
        let found = Found::read(&settings).unwrap();
        assert_eq!(found.named.unwrap().to_string(), "http://registry:8761/eureka");
        let server = ConfigServer::read(&settings, "library").unwrap().unwrap();
        assert_eq!(server.address.to_string(), "http://registry:8761/config");
        let question = Question {
            application: "library".into(),
            profiles: vec!["prod".into(), "api-docs".into()],
            label: "main".into(),
        };
        assert_eq!((server.question, server.required), (question, true));
    }

    #[test]
    fn nobody_is_waited_for_who_was_not_named() {
        let settings = settings(&[]);
        assert!(Found::read(&settings).unwrap().named.is_none());
        assert!(!ConfigServer::read(&settings, "library").unwrap().unwrap().required);
        let wrong = self::settings(&[("spring.cloud.config.uri", "ftp://a:hunter2@h/")]);
        let error = ConfigServer::read(&wrong, "library").err().unwrap().to_string();
        assert!(
            error.starts_with("spring.cloud.config.uri = ") && !error.contains("hunter2"),
            "{error}"
        );
        let off = self::settings(&[("spring.cloud.config.enabled", "false")]);
        assert!(ConfigServer::read(&off, "library").unwrap().is_none());
    }
}
