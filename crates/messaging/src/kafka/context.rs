//! What librdkafka tells a reader: partitions dealt and taken, answers to commits, errors.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    types::RDKafkaRespErr,
};
use tracing::{debug, info};

use super::{link::Ear, share::Share};

/// How long a group waits for who handles records of a partition that is taken away.
const FINISHING: Duration = Duration::from_secs(3);

pub(super) struct ReaderContext {
    pub(super) ear: Ear,
    pub(super) share: Arc<Share>,
    /// For the log.
    pub(super) group: String,
}

impl ClientContext for ReaderContext {
    fn log(&self, level: RDKafkaLogLevel, kind: &str, line: &str) {
        self.ear.log(level, kind, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.error(error, reason);
    }
}

impl ConsumerContext for ReaderContext {
    fn rebalance(
        &self,
        client: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let cooperative = matches!(client.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let group = &self.group;
        let done = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.ear.link.works();
                info!(target: "Consumer", "[Consumer groupId={group}] assigned partitions: {}", names(list));
                self.share.assign(list);
                if cooperative { client.incremental_assign(list) } else { client.assign(list) }
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                info!(target: "Consumer", "[Consumer groupId={group}] revoked partitions: {}", names(list));
                // What the group has dealt to somebody else without asking, we can no longer commit.
                let patience = if client.assignment_lost() { Duration::ZERO } else { FINISHING };
                self.share.revoke(list, patience);
                if cooperative { client.incremental_unassign(list) } else { client.unassign() }
            }
            other => Err(KafkaError::Rebalance(other.into())),
        };
        if let Err(cause) = done {
            self.share.fail(anyhow!("share partitions: {cause}"));
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        match result {
            Ok(()) => {
                self.ear.link.works();
                self.share.confirm(offsets);
            }
            Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            Err(
                cause @ KafkaError::ConsumerCommit(
                    RDKafkaErrorCode::GroupAuthorizationFailed | RDKafkaErrorCode::FencedInstanceId,
                ),
            ) => {
                self.share.fail(anyhow!("commit offsets: {cause}"));
            }
            // Another member has the partition by now, or the broker does not answer: it comes again, or is asked again.
            Err(cause) => {
                debug!(target: "Consumer", "[Consumer groupId={}] offsets are not committed yet: {cause}", self.group)
            }
        }
    }
}

/// Whether an error ends the reading, so that it has to begin anew; the others librdkafka gets over by itself.
pub(super) fn serious(cause: &KafkaError) -> Option<anyhow::Error> {
    use RDKafkaErrorCode as Code;
    match cause {
        KafkaError::PartitionEOF(_) => None,
        KafkaError::MessageConsumption(
            Code::AllBrokersDown
            | Code::Authentication
            | Code::BrokerTransportFailure
            | Code::NetworkException
            | Code::OperationTimedOut
            | Code::PollExceeded
            | Code::RequestTimedOut
            | Code::Resolve
            | Code::SSL
            | Code::SaslAuthenticationFailed
            | Code::WaitingForCoordinator,
        ) => None,
        other => Some(anyhow!("{other}")),
    }
}

fn names(list: &TopicPartitionList) -> String {
    let name = |one: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        format!("{}-{}", one.topic(), one.partition())
    };
    list.elements().iter().map(name).collect::<Vec<_>>().join(", ")
}
