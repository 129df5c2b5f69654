//! No alert is lost: not to a crowd, not to a stop at a bad moment, not to a broker that repeats itself.

use std::collections::{BTreeMap, BTreeSet};

use database::{Header, Message};
use futures_util::future::join_all;
use messaging::Publish;
use serde_json::Value;

use crate::support::{
    Caller, Home, Running, eventually, store,
    wire::{self, Wire},
};

/// What the alerts say, in their order.
fn names(alerts: &[Value]) -> Vec<String> {
    alerts.iter().map(|alert| alert["storeName"].as_str().unwrap().to_owned()).collect()
}

/// What the mails say, in the order of their arrival; each mail once, however often it came.
fn mailed(home: &Home) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mails = home.mails();
    let new = mails.iter().filter(|mail| seen.insert(mail.header("Message-ID")));
    new.map(|mail| mail.header("Subject").trim_start_matches("Store Alert: ").to_owned()).collect()
}

/// The numbers that each store had, in order: its updates are called `<store> <number>`.
fn by_store(names: &[String]) -> BTreeMap<&str, Vec<u32>> {
    let mut stores: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for name in names {
        let (store, number) = name.rsplit_once(' ').unwrap();
        stores.entry(store).or_default().push(number.parse().unwrap());
    }
    stores
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_callers_gets_every_alert_and_mail_in_the_order_of_each_store() {
    const CALLERS: u32 = 16;
    const UPDATES: u32 = 200;
    let system = Running::start().await;
    let admin = system.admin().await;
    let share = |caller: u32| UPDATES / CALLERS + u32::from(caller < UPDATES % CALLERS);
    join_all((0..CALLERS).map(async |caller| {
        let id = admin.create("Shop").await;
        for number in 0..share(caller) {
            admin.update(&id, &format!("Shop{caller} {number}"), "CLOSED").await;
        }
    }))
    .await;
    system.home().mails_when(UPDATES as usize).await;
    let alerts = names(&admin.alerts().await);
    let home = system.stop().await;

    let mails = mailed(&home);
    assert_eq!((alerts.len(), mails.len(), home.mails().len()), (200, 200, 200));
    for all in [by_store(&alerts), by_store(&mails)] {
        for caller in 0..CALLERS {
            assert_eq!(
                all[&*format!("Shop{caller}")],
                (0..share(caller)).collect::<Vec<_>>(),
                "Shop{caller}"
            );
        }
    }
}

#[tokio::test]
async fn a_stop_right_after_the_answer_loses_nothing() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let id = admin.create("Candle Shop").await;
    admin.update(&id, "Candle Shop", "CLOSED").await;
    let system = system.stop_at_once().await.start().await;

    system.home().mails_when(1).await;
    let home = system.stop().await;
    assert_eq!(mailed(&home), ["Candle Shop"]);
}

#[tokio::test]
async fn a_request_that_is_half_said_at_the_stop_is_answered_and_not_forgotten() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let id = admin.create("Candle Shop").await;
    let mut body = store("Candle Shop", "CLOSED");
    body["id"] = id.clone().into();
    let (body, at) = (body.to_string(), system.at.store.clone());
    let (first, rest) = body.split_at(body.len() / 2);
    let head = wire::post(&at, &format!("/api/stores/{id}"), admin.token()).replace("POST", "PUT");
    let mut wire = Wire::to(&at).await;
    wire.send(format!(
        "{head}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n{first}",
        body.len()
    ))
    .await;
    // Said by the server when a handler begins to read the body.
    wire.hears("HTTP/1.1 100 Continue\r\n\r\n").await;

    system.begin_to_stop();
    eventually("the service takes no new calls", async || {
        admin.request(reqwest::Method::GET, &at).send().await.is_err().then_some(())
    })
    .await;
    wire.send(rest).await;
    wire.answer().await.expect(200);

    let system = system.stop_at_once().await.start().await;
    system.home().mails_when(1).await;
    assert_eq!(names(&system.admin().await.alerts().await), ["Candle Shop"]);
    let home = system.stop().await;
    assert_eq!(mailed(&home), ["Candle Shop"]);
}

/// Updates one store until nobody answers any more; answers which updates were acknowledged.
async fn update_until_the_end(admin: &Caller, caller: u32, id: &str) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0..10_000 {
        let name = format!("Shop{caller} {number}");
        if !admin.try_to_update(id, &name, "CLOSED").await {
            break;
        }
        acknowledged.push(name);
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_a_crowd_loses_nothing_and_records_nothing_twice() {
    const CALLERS: u32 = 8;
    let system = Running::start().await;
    let admin = system.admin().await;
    let ids = join_all((0..CALLERS).map(|_| admin.create("Shop"))).await;
    let crowd =
        join_all(ids.iter().zip(0..).map(|(id, caller)| update_until_the_end(&admin, caller, id)));
    let stopping = async {
        system.home().mails_when(20).await;
        system.begin_to_stop();
    };
    let (acknowledged, ()) = tokio::join!(crowd, stopping);
    let acknowledged: BTreeSet<String> = acknowledged.into_iter().flatten().collect();

    let system = system.stop_at_once().await.start().await;
    let admin = system.admin().await;
    // Whatever was still under way comes before an update that is made now.
    admin.update(&admin.create("Last").await, "Last 0", "CLOSED").await;
    let recorded = eventually("the last update is recorded", async || {
        Some(names(&admin.alerts().await))
            .filter(|recorded| recorded.iter().any(|name| name == "Last 0"))
    })
    .await;
    let home = system.stop().await;
    let distinct: BTreeSet<String> = recorded.iter().cloned().collect();
    assert_eq!(distinct.len(), recorded.len(), "an update was recorded twice");
    assert!(distinct.is_superset(&acknowledged), "lost: {:?}", acknowledged.difference(&distinct));
    // What was committed and not answered is recorded too: at most one update of each caller, and the last.
    assert!(
        recorded.len() <= acknowledged.len() + CALLERS as usize + 1,
        "{} of {}",
        recorded.len(),
        acknowledged.len()
    );
    let mails = mailed(&home);
    assert_eq!(mails.iter().cloned().collect::<BTreeSet<_>>(), distinct);
    assert_eq!(mails.len(), recorded.len(), "an update was mailed twice under different ids");
    assert!(by_store(&mails).values().all(|numbers| numbers.is_sorted()), "{mails:?}");
}

/// A message on the topic, as a store service would send it.
fn message(id: &str, payload: &str) -> Message {
    Message {
        id: id.to_owned(),
        channel: messaging::BROKER.to_owned(),
        topic: "store-alerts-topic".to_owned(),
        key: Some("63163a1b2f3c4d5e6f708192".to_owned()),
        headers: vec![Header {
            name: messaging::ID_HEADER.to_owned(),
            value: id.as_bytes().to_vec(),
        }],
        payload: payload.as_bytes().to_vec(),
        created: "2026-11-24T10:00:00Z".parse().unwrap(),
    }
}

const CLOSED: &str = r#"{"storeName":"Candle Shop","storeStatus":"CLOSED"}"#;

/// Puts messages on the topic of a system that is stopped.
async fn publish(home: &Home, messages: &[Message]) {
    let outcomes = home.broker().await.publish(messages).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[tokio::test]
async fn a_message_that_comes_twice_is_recorded_once() {
    let home = Running::start().await.stop().await;
    publish(&home, &[message("event-1", CLOSED), message("event-1", CLOSED)]).await;
    let system = home.start().await;
    system.home().mails_when(1).await;
    let home = system.stop().await;
    publish(
        &home,
        &[message("event-1", CLOSED), message("event-2", &CLOSED.replace("Candle", "Soap"))],
    )
    .await;
    let system = home.start().await;
    system.home().mails_when(2).await;
    assert_eq!(names(&system.admin().await.alerts().await), ["Candle Shop", "Soap Shop"]);
    let home = system.stop().await;
    assert_eq!(home.mails().len(), 2);
}

#[tokio::test]
async fn a_message_that_nobody_understands_waits_with_its_reason_and_holds_up_no_other() {
    let home = Running::start().await.stop().await;
    publish(&home, &[message("event-1", "not JSON"), message("event-2", CLOSED)]).await;
    let system = home.start().await;
    system.home().mails_when(1).await;
    assert_eq!(names(&system.admin().await.alerts().await), ["Candle Shop"]);
    let home = system.stop_at_once().await;

    let [letter] = &home.dead_letters("alert").await[..] else {
        panic!("there is not one dead letter")
    };
    assert!(letter.reason.starts_with("the payload is no store update"), "{letter:?}");
    assert_eq!(
        (letter.message.as_str(), letter.payload.as_deref(), letter.place),
        ("event-1", Some(&b"not JSON"[..]), Some((0, 0)))
    );
}
