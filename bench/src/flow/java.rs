//! What the Java services needed for the same. Of two measurements the better one.

/// Where the figures come from.
pub(super) const SOURCE: &str = "\
Java: the tutorial's store and alert services (JHipster 7.9.3, OpenJDK 17, -Xmx512m), warm after nine minutes and some load, with
MongoDB, Kafka, PostgreSQL and a mail server on two cores of a shared AMD EPYC and 24 GiB, written down by 2026-11-24. Above about
290 updates per second their mails fell behind without bound. Their store has no outbox: while Kafka is away, a PUT fails.";

/// PUT → mail, one at a time, in milliseconds: p50 and p99.
pub(super) const ALONE: [f64; 2] = [8.8, 15.0];

/// The same at 200 per second.
pub(super) const AT_200: [f64; 2] = [54.0, 453.0];

/// Answered PUT per second, and their p50 in milliseconds: 16 callers, alert running beside it.
pub(super) const PUT_RATE: f64 = 574.0;
pub(super) const PUT_MEDIAN: f64 = 25.0;

/// Records per second that alert takes from Kafka, records and mails, and CPU-seconds per 1,000 of them.
pub(super) const RECORDS: f64 = 319.0;
pub(super) const RECORDS_PROCESSOR: f64 = 0.79;

/// Resident megabytes after load.
pub(super) const STORE_MEMORY: f64 = 553.0;
pub(super) const ALERT_MEMORY: f64 = 591.0;
