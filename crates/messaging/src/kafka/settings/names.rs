//! Which of librdkafka's properties stands for which of Java's.

use anyhow::{Context, bail};

use super::security;

/// Takes a value; says what of it has no effect. `None` when nothing is left.
type Convert = fn(&str, &mut Vec<String>) -> anyhow::Result<Option<String>>;

/// What becomes of a property.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// It goes by other names here.
    As(&'static [&'static str]),
    /// It goes by other names, and its values are written otherwise.
    Converted(&'static [&'static str], Convert),
    /// It has one of these values, in lower case; another one is not taken, for this reason.
    Only(&'static [&'static str], &'static str),
    /// It is read in another place.
    Elsewhere,
}

/// The rule for one of Java's names; a name without one is librdkafka's too, or unknown.
pub(super) fn rule(name: &str) -> Option<Rule> {
    if security::reads(name) {
        return Some(Rule::Elsewhere);
    }
    RULES.iter().find(|(java, _)| *java == name).map(|(_, rule)| *rule)
}

const LOSES: &str = "messages could get lost; every one is acknowledged by all replicas in sync";
const COMMITS: &str = "messages could get lost; an offset is committed when its message is handled";

const RULES: &[(&str, Rule)] = &[
    ("acks", Rule::Only(&["all", "-1"], LOSES)),
    (
        "allow.auto.create.topics",
        Rule::Only(&["false"], "topics are created with their partitions before they are read"),
    ),
    ("auto.offset.reset", Rule::Converted(&["auto.offset.reset"], reset)),
    ("bootstrap.servers", Rule::Only(&[], "the brokers are named by the binder's own property")),
    ("buffer.memory", Rule::Converted(&["queue.buffering.max.kbytes"], kibibytes)),
    ("delivery.timeout.ms", Rule::Elsewhere),
    ("enable.auto.commit", Rule::Only(&["false"], COMMITS)),
    ("enable.auto.offset.store", Rule::Only(&["false"], COMMITS)),
    (
        "enable.idempotence",
        Rule::Only(&["true"], "messages could get lost or overtake one another"),
    ),
    ("fetch.max.wait.ms", Rule::As(&["fetch.wait.max.ms"])),
    ("group.id", Rule::Only(&[], "the group is the subscription's")),
    (
        "group.protocol",
        Rule::Only(&["classic"], "members of one group must speak the same protocol"),
    ),
    ("isolation.level", Rule::Converted(&["isolation.level"], lower)),
    (
        "max.in.flight.requests.per.connection",
        Rule::Converted(&["max.in.flight.requests.per.connection"], at_most_five),
    ),
    ("max.partition.fetch.bytes", Rule::As(&["fetch.message.max.bytes"])),
    ("max.request.size", Rule::As(&["message.max.bytes"])),
    ("message.timeout.ms", Rule::Only(&[], "delivery.timeout.ms says how long a message may take")),
    (
        "metadata.max.age.ms",
        Rule::As(&["metadata.max.age.ms", "topic.metadata.refresh.interval.ms"]),
    ),
    (
        "partition.assignment.strategy",
        Rule::Converted(&["partition.assignment.strategy"], assignors),
    ),
    (
        "partitioner",
        Rule::Only(
            &["murmur2_random"],
            "a key has one place, the one that Java's producer gives it",
        ),
    ),
    (
        "partitioner.class",
        Rule::Only(
            &["org.apache.kafka.clients.producer.internals.defaultpartitioner"],
            "a key has one place, the one that Java's producer gives it",
        ),
    ),
    ("receive.buffer.bytes", Rule::Converted(&["socket.receive.buffer.bytes"], buffer)),
    ("request.timeout.ms", Rule::As(&["socket.timeout.ms"])),
    (
        "retries",
        Rule::Only(
            &["2147483647"],
            "what fails is tried until delivery.timeout.ms, and later again",
        ),
    ),
    (
        "sasl.login.callback.handler.class",
        Rule::Only(
            &[
                "org.apache.kafka.common.security.oauthbearer.oauthbearerlogincallbackhandler",
                "org.apache.kafka.common.security.oauthbearer.secured.oauthbearerlogincallbackhandler",
            ],
            "tokens are fetched from sasl.oauthbearer.token.endpoint.url",
        ),
    ),
    ("send.buffer.bytes", Rule::Converted(&["socket.send.buffer.bytes"], buffer)),
    (
        "transactional.id",
        Rule::Only(&[], "transactions are not used; who reads twice knows it by the message's id"),
    ),
];

fn reset(value: &str, _: &mut Vec<String>) -> anyhow::Result<Option<String>> {
    match value.trim().to_ascii_lowercase().as_str() {
        "none" => Ok(Some("error".to_owned())),
        known @ ("earliest" | "latest") => Ok(Some(known.to_owned())),
        other => bail!("{other:?} is none of earliest, latest and none"),
    }
}

fn kibibytes(value: &str, _: &mut Vec<String>) -> anyhow::Result<Option<String>> {
    let bytes: u64 = value.trim().parse().context("is no number of bytes")?;
    // The largest message has to fit, whatever the number.
    Ok(Some((bytes / 1024).clamp(2048, 2_097_151).to_string()))
}

fn lower(value: &str, _: &mut Vec<String>) -> anyhow::Result<Option<String>> {
    Ok(Some(value.trim().to_ascii_lowercase()))
}

fn at_most_five(value: &str, warnings: &mut Vec<String>) -> anyhow::Result<Option<String>> {
    let count: u32 = value.trim().parse().context("is no number")?;
    if count > 5 {
        warnings.push(format!(
            "Kafka property max.in.flight.requests.per.connection={count} is not taken: more than 5 could overtake one another"
        ));
    }
    Ok(Some(count.clamp(1, 5).to_string()))
}

fn buffer(value: &str, _: &mut Vec<String>) -> anyhow::Result<Option<String>> {
    // Java says -1 for the system's own size, librdkafka 0.
    Ok(Some(if value.trim() == "-1" { "0" } else { value }.to_owned()))
}

/// Assignors by Java's classes or by name. A group's members use one protocol, eager or cooperative, so a list with both, as
/// Java's default is, leaves its eager ones.
fn assignors(value: &str, warnings: &mut Vec<String>) -> anyhow::Result<Option<String>> {
    let mut known = Vec::new();
    for class in value.split(',').map(str::trim).filter(|class| !class.is_empty()) {
        match class.rsplit('.').next().unwrap_or(class) {
            "RangeAssignor" | "range" => known.push("range"),
            "RoundRobinAssignor" | "roundrobin" => known.push("roundrobin"),
            "CooperativeStickyAssignor" | "cooperative-sticky" => known.push("cooperative-sticky"),
            _ => warnings.push(format!(
                "Kafka property partition.assignment.strategy: {class} does not exist here"
            )),
        }
    }
    if known.iter().any(|name| *name != "cooperative-sticky") {
        known.retain(|name| *name != "cooperative-sticky");
    }
    Ok((!known.is_empty()).then(|| known.join(",")))
}
