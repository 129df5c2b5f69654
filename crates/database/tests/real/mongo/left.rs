//! What a process that died has left behind is finished by the next one, or by one that runs.

use std::sync::Arc;

use database::{Changes, Database, Id, Mongo, Write};
use mongodb::bson::{Binary, Bson, DateTime, Document, doc, oid::ObjectId, spec::BinarySubtype};

use super::{BOTH, Place, STAND_ALONE, ids, keeping, with_database};
use crate::conformance::{BOOK, book, id, insert, message};

/// A message as it waits in a document.
fn waiting(id: &str, channel: &str) -> Bson {
    let payload = Binary { subtype: BinarySubtype::Generic, bytes: vec![1, 2, 3] };
    Bson::Document(doc! {
        "entry": ObjectId::new(), "channel": channel, "id": id, "topic": "books", "key": "k", "headers": [],
        "payload": payload, "created": DateTime::from_millis(0),
    })
}

fn bytes(document: &Document) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: document.to_vec().unwrap() }
}

/// Makes a place where processes have died at all possible points.
async fn leave_things_behind(place: &Place) {
    let books = place.collection("book");
    let first =
        doc! { "_id": "a", "title": "a", "_outbox": [waiting("1", "left"), waiting("2", "left")] };
    // A crash between the two halves of a move: it is in the outbox, and still here.
    let half = waiting("4", "left");
    let mut moved = half.as_document().unwrap().clone();
    moved.insert("_id", 1_i64);
    let second = doc! { "_id": ObjectId::from_bytes([1; 12]), "title": "b", "_outbox": [waiting("3", "left"), half] };
    books.insert_many([first, second]).await.unwrap();
    place.collection("outbox").insert_one(moved).await.unwrap();
    let positions = doc! { "_id": "outbox", "next": 2_i64, "moving": [
        { "first": 1_i64, "at": DateTime::from_millis(0) },
    ] };
    place.collection("milena_positions").insert_one(positions).await.unwrap();
    // A commit of several parts that was on record, half done.
    books.insert_one(doc! { "_id": "changed", "title": "before" }).await.unwrap();
    books.insert_one(doc! { "_id": "saved meanwhile", "title": "by another" }).await.unwrap();
    books.insert_one(doc! { "_id": "removed", "title": "before" }).await.unwrap();
    books.insert_one(doc! { "_id": "made", "title": "made" }).await.unwrap();
    let update = |title: &str| {
        let stages = [doc! { "$replaceWith": { "$mergeObjects": ["$$ROOT", { "title": title }] } }];
        bytes(&doc! { "stages": stages.map(Bson::Document) })
    };
    let before = |id: &str| bytes(&doc! { "_id": id, "title": { "$eq": "before" } });
    let steps = [
        doc! { "collection": "book", "insert": bytes(&doc! { "_id": "made", "title": "made" }) },
        doc! { "collection": "book", "filter": before("changed"), "update": update("after") },
        doc! { "collection": "book", "filter": before("saved meanwhile"), "update": update("after") },
        doc! { "collection": "book", "filter": before("removed") },
        doc! { "collection": "book", "insert": bytes(&doc! { "_id": "made too", "title": "made" }) },
    ];
    let id = doc! { "consumer": "group", "message": "m" };
    let note = doc! {
        "_id": id, "redo": steps.map(Bson::Document).to_vec(), "_outbox": [waiting("5", "record")],
    };
    place.collection("inbox").insert_one(note).await.unwrap();
    let journal = doc! { "_id": ObjectId::new(), "_outbox": [waiting("6", "journal")] };
    place.collection("milena_journal").insert_one(journal).await.unwrap();
}

async fn is_finished(place: &Place, mongo: &Mongo) {
    // In the order of each document; of another only the half that was not there.
    let mut left = ids(mongo, "left").await;
    let of_first: Vec<_> = left.iter().filter(|id| ["1", "2"].contains(&id.as_str())).collect();
    assert_eq!(of_first, ["1", "2"]);
    left.sort();
    assert_eq!(left, ["1", "2", "3", "4"]);
    assert_eq!(ids(mongo, "record").await, ["5"]);
    assert_eq!(ids(mongo, "journal").await, ["6"]);
    assert!(place.find("milena_journal").await.is_empty());
    let inbox = place.find("inbox").await;
    assert!(inbox.len() == 1 && inbox[0].keys().all(|key| key != "redo" && key != "_outbox"));
    let mut books = place.find("book").await;
    books.sort_by_key(|book| book.get_str("_id").unwrap_or_default().to_owned());
    let expected = [
        doc! { "_id": ObjectId::from_bytes([1; 12]), "title": "b" },
        doc! { "_id": "a", "title": "a" },
        doc! { "_id": "changed", "title": "after" },
        doc! { "_id": "made", "title": "made" },
        doc! { "_id": "made too", "title": "made" },
        doc! { "_id": "saved meanwhile", "title": "by another" },
    ];
    assert_eq!(books, expected);
    let handled = mongo.commit(Changes::new().handled("group", "m")).await;
    assert!(matches!(handled, Err(database::CommitError::AlreadyHandled)), "{handled:?}");
}

#[tokio::test]
async fn the_next_process_finishes_what_was_left_behind() {
    for variable in BOTH {
        with_database(variable, async |place| {
            leave_things_behind(&place).await;
            let mongo = place.connect().await;
            is_finished(&place, &mongo).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_change_on_record_that_cannot_be_made_holds_back_no_other() {
    with_database(STAND_ALONE, async |place| {
        leave_things_behind(&place).await;
        let stages = [Bson::Document(doc! { "$replaceWith": "no document" })];
        let step = doc! {
            "collection": "book",
            "filter": bytes(&doc! { "_id": "made" }),
            "update": bytes(&doc! { "stages": stages.to_vec() }),
        };
        let never = doc! { "_id": ObjectId::from_bytes([0; 12]), "redo": [step] };
        place.collection("milena_journal").insert_one(&never).await.unwrap();
        let mongo = place.connect().await;
        assert_eq!(place.find("milena_journal").await, [never]);
        place.collection("milena_journal").delete_many(doc! {}).await.unwrap();
        is_finished(&place, &mongo).await;
    })
    .await;
}

#[tokio::test]
async fn a_process_that_runs_finishes_what_another_left_behind() {
    with_database(STAND_ALONE, async |place| {
        let mongo = place.connect().await;
        let mut added = mongo.added("left");
        keeping(&mongo, async {
            leave_things_behind(&place).await;
            added.changed().await.unwrap();
            crate::until("all is done", async || {
                place.collection("milena_journal").count_documents(doc! {}).await.unwrap() == 0
            })
            .await;
            is_finished(&place, &mongo).await;
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn moves_what_waits_in_a_document_before_it_is_removed() {
    with_database(STAND_ALONE, async |place| {
        let mongo = place.connect().await;
        let delete = |name: &str, version| {
            Changes::new().write(Write::Delete { table: BOOK, id: id(name), version })
        };
        for (name, with_version, with_message) in
            [("a", false, false), ("b", true, false), ("c", false, true), ("d", true, true)]
        {
            mongo.commit(insert(name, book(name, 1))).await.unwrap();
            let update = doc! { "$push": { "_outbox": waiting(name, "waiting") } };
            place.collection("book").update_one(doc! { "_id": name }, update).await.unwrap();
            let row = mongo.get(&BOOK, &id(name)).await.unwrap().unwrap();
            let mut changes = delete(name, with_version.then_some(row.version));
            if with_message {
                changes = changes.send(message(&format!("{name} is gone"), "waiting", "k"));
            }
            mongo.commit(changes).await.unwrap();
        }
        assert!(place.find("book").await.is_empty());
        assert_eq!(ids(&mongo, "waiting").await, ["a", "b", "c", "c is gone", "d", "d is gone"]);
    })
    .await;
}

#[tokio::test]
async fn commits_that_nobody_waits_for_leave_nothing_half_done() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let mongo = place.connect().await;
            keeping(&mongo, give_up_on_commits(&mongo)).await;
            drop(mongo);
            let mongo = place.connect().await;
            let sent = ids(&mongo, "given up").await;
            for number in 0..60 {
                let name = number.to_string();
                let row = mongo.get(&BOOK, &Id::Text(name.clone())).await.unwrap();
                assert_eq!(row.is_some(), sent.contains(&name), "{name}");
            }
            assert!(place.find("book").await.iter().all(|book| !book.contains_key("_outbox")));
        })
        .await;
    }
}

async fn give_up_on_commits(mongo: &Arc<Mongo>) {
    for number in 0..60_u32 {
        let name = number.to_string();
        let mut changes = insert(&name, book(&name, 1)).send(message(&name, "given up", "k"));
        if number % 2 == 0 {
            changes = changes.handled("group", &name);
        }
        let patience = std::time::Duration::from_micros(u64::from(number) * 100);
        // Whether it was in time does not matter.
        let _ = tokio::time::timeout(patience, mongo.commit(changes)).await;
    }
    // Whoever commits or reads next is not held up by them: not by a transaction that is open for a minute, nor by
    // positions that count as taken for ten seconds.
    let begun = std::time::Instant::now();
    let overwrites = (0..60).map(|number| {
        let (table, values) = (BOOK, book("overwritten", 1));
        let write = Write::Overwrite { table, id: Id::Text(number.to_string()), values };
        mongo.commit(Changes::new().write(write))
    });
    for overwritten in futures_util::future::join_all(overwrites).await {
        let done = matches!(overwritten, Ok(()) | Err(database::CommitError::Conflict));
        assert!(done, "{overwritten:?}");
    }
    let last = insert("last", book("last", 1)).send(message("last", "last", "k"));
    mongo.commit(last).await.unwrap();
    crate::until("the last message can be read", async || ids(mongo, "last").await == ["last"])
        .await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(8), "{:?}", begun.elapsed());
}
