//! librdkafka's properties where we want others than its defaults, and those that nobody may change.

/// Quick to notice that a broker is back, or gone without a word.
pub(super) const COMMON: &[(&str, &str)] = &[
    ("reconnect.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "1000"),
    ("socket.keepalive.enable", "true"),
    ("socket.nagle.disable", "true"),
    ("socket.timeout.ms", "10000"),
];

/// A single message leaves at once; many that come together share requests, of more than Java's 16 KiB: an outbox that
/// empties after an outage has hundreds of them at a time.
pub(super) const PRODUCER: &[(&str, &str)] = &[
    ("batch.size", "262144"),
    ("linger.ms", "0"),
    ("message.max.bytes", "1048576"),
    ("queue.buffering.max.kbytes", "65536"),
];

/// What no property can change: without these, messages would get lost or overtake one another.
pub(super) const PRODUCER_FIXED: &[(&str, &str)] = &[
    ("acks", "all"),
    ("enable.idempotence", "true"),
    // Messages are given up here, all at once and in order: see `producer.rs`.
    ("message.timeout.ms", "0"),
    // Java's place for every key.
    ("partitioner", "murmur2_random"),
];

/// What waits here to be read is bounded for each partition: 1,000 records, or 2 MiB, and the answer that goes beyond it.
pub(super) const CONSUMER: &[(&str, &str)] = &[
    ("auto.offset.reset", "earliest"),
    ("fetch.max.bytes", "4194304"),
    ("fetch.message.max.bytes", "262144"),
    // librdkafka's own second would starve whoever reads faster than that.
    ("fetch.queue.backoff.ms", "20"),
    // Java's default is read_uncommitted; who uses no transactions sees no difference, who does wants no aborted record.
    ("isolation.level", "read_committed"),
    // The eager protocol: the one that a member with Java's defaults, [range, cooperative-sticky], shares with us.
    ("partition.assignment.strategy", "range"),
    // How long a member that died without a word keeps others from its partitions; Java's 45 s are long for an alarm.
    ("session.timeout.ms", "10000"),
    ("queued.max.messages.kbytes", "2048"),
    ("queued.min.messages", "1000"),
    ("topic.metadata.refresh.interval.ms", "60000"),
];

pub(super) const CONSUMER_FIXED: &[(&str, &str)] = &[
    ("allow.auto.create.topics", "false"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
];
