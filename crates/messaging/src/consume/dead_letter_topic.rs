//! A dead letter as Spring Cloud Stream publishes it: the record as it was, and headers that say where it came from and
//! what was wrong (names and forms of `KafkaMessageChannelBinder`).

use database::Message;

use crate::{BROKER, Header, dead_letters::DeadLetter};

/// What Java programs find where the class of an exception stands.
const EXCEPTION: &str = "org.springframework.messaging.MessageHandlingException";

/// The message that publishes a dead letter.
pub(super) fn message(topic: &str, letter: &DeadLetter) -> Message {
    let header = |name: &str, value: &[u8]| Header { name: name.to_owned(), value: value.into() };
    let (partition, offset) = letter.place.unwrap_or_default();
    let mut headers = letter.headers.clone();
    headers.extend([
        header("x-original-topic", letter.topic.as_bytes()),
        header("x-original-partition", &partition.to_be_bytes()),
        header("x-original-offset", &offset.to_be_bytes()),
        header("x-original-timestamp", &letter.created.as_millisecond().to_be_bytes()),
        header("x-original-timestamp-type", b"CreateTime"),
        header("x-exception-fqcn", EXCEPTION.as_bytes()),
        header("x-exception-message", letter.reason.as_bytes()),
        header("x-exception-stacktrace", letter.reason.as_bytes()),
    ]);
    Message {
        id: letter.message.clone(),
        channel: BROKER.to_owned(),
        topic: topic.to_owned(),
        key: letter.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
        headers,
        payload: letter.payload.clone().unwrap_or_default(),
        created: letter.created,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dead_letters::example;

    #[test]
    fn numbers_are_big_endian_as_java_writes_them() {
        let letter = example();
        let message = message("error.books.readers", &letter);
        assert_eq!((&*message.topic, &*message.payload), ("error.books.readers", &b"p"[..]));
        assert_eq!(message.headers[0], letter.headers[0]);
        let value =
            |name: &str| &message.headers.iter().find(|header| header.name == name).unwrap().value;
        assert_eq!(value("x-original-partition"), &[0, 0, 0, 3]);
        assert_eq!(value("x-original-offset"), &[0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(value("x-original-topic"), b"books");
        assert_eq!(value("x-exception-message"), b"no book");
    }
}
