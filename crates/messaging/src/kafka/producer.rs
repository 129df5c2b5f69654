//! Publishes: hands messages to librdkafka in order, waits for the brokers' answers, and gives up all that is outstanding
//! when they do not come in time.
//!
//! The producer is idempotent: its requests carry numbers, so that a broker takes none twice and none out of order. When
//! messages are given up, those still here are never sent, and librdkafka numbers on in a new epoch, so that a broker
//! refuses what may still be on its way to it.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, anyhow};
use database::Message;
use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryFuture, FutureProducer, Producer as _, PurgeConfig},
};
use tokio::{
    sync::RwLock,
    time::{Instant, timeout_at},
};
use tracing::warn;

use super::{desk::Desk, link::Ear, record::outgoing, verdict::Outcome};

type Live = FutureProducer<Ear>;

/// How long librdkafka may take to report what was given up.
const REPORTING: Duration = Duration::from_secs(1);

pub(super) struct Producer {
    config: ClientConfig,
    ear: Ear,
    /// Gives messages up, and ends producers: both may block.
    desk: Desk<()>,
    /// Held for writing while messages are given up: what is handed over meanwhile could be sent although an earlier one is
    /// given up.
    gate: Arc<RwLock<()>>,
    /// How long a message may take to be acknowledged.
    delivery: Duration,
    live: Mutex<Option<Live>>,
}

impl Producer {
    pub(super) fn new(config: ClientConfig, delivery: Duration, ear: Ear) -> io::Result<Self> {
        let desk = Desk::open("kafka-producer", (), |()| {})?;
        let (gate, live) = (Arc::default(), Mutex::default());
        Ok(Producer { config, ear, desk, gate, delivery, live })
    }

    /// When messages that are handed over now are given up.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.delivery
    }

    /// Hands messages over, oldest first, and answers one outcome for each.
    pub(super) async fn send(&self, messages: &[&Message], deadline: Instant) -> Vec<Outcome> {
        let gate = timeout_at(deadline, self.gate.read()).await;
        let ready = gate
            .context("earlier messages are being given up")
            .and_then(|gate| Ok((gate, self.live()?)));
        let (gate, live) = match ready {
            Ok(ready) => ready,
            Err(cause) => {
                let failed = |_: &&Message| Outcome::Again(anyhow!("{cause:#}"));
                return messages.iter().map(failed).collect();
            }
        };
        let mut unfinished = Unfinished { producer: self, live: &live, armed: true };
        let sent = enqueue(&live, messages);
        drop(gate);
        let (outcomes, given_up) = self.reports(&live, sent, deadline).await;
        unfinished.armed = false;
        if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Done)) {
            self.ear.link.works();
        } else {
            if given_up {
                self.ear.link.is_silent(self.delivery);
            }
            self.replace_when_broken(&live);
        }
        let alone = messages.len() == 1;
        let say = |(outcome, message): (Outcome, &&Message)| {
            outcome.explained(message, alone, &self.ear.link)
        };
        outcomes.into_iter().zip(messages).map(say).collect()
    }

    /// What became of each message, and whether any was given up.
    async fn reports(
        &self,
        live: &Live,
        sent: Vec<Result<DeliveryFuture, KafkaError>>,
        deadline: Instant,
    ) -> (Vec<Outcome>, bool) {
        let (mut outcomes, mut deadline, mut given_up) =
            (Vec::with_capacity(sent.len()), deadline, false);
        for delivery in sent {
            let mut delivery = match delivery {
                Ok(delivery) => delivery,
                Err(cause) => {
                    outcomes.push(Outcome::of_handing_over(cause));
                    continue;
                }
            };
            let mut report = timeout_at(deadline, &mut delivery).await;
            if report.is_err() && !given_up {
                // All at once: to give up one and deliver the next would change their order.
                self.give_up(live, PurgeConfig::default().queue().inflight());
                (given_up, deadline) = (true, Instant::now() + REPORTING);
                report = timeout_at(deadline, &mut delivery).await;
            }
            outcomes.push(match report {
                Ok(Ok(Ok(_))) => Outcome::Done,
                Ok(Ok(Err((cause, _)))) => Outcome::of_delivery(cause),
                Ok(Err(_)) | Err(_) => Outcome::of_delivery(KafkaError::Canceled),
            });
        }
        (outcomes, given_up)
    }

    fn live(&self) -> anyhow::Result<Live> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = &*live {
            return Ok(live.clone());
        }
        let made = self.config.create_with_context(self.ear.clone());
        let made: Live = made.context("make a Kafka producer")?;
        Ok(live.insert(made).clone())
    }

    /// An idempotent producer that can no longer promise order refuses everything; a new one begins with a new identity.
    fn replace_when_broken(&self, live: &Live) {
        let Some((code, reason)) = live.client().fatal_error() else { return };
        let mut current = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |current: &mut Live| current.client().native_ptr() == live.client().native_ptr();
        if let Some(broken) = current.take_if(same) {
            warn!(target: "Kafka", "the Kafka producer is made anew: {code}: {reason}");
            self.retire(broken);
        }
    }

    /// Makes librdkafka report these messages as failed; nothing is handed over until it has found all of them.
    fn give_up(&self, live: &Live, which: PurgeConfig) {
        let (gate, live) = (self.gate.clone(), live.clone());
        let closed = gate.clone().try_write_owned();
        let give_up = move |(): &()| {
            let closed_now = closed.is_err().then(|| gate.blocking_write());
            live.purge(which);
            drop((closed, closed_now));
        };
        if let Err(cause) = self.desk.post(give_up) {
            warn!(target: "Kafka", "messages are not given up yet: {cause:#}");
        }
    }

    /// Its end blocks for a moment.
    fn retire(&self, live: Live) {
        drop(self.desk.post(move |()| drop(live)));
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(live) = live {
            self.retire(live);
        }
    }
}

fn enqueue(live: &Live, messages: &[&Message]) -> Vec<Result<DeliveryFuture, KafkaError>> {
    let mut full: Option<KafkaError> = None;
    let mut hand_over = |message: &&Message| {
        // One that found no room must not be overtaken by a smaller one that does.
        if let Some(cause) = &full {
            return Err(cause.clone());
        }
        let sent = live.send_result(outgoing(message)).map_err(|(cause, _)| cause);
        if let Err(cause @ KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) = &sent {
            full = Some(cause.clone());
        }
        sent
    };
    messages.iter().map(&mut hand_over).collect()
}

/// Messages of which nobody waits for the report any more must not be sent later, behind newer ones: what is still here is
/// given up. What others have handed over and is not yet sent goes with it, and is answered with "again".
struct Unfinished<'a> {
    producer: &'a Producer,
    live: &'a Live,
    armed: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.producer.give_up(self.live, PurgeConfig::default().queue());
        }
    }
}
