//! The program dies when it has kept what can never be processed, and has noted nothing of that yet: it is kept once, and
//! costs the others nothing. `docs/reliability.md` lists the points.

use std::path::Path;

use database::{Durability, Header, Message};
use messaging::{BROKER, Embedded, Failure, ID_HEADER, Publish};
use serde_json::json;

use super::place::{Place, UPDATES, kept_once, mailed, mailing_to};
use crate::{dead_letters::refusing::Refusing, program::until, support::DISTRIBUTION_LIST};

/// What the log says of a record that becomes a dead letter.
const REJECTED: &str = "cannot be processed and is dead letter";

/// What becomes of a message.
type Outcome = Result<(), Failure>;

/// A mail server refuses each mail to one recipient for good.
pub(crate) async fn refused_mails_are_kept_once(folder: &Path, variables: &[(&str, &str)]) {
    let [willing, strict] = DISTRIBUTION_LIST;
    let (server, list) = (Refusing::start(strict).await, DISTRIBUTION_LIST.join(","));
    let place = Place { folder, variables: [variables, &mailing_to(&server.port, &list)].concat() };
    // They wait together, so that the program dies in the middle of a batch.
    server.put_off();
    let system = place.start().await;
    system.update(&UPDATES).await;
    system.recorded(&UPDATES).await;
    system.stop().await;
    server.refuse();
    place.die_twice_at("after-dead-letter/mail").await;

    let system = place.start().await;
    let letters = system.letters("alert", UPDATES.len()).await;
    system.nothing_waits().await;
    assert_eq!(system.letters("alert", UPDATES.len()).await, letters);
    for letter in &letters {
        assert_eq!(letter["channel"], "mail", "{letter}");
        kept_once(letter, "no such mailbox");
        assert!(letter["payload"].as_str().unwrap().contains(strict), "{letter}");
    }
    for name in UPDATES {
        let about = letters.iter().filter(|it| it["payload"].as_str().unwrap().contains(name));
        assert_eq!(about.count(), 1, "{name}: {letters:?}");
    }
    assert!(server.taken().iter().all(|recipient| recipient == willing), "{:?}", server.taken());
    let taken = folder.join("taken");
    server.save(&taken);
    mailed(&taken, &UPDATES);
    server.relent();
    system.replay_all("alert").await;
    until("the mails that were refused", async || {
        (server.taken().iter().filter(|it| *it == strict).count() >= UPDATES.len()).then_some(())
    })
    .await;
    system.nothing_waits().await;
    assert!(system.letters("alert", 0).await.is_empty());
    assert_eq!(server.taken().iter().filter(|it| *it == strict).count(), UPDATES.len());
    system.stop().await;
}

/// A record is unreadable. `publish` sends to the topic while the system is stopped.
pub(crate) async fn an_unreadable_record_is_kept_once(
    folder: &Path,
    variables: &[(&str, &str)],
    topic: &str,
    publish: impl AsyncFn(&[Message]) -> Vec<Outcome>,
) {
    let place = Place { folder, variables: variables.to_vec() };
    place.start().await.stop().await;
    let [first, second, third] = UPDATES;
    let payload = |name: &str| json!({ "storeName": name, "storeStatus": "OPEN" }).to_string();
    let records = [
        record(topic, "1", "a", payload(first)),
        record(topic, "unreadable", "a", [0xff, 0]),
        // One has to wait for what comes before it with the same key, the other has not.
        record(topic, "2", "a", payload(second)),
        record(topic, "3", "b", payload(third)),
    ];
    assert!(publish(&records).await.iter().all(Result::is_ok));
    place.die_twice_at("after-rejection").await;

    let system = place.start().await;
    system.recorded(&UPDATES).await;
    let letter = system.letters("alert", 1).await.remove(0);
    kept_once(&letter, "the payload is no store update");
    let named = [&letter["message"], &letter["payloadBase64"], &letter["key"]];
    assert_eq!(named, ["unreadable", "/wA=", "a"], "{letter}");
    let at = (&letter["topic"], &letter["partition"], &letter["offset"]);
    assert_eq!(at, (&json!(topic), &json!(0), &json!(1)), "{letter}");
    let all = [first, second, third, "after"];
    system.update(&all[3..]).await;
    system.recorded(&all).await;
    system.nothing_waits().await;
    mailed(&folder.join("data/mails"), &all);
    assert!(system.stop().await.contains(REJECTED), "it was read again after the death");

    let system = place.start().await;
    let all = [first, second, third, "after", "at last"];
    system.update(&all[4..]).await;
    system.recorded(&all).await;
    assert_eq!(system.letters("alert", 1).await, [letter]);
    assert!(!system.stop().await.contains(REJECTED), "its offset was committed");
}

/// Publishes to the embedded broker of a system that is stopped.
pub(crate) async fn publish_embedded(folder: &Path, records: &[Message]) -> Vec<Outcome> {
    let file = folder.join("data/broker.db");
    let broker = Embedded::open(&file, 1, Durability::ProcessCrash).await.unwrap();
    broker.publish(records).await
}

fn record(topic: &str, id: &str, key: &str, payload: impl Into<Vec<u8>>) -> Message {
    Message {
        id: id.to_owned(),
        channel: BROKER.to_owned(),
        topic: topic.to_owned(),
        key: Some(key.to_owned()),
        headers: vec![Header { name: ID_HEADER.to_owned(), value: id.into() }],
        payload: payload.into(),
        created: "2026-11-24T10:00:00Z".parse().unwrap(),
    }
}
