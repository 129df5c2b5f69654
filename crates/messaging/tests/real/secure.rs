//! Kafka behind logins and over TLS, set by Spring's keys only, as a deployment sets it.

#[cfg(feature = "kafka-tls")]
mod certificates;
mod door;
#[cfg(feature = "kafka-tls")]
mod issuer;
mod login;
#[cfg(feature = "kafka-tls")]
mod mechanisms;

use std::time::{Duration, Instant};

use messaging::{
    Broker, Failure, Kafka, KafkaSettings, Publish,
    kafka::{SPRING_NAMES, SPRING_PREFIXES},
};

use crate::{
    conformance::{ids, leave, message, poll},
    topic,
};
use door::Door;

/// How long it is looked on while nothing works.
const WATCHED: Duration = Duration::from_secs(6);
/// How many attempts a program may make in a second.
const ATTEMPTS: f64 = 5.0;

type Keys<'a> = Vec<(&'static str, &'a str)>;

/// Kafka by the keys of a deployment.
fn deployed(brokers: &str, keys: &[(&str, &str)]) -> anyhow::Result<Kafka> {
    let mut settings = KafkaSettings::new(brokers)?;
    for (key, value) in keys {
        if let Some(place) = SPRING_NAMES.iter().find(|place| place.key == *key) {
            settings.spring(place, value)?;
            continue;
        }
        let mut prefixes = SPRING_PREFIXES.iter();
        let below = prefixes.find_map(|(prefix, side)| Some((*side, key.strip_prefix(prefix)?)));
        let (side, property) = below.unwrap_or_else(|| panic!("{key} is not read"));
        settings.property(side, property, value)?;
    }
    Kafka::new(&settings)
}

/// A record that is published comes back to a group, and the group remembers it.
async fn carries(name: &str, brokers: &str, keys: &[(&str, &str)]) {
    let (broker, topic) = (deployed(brokers, keys).unwrap(), topic(name));
    for id in ["first", "second"] {
        for outcome in broker.publish(&[message(&topic, id, Some("k"))]).await {
            outcome.unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        }
        let mut member = broker.subscribe(&topic, "readers").await.unwrap();
        let records = poll(&mut *member, 1).await;
        assert_eq!(ids(&records), [id], "{name}");
        member.commit(&records[0]).await.unwrap();
        leave(member).await;
    }
    broker.check(Duration::from_secs(5)).await.unwrap();
}

/// Nothing goes through: whoever publishes and whoever asks after the health is told why, in these words; who reads waits; and
/// nobody is flooded with attempts, which come through the door.
async fn refused(
    name: &str,
    (brokers, door): (&str, &Door),
    keys: &[(&str, &str)],
    expected: &[&str],
) {
    let began = Instant::now();
    let (broker, topic) = (deployed(brokers, keys).unwrap(), topic(name));
    let reading = async {
        let mut member = broker.subscribe(&topic, "readers").await.unwrap();
        let read = tokio::time::timeout(WATCHED, member.poll(1)).await;
        assert!(read.is_err(), "{name}: {read:?}");
    };
    let messages = [message(&topic, "refused", Some("k"))];
    let (outcomes, ()) = tokio::join!(broker.publish(&messages), reading);
    let [Err(Failure::Retry(published))] = &outcomes[..] else { panic!("{name}: {outcomes:?}") };
    let health = broker.check(Duration::from_secs(2)).await.unwrap_err();
    for told in [format!("{published:#}"), format!("{health:#}")] {
        for part in expected {
            assert!(told.contains(part), "{name}: {part:?} is not in {told:?}");
        }
    }
    let (attempts, seconds) = (door.opened(), began.elapsed().as_secs_f64());
    let each_second = attempts as f64 / seconds;
    assert!(attempts > 1, "{name} is not tried again");
    assert!(each_second <= ATTEMPTS, "{name}: {attempts} attempts in {seconds:.1} s");
}
