//! A record as librdkafka delivers it to one of ours, and a message of ours to a record as it takes it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use database::{Header, Message};
use jiff::Timestamp;
use rdkafka::{
    message::{BorrowedMessage, Header as NativeHeader, Headers, Message as _, OwnedHeaders},
    producer::FutureRecord,
};
use tracing::warn;

use crate::Record;

/// A copy of what the broker delivered. A header without a value gets an empty one; a record without a timestamp, which
/// only brokers before Kafka 0.10 deliver, gets the epoch.
pub(super) fn record(from: &BorrowedMessage<'_>) -> Record {
    let milliseconds = from.timestamp().to_millis().unwrap_or_default();
    Record {
        topic: from.topic().to_owned(),
        partition: from.partition(),
        offset: from.offset(),
        key: from.key().map(<[u8]>::to_vec),
        headers: headers(from),
        payload: from.payload().map(<[u8]>::to_vec),
        timestamp: Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

fn headers(from: &BorrowedMessage<'_>) -> Vec<Header> {
    let Some(native) = from.headers() else { return Vec::new() };
    let read = |index| {
        // rdkafka panics at a name that is not UTF-8, and anybody can publish one: it must not end the reader.
        let header = catch_unwind(AssertUnwindSafe(|| native.try_get(index)));
        if header.is_err() {
            warn!(
                target: "Consumer",
                "a header of {}-{}@{} is left out: its name is not UTF-8",
                from.topic(), from.partition(), from.offset()
            );
        }
        let header = header.ok().flatten()?;
        Some(Header {
            name: header.key.to_owned(),
            value: header.value.unwrap_or_default().to_vec(),
        })
    };
    (0..native.count()).filter_map(read).collect()
}

/// A message as the producer takes it.
pub(super) fn outgoing(message: &Message) -> FutureRecord<'_, str, [u8]> {
    let add = |headers: OwnedHeaders, header: &Header| {
        headers.insert(NativeHeader { key: &header.name, value: Some(&header.value) })
    };
    let headers =
        message.headers.iter().fold(OwnedHeaders::new_with_capacity(message.headers.len()), add);
    let record = FutureRecord::to(&message.topic)
        .payload(message.payload.as_slice())
        .timestamp(message.created.as_millisecond())
        .headers(headers);
    match &message.key {
        Some(key) => record.key(key.as_str()),
        None => record,
    }
}
