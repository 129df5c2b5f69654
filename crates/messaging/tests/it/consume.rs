//! Consuming makes each record's changes once, whatever happens in between.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use database::{Changes, DatabaseRef, Durability, Id, Page, Write};
use messaging::{BrokerRef, Consumer, Delivery, Embedded, Failure, Retry, consume};

use crate::{NOTE, Running, database, dead_letters_of, eventually, message, now, picky::Picky};

async fn broker(folder: &std::path::Path) -> BrokerRef {
    Arc::new(Embedded::open(&folder.join("broker.db"), 1, Durability::ProcessCrash).await.unwrap())
}

async fn publish(broker: &BrokerRef, ids: &[&str]) {
    let messages: Vec<_> = ids.iter().map(|id| message(id, "broker", None)).collect();
    assert!(broker.publish(&messages).await.iter().all(Result::is_ok));
}

/// A row whose id is never the same twice, so that a second handling would show.
fn note(delivery: &Delivery, counter: &AtomicUsize) -> Changes {
    let id = Id::Text(format!("{} {}", delivery.id, counter.fetch_add(1, Ordering::Relaxed)));
    Changes::new().write(Write::Insert {
        table: NOTE,
        id,
        values: vec![delivery.id.as_str().into()],
    })
}

async fn notes(database: &DatabaseRef) -> Vec<String> {
    let listing = database.list(&NOTE, &Page::first(1000)).await.unwrap();
    listing
        .rows
        .iter()
        .map(|row| row.id.to_string().split(' ').next().unwrap().to_owned())
        .collect()
}

fn start<H>(broker: &BrokerRef, database: &DatabaseRef, handle: H) -> Running
where
    H: Fn(&Delivery) -> Result<Changes, Failure> + Send + Sync + 'static,
{
    let (broker, database) = (broker.clone(), database.clone());
    let handle = move |delivery: Arc<Delivery>| std::future::ready(handle(&delivery));
    Running::start(|stop| {
        consume(broker, database, Consumer::new("notes", "writers"), handle, now(), stop)
    })
}

#[tokio::test]
async fn the_same_message_delivered_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, database) = (broker(folder.path()).await, database(folder.path()).await);
    publish(&broker, &["a", "b", "a"]).await;
    publish(&broker, &["b", "end"]).await;
    let counter = AtomicUsize::new(0);
    let running = start(&broker, &database, move |delivery| Ok(note(delivery, &counter)));
    eventually("the last record", || async { notes(&database).await.contains(&"end".to_owned()) })
        .await;
    assert_eq!(notes(&database).await, ["a", "b", "end"]);
    running.stop().await;
}

#[tokio::test]
async fn a_consumer_restarted_in_the_middle_of_a_batch_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, database) = (broker(folder.path()).await, database(folder.path()).await);
    let ids: Vec<String> = (0..40).map(|number| format!("m{number}")).collect();
    publish(&broker, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let counter = Arc::new(AtomicUsize::new(0));
    // The second half cannot be handled, so the batch is committed in part and its offset is not.
    let first = counter.clone();
    let dying = start(&broker, &database, move |delivery| match delivery.record.offset < 20 {
        true => Ok(note(delivery, &first)),
        false => Err(Failure::Retry(anyhow::anyhow!("not now"))),
    });
    eventually("the first half", || async { notes(&database).await.len() == 20 }).await;
    dying.kill();
    let running = start(&broker, &database, move |delivery| Ok(note(delivery, &counter)));
    eventually("the second half", || async { notes(&database).await.len() >= 40 }).await;
    assert_eq!(notes(&database).await, ids);
    running.stop().await;
}

#[tokio::test]
async fn a_handled_batch_does_not_come_again_after_a_clean_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, database) = (broker(folder.path()).await, database(folder.path()).await);
    publish(&broker, &["a"]).await;
    let counter = AtomicUsize::new(0);
    let first = start(&broker, &database, move |delivery| Ok(note(delivery, &counter)));
    eventually("the record", || async { !notes(&database).await.is_empty() }).await;
    first.stop().await;
    publish(&broker, &["b"]).await;
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (log, counter) = (seen.clone(), AtomicUsize::new(100));
    let second = start(&broker, &database, move |delivery| {
        log.lock().unwrap().push(delivery.id.clone());
        Ok(note(delivery, &counter))
    });
    eventually("the next record", || async { notes(&database).await.len() == 2 }).await;
    assert_eq!(*seen.lock().unwrap(), ["b"]);
    second.stop().await;
}

#[tokio::test]
async fn one_bad_record_costs_the_others_nothing_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, database) = (broker(folder.path()).await, database(folder.path()).await);
    publish(&broker, &["a", "bad", "b"]).await;
    let counter = AtomicUsize::new(0);
    let running = start(&broker, &database, move |delivery| match delivery.id.as_str() {
        "bad" => Err(Failure::Reject(anyhow::anyhow!("not a note"))),
        _ => Ok(note(delivery, &counter)),
    });
    eventually("the good ones", || async { notes(&database).await == ["a", "b"] }).await;
    eventually("the bad one", || async { !dead_letters_of(&database).await.is_empty() }).await;
    let kept = dead_letters_of(&database).await.remove(0);
    assert_eq!(
        (kept.payload.as_deref(), &*kept.reason, kept.place),
        (Some(&b"bad"[..]), "not a note", Some((0, 1)))
    );
    running.stop().await;
}

#[tokio::test]
async fn what_fails_for_now_is_tried_until_it_works() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, database) = (broker(folder.path()).await, database(folder.path()).await);
    publish(&broker, &["a"]).await;
    let (tries, counter) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let running =
        start(&broker, &database, move |delivery| match tries.fetch_add(1, Ordering::Relaxed) {
            0..3 => Err(Failure::Retry(anyhow::anyhow!("not now"))),
            _ => Ok(note(delivery, &counter)),
        });
    eventually("the fourth try", || async { notes(&database).await == ["a"] }).await;
    running.stop().await;
}

#[tokio::test]
async fn a_record_without_an_id_is_known_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, database) = (broker(folder.path()).await, database(folder.path()).await);
    let mut bare = message("x", "broker", None);
    bare.headers.clear();
    broker.publish(&[bare]).await;
    let counter = AtomicUsize::new(0);
    let running = start(&broker, &database, move |delivery| Ok(note(delivery, &counter)));
    eventually("the record", || async { notes(&database).await == ["notes-0-0"] }).await;
    running.stop().await;
}

#[tokio::test]
async fn a_record_that_is_tried_again_holds_back_its_key_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, database) = (broker(folder.path()).await, database(folder.path()).await);
    let messages = [("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a")]
        .map(|(id, key)| message(id, "broker", Some(key)));
    assert!(broker.publish(&messages).await.iter().all(Result::is_ok));
    let (tries, counter) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let running = start(&broker, &database, move |delivery| match delivery.id.as_str() {
        "a2" if tries.fetch_add(1, Ordering::Relaxed) < 2 => {
            Err(Failure::Retry(anyhow::anyhow!("not now")))
        }
        _ => Ok(note(delivery, &counter)),
    });
    eventually("all records", || async { notes(&database).await.len() == 4 }).await;
    assert_eq!(notes(&database).await, ["a1", "b1", "a2", "a3"]);
    running.stop().await;
}

#[tokio::test]
async fn a_record_that_is_never_taken_is_tried_as_often_as_the_consumer_says() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, database) = (broker(folder.path()).await, database(folder.path()).await);
    publish(&broker, &["bad", "good"]).await;
    let (tries, counter) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let (counted, kept_in) = (tries.clone(), database.clone());
    let retry = Retry { attempts: Some(3), first: Duration::from_millis(1), ..Retry::default() };
    let topic = Some("error.notes.writers".to_owned());
    let consumer =
        Consumer { retry, dead_letter_topic: topic, ..Consumer::new("notes", "writers") };
    let handle = move |delivery: Arc<Delivery>| {
        std::future::ready(match &*delivery.id {
            "bad" => {
                counted.fetch_add(1, Ordering::Relaxed);
                Err(Failure::Retry(anyhow::anyhow!("not now")))
            }
            _ => Ok(note(&delivery, &counter)),
        })
    };
    let running = Running::start(|stop| consume(broker, kept_in, consumer, handle, now(), stop));
    eventually("the dead letter", || async { !dead_letters_of(&database).await.is_empty() }).await;
    let kept = dead_letters_of(&database).await.remove(0);
    assert_eq!((&*kept.message, &*kept.reason, kept.attempts), ("bad", "not now", 3));
    let published = database.unsent(messaging::BROKER, 0, 10).await.unwrap();
    let topics: Vec<&str> = published.iter().map(|(_, message)| &*message.topic).collect();
    assert_eq!(topics, ["error.notes.writers"]);
    assert_eq!(notes(&database).await, ["good"]);
    running.stop().await;
}

#[tokio::test]
async fn attempts_are_of_one_record_and_not_of_what_is_away_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, database) = (broker(folder.path()).await, database(folder.path()).await);
    let messages = ["bad", "slow", "good"].map(|id| message(id, "broker", Some("k")));
    assert!(broker.publish(&messages).await.iter().all(Result::is_ok));
    let retry = Retry { attempts: Some(3), first: Duration::from_millis(1), ..Retry::default() };
    let consumer = Consumer { retry, ..Consumer::new("notes", "writers") };
    let (tries, counter) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let handle = move |delivery: Arc<Delivery>| {
        let tried = tries.fetch_add(1, Ordering::Relaxed);
        std::future::ready(match &*delivery.id {
            // All three are asked for at first, and then one after the other.
            _ if tried < 12 => Err(Failure::NoTurn(anyhow::anyhow!("nobody is there"))),
            "bad" => Err(Failure::Retry(anyhow::anyhow!("not now"))),
            "slow" if tried < 17 => Err(Failure::Retry(anyhow::anyhow!("not yet"))),
            _ => Ok(note(&delivery, &counter)),
        })
    };
    let kept_in = database.clone();
    let running = Running::start(|stop| consume(broker, kept_in, consumer, handle, now(), stop));
    eventually("the last record", || async { notes(&database).await.len() == 2 }).await;
    assert_eq!(notes(&database).await, ["slow", "good"]);
    let letters = dead_letters_of(&database).await;
    let letters: Vec<_> =
        letters.iter().map(|letter| (&*letter.message, letter.attempts)).collect();
    assert_eq!(letters, [("bad", 3)]);
    running.stop().await;
}

#[tokio::test]
async fn what_the_database_can_never_take_is_kept_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path()).await;
    let database: DatabaseRef = Picky::around(database(folder.path()).await);
    publish(&broker, &["good", "bad", "end"]).await;
    let counter = AtomicUsize::new(0);
    let running = start(&broker, &database, move |delivery| Ok(note(delivery, &counter)));
    eventually("the last record", || async { notes(&database).await.contains(&"end".to_owned()) })
        .await;
    eventually("the bad record", || async { !dead_letters_of(&database).await.is_empty() }).await;
    let kept = dead_letters_of(&database).await.remove(0);
    assert_eq!((&*kept.message, &*kept.reason), ("bad", "text is too long"));
    assert_eq!(notes(&database).await, ["good", "end"]);
    running.stop().await;
}
