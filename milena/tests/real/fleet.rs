//! A mixed fleet: our services and programs that share no code with them, on one real Kafka. Whatever one side announces or
//! was handed, the other side or it brings to its end. One test runs at a time: two of these systems would be too slow on a
//! small machine.

mod ours;
mod recorded;
mod shared;
mod strangers;
mod topic;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    program::until,
    smtp::{Mails, Smtp},
    support::{DISTRIBUTION_LIST, Running, store},
};
use ours::{Alerts, Ours};
use strangers::{Kind, Stranger, Style};
use topic::Topic;

/// What every announcement of ours has beside the headers of a Java service.
const OUR_HEADERS: [&str; 6] =
    ["ce_id", "ce_source", "ce_specversion", "ce_time", "ce_type", "traceparent"];

/// Waits until every row is there and mailed, and finds that each is there once.
async fn recorded_and_mailed(database: &Alerts, mails: &Mails, names: &[String]) {
    let expected = sorted(names);
    until("a row for every alert", async || {
        (database.rows().await.len() >= expected.len()).then_some(())
    })
    .await;
    assert_eq!(sorted(&database.names().await), expected);
    until("a mail for every alert", async || (mails.names().len() >= expected.len()).then_some(()))
        .await;
    assert_eq!(sorted(&mails.names()), expected);
}

#[tokio::test]
async fn what_a_java_service_announces_is_recorded_and_mailed() {
    let smtp = Smtp::alone().await;
    for style in [Style::Annotation, Style::Functional] {
        let (topic, database, mails) =
            (Topic::create(4).await, Alerts::create().await, smtp.mails());
        let alert = Ours::alert(&topic, &database).await;
        let mut java = Stranger::announcer(style, &topic);
        let names = topic.names("Kerzenstüberl 🕯", 50);
        let alerts: Vec<_> = names.iter().map(|name| (name.clone(), "CLOSED")).collect();
        java.announce(&alerts).await;
        recorded_and_mailed(&database, &mails, &names).await;
        let rejected = database.rejected().await;
        assert!(rejected.is_empty(), "{style:?}: {rejected:?}");
        java.end().await;
        alert.stop().await;
    }
}

#[tokio::test]
async fn what_our_store_announces_is_what_a_java_store_would_have_sent() {
    let _turn = Smtp::alone().await;
    let system = Running::start().await;
    let admin = system.admin().await;
    let (topic, feed) = (Topic::create(1).await, Topic::create(1).await);
    let store_service = Ours::store(&topic, &feed, &system.at.issuer).await;
    let mut java = Vec::new();
    for style in [Style::Annotation, Style::Functional] {
        let own_group = Topic { name: topic.name.clone(), group: format!("{style:?}") };
        java.push(Stranger::join(Kind::Java(style), &own_group));
    }
    let recorded = recorded::topic("store-alerts-topic");
    let mut ids = Vec::new();
    for record in &recorded {
        let text: Value = serde_json::from_str(record["text"].as_str().unwrap()).unwrap();
        let (name, status) =
            (text["storeName"].as_str().unwrap(), text["storeStatus"].as_str().unwrap());
        let url = format!("{}/api/stores", store_service.address);
        let mut made =
            admin.send(Method::POST, &url, &store(name, "OPEN")).await.expect(201).json();
        made["status"] = json!(status);
        let id = made["id"].as_str().unwrap().to_owned();
        admin.send(Method::PUT, &format!("{url}/{id}"), &made).await.expect(200);
        ids.push(id);
    }
    for java in &java {
        let expected: Vec<_> = recorded.iter().map(|record| &record["text"]).collect();
        until("the announcements at a Java listener", async || {
            (java.handled().len() >= expected.len()).then_some(())
        })
        .await;
        let handled = java.handled();
        assert_eq!(handled.len(), expected.len(), "{handled:?}");
        for (line, expected) in handled.iter().zip(expected) {
            let text = json!({"storeName": line["storeName"], "storeStatus": line["storeStatus"]});
            assert_eq!(json!(text.to_string()), *expected);
            assert_eq!(line["contentType"], "application/json");
        }
    }
    for ((sent, recorded), id) in topic.read().await.iter().zip(&recorded).zip(&ids) {
        as_recorded(sent, recorded, &OUR_HEADERS);
        assert_eq!(sent["key"], json!(recorded::encoded(id)), "the key is the store's id");
    }
    for java in java {
        java.end().await;
    }
    store_service.stop().await;
    system.stop().await;
}

#[tokio::test]
async fn the_feed_writes_and_reads_what_was_recorded() {
    let _turn = Smtp::alone().await;
    let system = Running::start().await;
    let admin = system.admin().await;
    let (topic, feed) = (Topic::create(1).await, Topic::create(1).await);
    let store_service = Ours::store(&topic, &feed, &system.at.issuer).await;
    let recorded = recorded::topic("sse-topic");
    let base = format!("{}/api/store-kafka", store_service.address);
    let mut stream = admin.request(Method::GET, &format!("{base}/register")).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    feed.produce(&recorded).await;
    let expected = recorded[0]["text"].as_str().unwrap().to_owned();
    let mut heard = String::new();
    while !heard.contains(&format!("data:{expected}\n\n")) {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        heard.push_str(&String::from_utf8_lossy(&chunk));
    }
    let publish = admin.request(Method::POST, &format!("{base}/publish"));
    let publish = publish.form(&[("message", &expected)]).send().await.unwrap();
    assert_eq!(publish.status(), 200);
    let records = feed.read().await;
    assert_eq!(records.len(), 2);
    as_recorded(&records[1], &recorded[0], &[]);
    drop(stream);
    store_service.stop().await;
    system.stop().await;
}

#[tokio::test]
async fn no_kind_of_record_is_lost_where_the_java_service_loses_it() {
    let smtp = Smtp::alone().await;
    let (topic, database, mails) = (Topic::create(1).await, Alerts::create().await, smtp.mails());
    let alert = Ours::alert(&topic, &database).await;
    for record in recorded::topic("store-alerts-topic") {
        topic.produce(&[record]).await;
    }
    let written = recorded::topic("store-alerts-topic").len();
    let (mut rows, mut rejected) = (written, 0);
    for case in recorded::cases() {
        topic.produce(&[case.record]).await;
        let now = until(&case.name, async || {
            let (now, kept) = (database.rows().await, database.rejected().await);
            (now.len() + kept.len() > rows + rejected).then_some((now, kept.len()))
        })
        .await;
        assert_eq!(now.0.len() + now.1, rows + rejected + 1, "{}: twice", case.name);
        if let Some(row) = case.row {
            assert_eq!((now.0.last(), now.1), (Some(&row), rejected), "{}", case.name);
        }
        (rows, rejected) = (now.0.len(), now.1);
    }
    let expected = rows * DISTRIBUTION_LIST.len();
    until("a mail of every row for everybody", async || (mails.count() >= expected).then_some(()))
        .await;
    topic.all_committed().await;
    assert_eq!(mails.count(), expected, "every mail once");
    alert.stop().await;
}

/// A record has the value and the headers that were recorded, byte for byte, and beside them only ours.
fn as_recorded(sent: &Value, recorded: &Value, ours: &[&str]) {
    assert_eq!(sent["value"], recorded["value"], "{sent}");
    let sent = sent["headers"].as_array().unwrap();
    for header in recorded["headers"].as_array().unwrap() {
        assert!(sent.contains(header), "{header} is not in {sent:?}");
    }
    let theirs = recorded["headers"].as_array().unwrap();
    let more: BTreeSet<_> = sent
        .iter()
        .filter(|header| !theirs.contains(header))
        .map(|header| header[0].as_str().unwrap())
        .collect();
    assert_eq!(more, ours.iter().copied().collect(), "the headers beside those of a Java service");
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}
