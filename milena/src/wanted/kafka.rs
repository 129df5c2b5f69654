//! Kafka, by Spring's keys: those of the binder, and those of its clients.

use chassis::config::{ConfigError, Settings};
use messaging::kafka::{KafkaSettings, SPRING_NAMES, SPRING_PREFIXES, Side};

const BINDER: &str = "spring.cloud.stream.kafka.binder";

/// Lets Kafka's clients have any property by Spring's names.
pub(crate) fn open(settings: Settings) -> Settings {
    let prefixes: Vec<&str> =
        SPRING_PREFIXES.iter().map(|(prefix, _)| prefix.trim_end_matches('.')).collect();
    let names: Vec<&str> = SPRING_NAMES.iter().map(|place| place.key).collect();
    settings.open(&prefixes).also_known(&names)
}

/// Kafka as the configuration names it; none when it does not.
pub(super) fn read(settings: &Settings) -> Result<Option<KafkaSettings>, ConfigError> {
    let key = |part: &str| format!("{BINDER}.{part}");
    let brokers = settings.text(&key("brokers"));
    if brokers.is_empty() {
        return Ok(None);
    }
    let unusable = |cause: anyhow::Error| super::unusable(settings, &key("brokers"), &cause);
    let mut kafka = KafkaSettings::new(brokers).map_err(unusable)?;
    kafka.partitions = settings.parse(&key("min-partition-count"), "a number from 1")?;
    kafka.replication_factor = settings
        .parse(&key("replication-factor"), "a number from 1, or -1 for the broker's default")?;
    kafka.auto_create_topics = settings.parse(&key("auto-create-topics"), "true or false")?;
    for (prefix, side) in SPRING_PREFIXES {
        for (name, value) in settings.below(prefix.trim_end_matches('.')) {
            let taken = kafka.property(*side, &name, &value);
            taken.map_err(|cause| {
                settings.invalid_secret(&format!("{prefix}{name}"), format!("{cause:#}"))
            })?;
        }
    }
    for place in SPRING_NAMES.iter().filter(|place| settings.is_set(place.key)) {
        let value = settings.secret(place.key);
        let taken = kafka.spring(place, value.expose());
        taken.map_err(|cause| settings.invalid_secret(place.key, format!("{cause:#}")))?;
    }
    require_acks(settings, &mut kafka, Side::Producer)?;
    Ok(Some(kafka))
}

/// The binder's own name for `acks`.
fn require_acks(
    settings: &Settings,
    kafka: &mut KafkaSettings,
    side: Side,
) -> Result<(), ConfigError> {
    let key = format!("{BINDER}.required-acks");
    if !settings.is_set(&key) {
        return Ok(());
    }
    let taken = kafka.property(side, "acks", settings.text(&key));
    taken.map_err(|cause| settings.invalid(&key, format!("{cause:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        crate::defaults().unwrap().environment(variables.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn kafka_is_wanted_when_brokers_are_named() {
        assert!(read(&settings(&[])).unwrap().is_none());
        let kafka = read(&settings(&[
            ("SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS", "a:9092, b:9092"),
            ("SPRING_CLOUD_STREAM_KAFKA_BINDER_REPLICATION_FACTOR", "3"),
            ("SPRING_CLOUD_STREAM_KAFKA_BINDER_MIN_PARTITION_COUNT", "4"),
            ("SPRING_CLOUD_STREAM_KAFKA_BINDER_CONFIGURATION_SASL_MECHANISM", "PLAIN"),
            ("SPRING_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ]))
        .unwrap()
        .unwrap();
        assert_eq!((kafka.partitions, kafka.replication_factor), (4, 3));
        let shown = format!("{kafka:?}");
        for part in ["a:9092,b:9092", "sasl.mechanism", "security.protocol"] {
            assert!(shown.contains(part), "{shown}");
        }
        assert!(!shown.contains("PLAIN"), "{shown}");
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        let brokers = ("SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS", "a:9092");
        let interval = "SPRING_KAFKA_CONSUMER_HEARTBEAT_INTERVAL";
        assert!(read(&settings(&[brokers, (interval, "3s")])).is_ok());
        let error = read(&settings(&[brokers, (interval, "soon")])).unwrap_err().to_string();
        assert!(error.contains("spring.kafka.consumer.heartbeat-interval"), "{error}");
        assert!(error.contains("is no duration"), "{error}");
        for (name, key) in [
            ("SPRING_CLOUD_STREAM_KAFKA_BINDER_REPLICATION_FACTOR", "replication-factor"),
            ("SPRING_CLOUD_STREAM_KAFKA_BINDER_MIN_PARTITION_COUNT", "min-partition-count"),
            ("SPRING_CLOUD_STREAM_KAFKA_BINDER_AUTO_CREATE_TOPICS", "auto-create-topics"),
        ] {
            let error = read(&settings(&[brokers, (name, "many")])).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{BINDER}.{key} = ")), "{error}");
        }
    }
}
