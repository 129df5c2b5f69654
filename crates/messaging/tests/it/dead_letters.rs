//! What cannot be processed is kept as it was until a person decides, and what is decided happens once.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use database::{
    Changes, CommitError, DatabaseRef, Durability, Header, Id, Message, Page, Value, Write,
};
use messaging::{
    BrokerRef, Clock, Consumer, Delivery, Embedded, Failure, Publish, consume,
    dead_letters::{self, Correction, DeadLetter, Decided, Query, Reason},
    relay, replay,
};
use tempfile::TempDir;

use crate::{NOTE, Running, database, dead_letters_of, eventually, message};

/// A clock that is a second later each time it is asked.
fn ticking() -> Clock {
    let seconds = AtomicI64::new(0);
    Arc::new(move || {
        let start: jiff::Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let seconds = seconds.fetch_add(1, Ordering::Relaxed);
        start + jiff::SignedDuration::from_secs(seconds)
    })
}

/// A group that reads notes, and refuses those that say "bad" until it is told to take them.
struct Group {
    broker: BrokerRef,
    database: DatabaseRef,
    takes_all: Arc<AtomicBool>,
    running: Vec<Running>,
    _folder: TempDir,
}

impl Group {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = broker(folder.path()).await;
        let database = database(folder.path()).await;
        let (takes_all, now) = (Arc::new(AtomicBool::new(false)), ticking());
        let number = Arc::new(AtomicI64::new(0));
        let handler = || {
            let (takes_all, number) = (takes_all.clone(), number.clone());
            move |delivery: Arc<Delivery>| {
                std::future::ready(handle(&delivery, takes_all.load(Ordering::Relaxed), &number))
            }
        };
        let (reading, again) = (handler(), handler());
        let consumer = Consumer::new("notes", "writers");
        let (topic, rows, clock) = (broker.clone(), database.clone(), now.clone());
        let consuming = Running::start(|stop| consume(topic, rows, consumer, reading, clock, stop));
        let rows = database.clone();
        let replaying =
            Running::start(|stop| async move { replay(rows, "writers", again, now, stop).await });
        let running = vec![consuming, replaying];
        Group { broker, database, takes_all, running, _folder: folder }
    }

    async fn publish(&self, messages: &[Message]) {
        assert!(self.broker.publish(messages).await.iter().all(Result::is_ok));
    }

    /// Publishes a note that is refused, and waits until it is a dead letter.
    async fn refused(&self, id: &str) -> DeadLetter {
        self.publish(&[bad(id)]).await;
        self.letter(id, 1).await
    }

    /// Waits until a message is a dead letter after so many attempts.
    async fn letter(&self, id: &str, attempts: u32) -> DeadLetter {
        letter_of(&self.database, id, attempts).await
    }

    /// The texts of the notes, oldest first.
    async fn notes(&self) -> Vec<String> {
        let rows = self.database.list(&NOTE, &Page::first(100)).await.unwrap().rows;
        rows.iter().map(|row| format!("{:?}", row.values[0])).collect()
    }

    async fn replay(&self, letter: &DeadLetter) -> Result<Decided, CommitError> {
        dead_letters::replay(&self.database, &letter.id, "ann").await
    }

    /// Waits until nothing waits to be handled again.
    async fn settled(&self) {
        eventually("everything is handled", || async {
            self.database.unsent("replay:writers", 0, 10).await.unwrap().is_empty()
        })
        .await;
    }

    async fn stop(self) {
        for running in self.running {
            running.stop().await;
        }
    }
}

async fn broker(folder: &Path) -> BrokerRef {
    Arc::new(Embedded::open(&folder.join("broker.db"), 1, Durability::ProcessCrash).await.unwrap())
}

async fn letter_of(database: &DatabaseRef, id: &str, attempts: u32) -> DeadLetter {
    let found = Mutex::new(None);
    eventually("the dead letter", || async {
        let mut letters = dead_letters_of(database).await.into_iter();
        let letter = letters.find(|it| it.message == id && it.attempts == attempts);
        *found.lock().unwrap() = letter;
        found.lock().unwrap().is_some()
    })
    .await;
    found.into_inner().unwrap().unwrap()
}

fn bad(id: &str) -> Message {
    Message { payload: b"bad".to_vec(), ..message(id, "broker", Some("k")) }
}

/// A row with another id at each call, so that a second handling would show.
fn handle(delivery: &Delivery, takes_all: bool, number: &AtomicI64) -> Result<Changes, Failure> {
    let payload = delivery.record.payload.as_deref().unwrap_or_default();
    if payload == b"bad" && !takes_all {
        return Err(Failure::Reject(anyhow::anyhow!("not a note")));
    }
    let id = Id::Text(format!("{:024}", number.fetch_add(1, Ordering::Relaxed)));
    let text = format!("{} {}", delivery.id, String::from_utf8_lossy(payload));
    Ok(Changes::new().write(Write::Insert { table: NOTE, id, values: vec![Value::Text(text)] }))
}

fn text(id: &str, payload: &str) -> String {
    format!("{:?}", database::Value::Text(format!("{id} {payload}")))
}

#[tokio::test]
async fn a_record_that_is_refused_is_kept_as_it_was() {
    let group = Group::start().await;
    let raw = Header { name: "raw".to_owned(), value: vec![0, 0xff] };
    let mut refused = bad("m");
    refused.headers.push(raw);
    group.publish(&[message("first", "broker", None), refused.clone()]).await;
    let letter = group.letter("m", 1).await;
    let kept = (&*letter.channel, &*letter.topic, letter.place, &*letter.reason);
    assert_eq!(kept, ("replay:writers", "notes", Some((0, 1)), "not a note"));
    assert_eq!(letter.key.as_deref(), Some(&b"k"[..]));
    assert_eq!((letter.headers, letter.payload), (refused.headers, Some(b"bad".to_vec())));
    assert_eq!((letter.first, letter.created), (letter.last, refused.created));
    group.stop().await;
}

#[tokio::test]
async fn a_letter_is_replayed_once_though_it_is_asked_for_twice_at_once() {
    let group = Group::start().await;
    let letter = group.refused("m").await;
    group.takes_all.fetch_or(true, Ordering::Relaxed);
    let outcomes = tokio::join!(group.replay(&letter), group.replay(&letter));
    let done = |it: &Result<Decided, CommitError>| matches!(it, Ok(Decided::Done));
    let refused = |it: &Result<_, _>| matches!(it, Ok(Decided::Gone) | Err(CommitError::Conflict));
    let (first, second) = &outcomes;
    let once = (done(first) && refused(second)) || (done(second) && refused(first));
    assert!(once, "{outcomes:?}");
    group.settled().await;
    assert_eq!(group.notes().await, [text("m", "bad")]);
    assert_eq!(group.replay(&letter).await.unwrap(), Decided::Gone);
    assert!(dead_letters_of(&group.database).await.is_empty());
    group.stop().await;
}

#[tokio::test]
async fn what_was_handled_in_the_meantime_is_not_handled_again_by_a_replay() {
    let group = Group::start().await;
    let letter = group.refused("m").await;
    group.takes_all.fetch_or(true, Ordering::Relaxed);
    group.publish(&[bad("m")]).await;
    eventually("the second delivery", || async { group.notes().await.len() == 1 }).await;
    group.replay(&letter).await.unwrap();
    group.settled().await;
    assert_eq!(group.notes().await, [text("m", "bad")]);
    assert!(dead_letters_of(&group.database).await.is_empty());
    group.stop().await;
}

#[tokio::test]
async fn what_fails_again_is_the_same_letter_with_one_attempt_more() {
    let group = Group::start().await;
    let first = group.refused("m").await;
    group.replay(&first).await.unwrap();
    let second = group.letter("m", 2).await;
    assert!(second.last > first.last, "{} {}", second.last, first.last);
    assert_eq!(second, DeadLetter { attempts: 2, last: second.last, ..first });
    group.replay(&second).await.unwrap();
    let third = group.letter("m", 3).await;
    assert_eq!(third.id, second.id);
    group.settled().await;
    group.stop().await;
}

#[tokio::test]
async fn a_corrected_letter_is_handled_as_it_is_then() {
    let group = Group::start().await;
    let letter = group.refused("m").await;
    let key = Some(b"other".to_vec());
    let correction = Correction { payload: Some(b"good".to_vec()), key: key.clone() };
    let decided =
        dead_letters::correct(&group.database, &letter.id, correction, "ann").await.unwrap();
    assert_eq!(decided, Decided::Done);
    let corrected = dead_letters::find(&group.database, &letter.id).await.unwrap().unwrap();
    let payload = Some(b"good".to_vec());
    assert_eq!(corrected, DeadLetter { payload, key, ..letter });
    group.replay(&corrected).await.unwrap();
    group.settled().await;
    assert_eq!(group.notes().await, [text("m", "good")]);
    assert!(dead_letters_of(&group.database).await.is_empty());
    group.stop().await;
}

#[tokio::test]
async fn a_key_that_is_no_text_survives_a_replay() {
    let group = Group::start().await;
    let letter = group.refused("m").await;
    // The broker's messages have keys of text; a record from elsewhere may have any.
    let correction = Correction { payload: None, key: Some(vec![0xff, 0]) };
    dead_letters::correct(&group.database, &letter.id, correction, "ann").await.unwrap();
    group.replay(&letter).await.unwrap();
    let again = group.letter("m", 2).await;
    assert_eq!((again.key, again.place), (Some(vec![0xff, 0]), letter.place));
    group.stop().await;
}

#[tokio::test]
async fn a_discarded_letter_is_gone_and_nothing_is_handled() {
    let group = Group::start().await;
    let letter = group.refused("m").await;
    let discard = async || dead_letters::discard(&group.database, &letter.id, "ann").await.unwrap();
    assert_eq!(discard().await, Decided::Done);
    assert_eq!(discard().await, Decided::Gone);
    assert_eq!(group.replay(&letter).await.unwrap(), Decided::Gone);
    assert!(dead_letters_of(&group.database).await.is_empty());
    assert!(group.database.unsent("replay:writers", 0, 10).await.unwrap().is_empty());
    assert!(group.notes().await.is_empty());
    group.stop().await;
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

fn start(database: &DatabaseRef, destination: &Arc<Destination>) -> Running {
    let (database, destination) = (database.clone(), destination.clone());
    Running::start(|stop| async move { relay("out", database, destination, ticking(), stop).await })
}

#[tokio::test]
async fn a_replayed_message_reaches_its_destination_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (database, destination) = (database(folder.path()).await, Arc::new(Destination::default()));
    let running = start(&database, &destination);
    let sent = message("m", "out", Some("k"));
    database.commit(Changes::new().send(sent.clone())).await.unwrap();
    let letter = letter_of(&database, "m", 1).await;
    assert_eq!((&*letter.channel, letter.place, &letter.headers), ("out", None, &sent.headers));
    dead_letters::replay(&database, &letter.id, "ann").await.unwrap();
    let again = letter_of(&database, "m", 2).await;
    assert_eq!(again, DeadLetter { attempts: 2, last: again.last, ..letter });
    destination.takes_all.fetch_or(true, Ordering::Relaxed);
    dead_letters::replay(&database, &again.id, "ann").await.unwrap();
    eventually("delivery", || async { !destination.taken.lock().unwrap().is_empty() }).await;
    running.stop().await;
    assert_eq!(*destination.taken.lock().unwrap(), [sent], "without what is our own");
    assert!(dead_letters_of(&database).await.is_empty());
}

#[tokio::test]
async fn letters_are_found_by_reason_and_channel_the_latest_first() {
    let folder = tempfile::tempdir().unwrap();
    let (database, destination) = (database(folder.path()).await, Arc::new(Destination::default()));
    let running = start(&database, &destination);
    for (id, topic) in [("a", "road"), ("b", "harbour"), ("c", "road")] {
        let sent = Message { topic: topic.to_owned(), ..message(id, "out", None) };
        database.commit(Changes::new().send(sent)).await.unwrap();
        letter_of(&database, id, 1).await;
    }
    running.stop().await;
    let reason = |reason: &str, count| Reason { reason: reason.to_owned(), count };
    let reasons = dead_letters::reasons(&database).await.unwrap();
    assert_eq!(reasons, [reason("no harbour", 1), reason("no road", 2)]);
    let channels = dead_letters::channels(&database).await.unwrap();
    assert_eq!(channels, [("out".to_owned(), 3)]);
    let road = Some("no road".to_owned());
    for (query, expected, total) in [
        (Query { limit: 10, ..Query::default() }, &["c", "b", "a"][..], 3),
        (Query { limit: 1, offset: 1, ..Query::default() }, &["b"], 3),
        (Query { limit: 10, reason: road, ..Query::default() }, &["c", "a"], 2),
        (Query { limit: 10, channel: Some("in".to_owned()), ..Query::default() }, &[], 0),
    ] {
        let (letters, count) = dead_letters::list(&database, &query).await.unwrap();
        let found: Vec<&str> = letters.iter().map(|letter| &*letter.message).collect();
        assert_eq!((&*found, count), (expected, total), "{query:?}");
    }
}
