//! Messages that their destination refuses.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use database::{Changes, DatabaseRef, Message};
use messaging::{
    Clock, Failure, Publish, Stop,
    dead_letters::{self, DeadLetter, Query, Reason},
    relay,
};
use tokio::task::JoinSet;

use super::{answered, letter, letters, ticking};
use crate::conformance;

pub(super) async fn all(open: &mut impl AsyncFnMut() -> DatabaseRef) {
    a_replayed_message_reaches_its_destination_as_it_was(open().await).await;
    letters_are_found_by_reason_and_channel_the_latest_first(open().await).await;
}

/// Refuses messages with the reason that their topic is until it is told to take them.
#[derive(Default)]
struct Destination {
    takes_all: AtomicBool,
    taken: Mutex<Vec<Message>>,
}

#[async_trait]
impl Publish for Destination {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let one = |message: &Message| {
            if !self.takes_all.load(Ordering::Relaxed) {
                return Err(Failure::Reject(anyhow::anyhow!("no {}", message.topic)));
            }
            self.taken.lock().unwrap().push(message.clone());
            Ok(())
        };
        messages.iter().map(one).collect()
    }
}

/// A relay that runs until it is stopped.
struct Relay {
    stop: Stop,
    running: JoinSet<anyhow::Result<()>>,
}

impl Relay {
    fn start(
        channel: &'static str,
        database: &DatabaseRef,
        to: &Arc<Destination>,
        now: Clock,
    ) -> Self {
        let (stop, mut running) = (Stop::new(), JoinSet::new());
        let (database, to, stopped) = (database.clone(), to.clone(), stop.clone());
        running.spawn(async move { relay(channel, database, to, now, stopped).await });
        Relay { stop, running }
    }

    async fn stop(mut self) {
        self.stop.cancel();
        self.running.join_next().await.unwrap().unwrap().unwrap();
    }
}

fn message(id: &str, channel: &str, topic: &str) -> Message {
    Message { channel: channel.to_owned(), ..conformance::message(topic, id, Some("k")) }
}

/// Makes dead letters of messages with these ids and topics, one after the other; nothing relays the channel any more.
pub(super) async fn refused(
    database: &DatabaseRef,
    channel: &'static str,
    messages: &[(&str, &str)],
    now: &Clock,
) -> Vec<DeadLetter> {
    let relay = Relay::start(channel, database, &Arc::default(), now.clone());
    let mut letters = Vec::new();
    for (id, topic) in messages {
        database.commit(Changes::new().send(message(id, channel, topic))).await.unwrap();
        letters.push(letter(database, id, 1).await);
    }
    relay.stop().await;
    letters
}

async fn a_replayed_message_reaches_its_destination_as_it_was(database: DatabaseRef) {
    let destination = Arc::new(Destination::default());
    let relay = Relay::start("out", &database, &destination, ticking());
    let sent = message("m", "out", "notes");
    database.commit(Changes::new().send(sent.clone())).await.unwrap();
    let first = letter(&database, "m", 1).await;
    assert_eq!((&*first.channel, first.place, &first.headers), ("out", None, &sent.headers));
    dead_letters::replay(&database, &first.id, "ann").await.unwrap();
    let again = letter(&database, "m", 2).await;
    assert_eq!(again, DeadLetter { attempts: 2, last: again.last, ..first });
    destination.takes_all.swap(true, Ordering::Relaxed);
    dead_letters::replay(&database, &again.id, "ann").await.unwrap();
    answered("delivery", async || (!destination.taken.lock().unwrap().is_empty()).then_some(()))
        .await;
    relay.stop().await;
    assert_eq!(*destination.taken.lock().unwrap(), [sent], "without what is our own");
    assert!(letters(&database).await.is_empty());
}

async fn letters_are_found_by_reason_and_channel_the_latest_first(database: DatabaseRef) {
    let now = ticking();
    let letters = [("a", "road"), ("b", "harbour"), ("c", "road")];
    refused(&database, "out", &letters, &now).await;
    refused(&database, "in", &[("d", "harbour")], &now).await;
    let reason = |reason: &str, count| Reason { reason: reason.to_owned(), count };
    let reasons = dead_letters::reasons(&database).await.unwrap();
    assert_eq!(reasons, [reason("no harbour", 2), reason("no road", 2)]);
    let channels = dead_letters::channels(&database).await.unwrap();
    assert_eq!(channels, [("in".to_owned(), 1), ("out".to_owned(), 3)]);
    let (harbour, road) = (Some("no harbour".to_owned()), Some("no road".to_owned()));
    let (inwards, outwards) = (Some("in".to_owned()), Some("out".to_owned()));
    let elsewhere = Some("elsewhere".to_owned());
    let all = Query { limit: 10, ..Query::default() };
    for (query, expected, total) in [
        (all.clone(), &["d", "c", "b", "a"][..], 4),
        (Query { limit: 2, offset: 1, ..Query::default() }, &["c", "b"], 4),
        (Query { limit: 2, offset: 4, ..Query::default() }, &[], 4),
        (Query { reason: road.clone(), ..all.clone() }, &["c", "a"], 2),
        (Query { reason: road, limit: 1, offset: 1, ..Query::default() }, &["a"], 2),
        (Query { channel: inwards, ..all.clone() }, &["d"], 1),
        (Query { channel: outwards, reason: harbour, ..all.clone() }, &["b"], 1),
        (Query { channel: elsewhere, ..all }, &[], 0),
    ] {
        let (letters, count) = dead_letters::list(&database, &query).await.unwrap();
        let found: Vec<&str> = letters.iter().map(|letter| &*letter.message).collect();
        assert_eq!((&*found, count), (expected, total), "{query:?}");
    }
}
