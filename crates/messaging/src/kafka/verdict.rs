//! What became of a message that was handed to Kafka, and what is to be done about it.

use anyhow::anyhow;
use database::Message;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::link::Link;
use crate::Failure;

/// What became of one message.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The brokers have it.
    Done,
    /// Not now.
    Again(anyhow::Error),
    /// The topic may be gone: look for it, then again.
    Lost(anyhow::Error),
    /// The broker refuses the request that it was part of; only sent by itself does it show which message is meant.
    Alone(anyhow::Error),
    /// Never.
    Never(anyhow::Error),
}

impl Outcome {
    /// librdkafka does not take it.
    pub(super) fn of_handing_over(cause: KafkaError) -> Self {
        match Outcome::of_delivery(cause) {
            // It has looked at this message and at no other.
            Outcome::Alone(cause) => Outcome::Never(cause),
            other => other,
        }
    }

    /// A broker, or librdkafka on its behalf, has reported a failure.
    pub(super) fn of_delivery(cause: KafkaError) -> Self {
        use RDKafkaErrorCode as Code;
        let said = anyhow!("{cause}");
        match cause.rdkafka_error_code() {
            Some(
                Code::InvalidRecord
                | Code::InvalidTimestamp
                | Code::MessageBatchTooLarge
                | Code::MessageSizeTooLarge
                | Code::UnsupportedForMessageFormat,
            ) => Outcome::Alone(said),
            Some(Code::InvalidTopic) => Outcome::Never(said),
            Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition) => {
                Outcome::Lost(said)
            }
            Some(Code::PurgeQueue | Code::PurgeInflight) => {
                Outcome::Again(anyhow!("Kafka has not acknowledged it in time"))
            }
            _ if matches!(cause, KafkaError::Canceled) => {
                Outcome::Again(anyhow!("Kafka has not acknowledged it in time"))
            }
            _ => Outcome::Again(said),
        }
    }

    /// The same with what is known of the message and of the way to Kafka. `sent_alone`: in a request of its own.
    pub(super) fn explained(self, message: &Message, sent_alone: bool, link: &Link) -> Self {
        let size = message.payload.len();
        match self {
            Outcome::Alone(cause) if sent_alone => Outcome::Never(cause).explained(message, sent_alone, link),
            Outcome::Never(cause) => Outcome::Never(cause.context(format!(
                "topic {} does not take a message with {size} bytes of content, {} of key and {} of headers",
                message.topic,
                message.key.as_ref().map_or(0, String::len),
                message.headers.iter().map(|header| header.name.len() + header.value.len()).sum::<usize>()
            ))),
            Outcome::Again(cause) => Outcome::Again(anyhow!("publish to topic {} at {}: {cause:#}{}", message.topic, link.brokers(), link.reason())),
            other => other,
        }
    }

    /// As the port says it.
    pub(super) fn answer(self) -> Result<(), Failure> {
        match self {
            Outcome::Done => Ok(()),
            Outcome::Again(cause) | Outcome::Lost(cause) | Outcome::Alone(cause) => {
                Err(Failure::Retry(cause))
            }
            Outcome::Never(cause) => Err(Failure::Reject(cause)),
        }
    }

    /// Whether the message has to be handed over again.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Outcome::Again(_) | Outcome::Lost(_) | Outcome::Alone(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Done => "done",
            Outcome::Again(_) => "again",
            Outcome::Lost(_) => "lost",
            Outcome::Alone(_) => "alone",
            Outcome::Never(_) => "never",
        }
    }

    #[test]
    fn only_what_can_never_work_is_given_up() {
        use RDKafkaErrorCode as Code;
        for (code, reported, refused) in [
            (Code::MessageSizeTooLarge, "alone", "never"),
            (Code::InvalidRecord, "alone", "never"),
            (Code::InvalidTopic, "never", "never"),
            (Code::TopicAuthorizationFailed, "again", "again"),
            (Code::ClusterAuthorizationFailed, "again", "again"),
            (Code::UnknownTopicOrPartition, "lost", "lost"),
            (Code::NotEnoughReplicas, "again", "again"),
            (Code::PurgeInflight, "again", "again"),
            (Code::QueueFull, "again", "again"),
            (Code::Fatal, "again", "again"),
        ] {
            let cause = || KafkaError::MessageProduction(code);
            let outcomes = (Outcome::of_delivery(cause()), Outcome::of_handing_over(cause()));
            assert_eq!((kind(&outcomes.0), kind(&outcomes.1)), (reported, refused), "{code}");
        }
    }
}
