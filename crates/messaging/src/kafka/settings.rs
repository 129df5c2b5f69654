//! How to reach Kafka: properties by the names that Kafka's Java clients and Spring give them, as librdkafka takes them.

mod defaults;
mod login;
mod names;
mod prefixes;
mod security;
#[cfg(test)]
mod tests;
mod units;

use std::{collections::BTreeMap, fmt, time::Duration};

use anyhow::{Context, bail, ensure};
use rdkafka::{ClientConfig, config::RDKafkaLogLevel, error::KafkaError, types::RDKafkaConfRes};

use defaults::{COMMON, CONSUMER, CONSUMER_FIXED, PRODUCER, PRODUCER_FIXED};
use names::{Rule, rule};
pub use prefixes::{Place, SPRING_NAMES, SPRING_PREFIXES};

/// librdkafka's names and values.
type Pairs = BTreeMap<String, String>;

/// How many properties are taken.
const MOST: usize = 500;
/// How long a value may be.
const LONGEST: usize = 64 * 1024;
/// How long a message may take to be acknowledged, unless `delivery.timeout.ms` says otherwise: short, because who waits
/// for it may have to stop, or may have lost its lease. The message waits in the outbox and is sent again.
const DELIVERY: Duration = Duration::from_secs(5);
const LONGEST_DELIVERY: Duration = Duration::from_secs(30);

/// Which clients a property is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// All of them.
    Both,
    /// Whoever publishes.
    Producer,
    /// Whoever reads.
    Consumer,
}

/// Where Kafka is, and how it is spoken to. Its `Debug` shows names and no values: some are secrets.
#[derive(Clone)]
pub struct KafkaSettings {
    brokers: String,
    /// By side and Java's name; what was said last holds.
    properties: BTreeMap<(Side, String), String>,
    /// How many partitions a topic gets that is created here.
    pub partitions: i32,
    /// How many copies a topic gets that is created here; -1 leaves it to the broker.
    pub replication_factor: i16,
    /// Whether topics are created that are absent.
    pub auto_create_topics: bool,
}

impl fmt::Debug for KafkaSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KafkaSettings")
            .field("brokers", &self.brokers)
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .field("partitions", &self.partitions)
            .field("replication_factor", &self.replication_factor)
            .field("auto_create_topics", &self.auto_create_topics)
            .finish()
    }
}

impl KafkaSettings {
    /// Brokers as `host:port`, separated by commas; one partition and one copy for each topic that is created.
    ///
    /// # Errors
    /// When no broker is named.
    pub fn new(brokers: &str) -> anyhow::Result<Self> {
        ensure!(brokers.len() <= LONGEST, "the list of Kafka brokers is too long");
        let named: Vec<&str> =
            brokers.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
        ensure!(
            !named.is_empty(),
            "no Kafka broker is named: give host:port, several separated by commas"
        );
        Ok(KafkaSettings {
            brokers: named.join(","),
            properties: BTreeMap::new(),
            partitions: 1,
            replication_factor: 1,
            auto_create_topics: true,
        })
    }

    /// Takes a property of Kafka's Java clients; a later value replaces an earlier one, one for a side goes before one for both.
    ///
    /// # Errors
    /// When there are too many or the value is too long. What a value means is looked at by [`crate::Kafka::new`].
    pub fn property(&mut self, side: Side, name: &str, value: &str) -> anyhow::Result<()> {
        ensure!(self.properties.len() < MOST, "more than {MOST} Kafka properties");
        ensure!(
            name.len() <= 200 && value.len() <= LONGEST,
            "Kafka property {name:.200} is too long"
        );
        self.properties.insert((side, name.trim().to_owned()), value.to_owned());
        Ok(())
    }

    /// Takes the value of one of Spring's single keys, with the units that Spring Boot takes there.
    ///
    /// # Errors
    /// As for [`KafkaSettings::property`], and when the value has no unit that is known.
    pub fn spring(&mut self, place: &Place, value: &str) -> anyhow::Result<()> {
        self.property(place.side, place.property, &units::converted(place.units, value)?)
    }

    /// Names this process to the groups that it reads with (`group.instance.id`), unless a property does: started again
    /// under the same name, it goes on with its partitions at once, instead of when its last life's session is over.
    /// No other process may have this name.
    pub fn member(&mut self, name: &str) {
        let place = |side| (side, "group.instance.id".to_owned());
        let is_given = [Side::Both, Side::Consumer].map(place);
        if !is_given.iter().any(|place| self.properties.contains_key(place)) {
            self.properties.insert(place(Side::Consumer), name.to_owned());
        }
    }

    /// The brokers, separated by commas.
    pub(super) fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Everything as librdkafka takes it.
    pub(super) fn translate(&self) -> anyhow::Result<Configs> {
        ensure!(
            self.partitions >= 1,
            "a topic needs at least one partition, not {}",
            self.partitions
        );
        ensure!(
            self.replication_factor >= 1 || self.replication_factor == -1,
            "a topic needs at least one copy, or -1 for the broker's default, not {}",
            self.replication_factor
        );
        let mut warnings = Vec::new();
        let producer =
            self.client(self.side(Side::Producer, &mut warnings)?, PRODUCER, PRODUCER_FIXED);
        let consumer =
            self.client(self.side(Side::Consumer, &mut warnings)?, CONSUMER, CONSUMER_FIXED);
        let delivery = self.delivery(&mut warnings)?;
        warnings.sort();
        warnings.dedup();
        Ok(Configs {
            producer: checked(producer)?,
            consumer: checked(consumer)?,
            delivery,
            warnings,
        })
    }

    /// The properties of a side under librdkafka's names.
    fn side(&self, side: Side, warnings: &mut Vec<String>) -> anyhow::Result<Pairs> {
        let given = self.given(side);
        let mut pairs = security::translate(&given)?;
        for (name, value) in &given {
            pairs.extend(translate(name, value, warnings)?);
        }
        Ok(pairs)
    }

    fn delivery(&self, warnings: &mut Vec<String>) -> anyhow::Result<Duration> {
        let name = "delivery.timeout.ms";
        let given = self.given(Side::Producer);
        let Some(value) = given.get(name) else { return Ok(DELIVERY) };
        let wanted: u64 = value.trim().parse().with_context(|| format!("Kafka property {name}"))?;
        let wanted = Duration::from_millis(wanted);
        if wanted > LONGEST_DELIVERY {
            warnings.push(format!(
                "Kafka property {name}={value} is cut to {}: messages wait in the outbox, and what waits here holds up a stop",
                LONGEST_DELIVERY.as_millis()
            ));
        }
        Ok(wanted.clamp(Duration::from_secs(1), LONGEST_DELIVERY))
    }

    /// What was given for a side, under Java's names.
    fn given(&self, side: Side) -> Pairs {
        let of = |wanted: Side| self.properties.iter().filter(move |((of, _), _)| *of == wanted);
        let named = |((_, name), value): (&(Side, String), &String)| (name.clone(), value.clone());
        of(Side::Both).map(named).chain(of(side).map(named)).collect()
    }

    fn client(
        &self,
        given: Pairs,
        defaults: &[(&str, &str)],
        fixed: &[(&str, &str)],
    ) -> ClientConfig {
        let mut config = ClientConfig::new();
        let asked = given.contains_key("debug");
        config.set_log_level(if asked { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Info });
        for (name, value) in COMMON.iter().chain(defaults) {
            config.set(*name, *value);
        }
        config.set("bootstrap.servers", &self.brokers);
        config.extend(given);
        for (name, value) in fixed {
            config.set(*name, *value);
        }
        config
    }
}

/// What clients are made from.
pub(super) struct Configs {
    pub(super) producer: ClientConfig,
    pub(super) consumer: ClientConfig,
    /// How long a message may take to be acknowledged.
    pub(super) delivery: Duration,
    /// What was not taken, and why.
    pub(super) warnings: Vec<String>,
}

/// A property as librdkafka takes it.
fn translate(name: &str, value: &str, warnings: &mut Vec<String>) -> anyhow::Result<Pairs> {
    let to = |names: &[&str], value: &str| {
        names.iter().map(|name| ((*name).to_owned(), value.to_owned())).collect()
    };
    match rule(name) {
        Some(Rule::As(names)) => Ok(to(names, value)),
        Some(Rule::Converted(names, convert)) => {
            let converted = convert(value, warnings);
            Ok(converted
                .with_context(|| format!("Kafka property {name}"))?
                .map_or_else(Pairs::new, |value| to(names, &value)))
        }
        Some(Rule::Only(values, why)) => {
            if !values.contains(&value.trim().to_ascii_lowercase().as_str()) {
                warnings.push(format!("Kafka property {name}={value} is not taken: {why}"));
            }
            Ok(Pairs::new())
        }
        Some(Rule::Elsewhere) => Ok(Pairs::new()),
        None => {
            if known(name, value) {
                return Ok(to(&[name], value));
            }
            warnings.push(format!("Kafka property {name} has no effect here"));
            Ok(Pairs::new())
        }
    }
}

/// Whether librdkafka has a property of this name.
fn known(name: &str, value: &str) -> bool {
    let native = ClientConfig::new().set(name, value).create_native_config();
    !matches!(native, Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)))
}

/// Says what is wrong with a value, but not the value of a secret.
fn checked(config: ClientConfig) -> anyhow::Result<ClientConfig> {
    match config.create_native_config() {
        Ok(_) => Ok(config),
        Err(KafkaError::ClientConfig(_, _, name, _)) if is_secret(&name) => {
            bail!("Kafka property {name} has a value that cannot be used")
        }
        Err(KafkaError::ClientConfig(_, reason, name, _)) => {
            bail!("Kafka property {name}: {reason}")
        }
        Err(cause) => Err(cause).context("the Kafka properties cannot be used"),
    }
}

fn is_secret(name: &str) -> bool {
    ["password", "secret", "jaas", ".pem", "key"].iter().any(|part| name.contains(part))
}
