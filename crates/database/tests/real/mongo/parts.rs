//! What a commit may be made of, and what is there afterwards.

use database::{Changes, CommitError, Database, Message, Write};
use mongodb::bson::doc;

use super::{BOTH, ids, with_database};
use crate::conformance::{BOOK, book, id, insert, message};

#[tokio::test]
async fn nothing_of_ours_stays_in_the_documents() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let mongo = place.connect().await;
            let sent = |name: &str| message(name, "parts", "k");
            let update = |name: &str| {
                let write = Write::Overwrite { table: BOOK, id: id(name), values: book(name, 2) };
                Changes::new().write(write)
            };
            let both = insert("b", book("b", 1)).write(insert("c", book("c", 1)).writes.remove(0));
            for changes in [
                Changes::new(),
                insert("a", book("a", 1)),
                update("a").send(sent("1")),
                Changes::new().send(sent("2")).send(sent("3")),
                Changes::new().handled("group", "4").send(sent("4")),
                both.clone(),
                update("a").handled("group", "5").send(sent("5")),
                Changes::new()
                    .write(Write::Delete { table: BOOK, id: id("b"), version: None })
                    .send(sent("6")),
            ] {
                mongo.commit(changes).await.unwrap();
            }
            let conflict = mongo.commit(both.handled("group", "7").send(sent("7"))).await;
            assert!(matches!(conflict, Err(CommitError::Conflict)), "{conflict:?}");
            let again = mongo.commit(update("a").handled("group", "5").send(sent("8"))).await;
            assert!(matches!(again, Err(CommitError::AlreadyHandled)), "{again:?}");
            assert_eq!(ids(&mongo, "parts").await, ["1", "2", "3", "4", "5", "6"]);
            assert!(place.find("milena_journal").await.is_empty());
            for note in place.find("inbox").await {
                assert_eq!(note.keys().collect::<Vec<_>>(), ["_id", "handled"]);
            }
            for book in place.find("book").await {
                let ours = book.keys().any(|key| key.starts_with('_') && key != "_id");
                assert!(!ours, "{book}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn refuses_what_is_larger_than_a_document_may_be() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let mongo = place.connect().await;
            mongo.commit(insert("a", book("a", 1))).await.unwrap();
            let large = "x".repeat(17 << 20);
            let overwrite = Write::Overwrite { table: BOOK, id: id("a"), values: book(&large, 1) };
            let sent = Message { payload: vec![7; 17 << 20], ..message("m", "large", "k") };
            for changes in [
                insert("b", book(&large, 1)),
                Changes::new().write(overwrite),
                insert("c", book("c", 1)).send(sent),
            ] {
                let refused = mongo.commit(changes).await;
                assert!(matches!(refused, Err(CommitError::Refused(_))), "{refused:?}");
            }
            assert_eq!(place.collection("book").count_documents(doc! {}).await.unwrap(), 1);
            assert!(ids(&mongo, "large").await.is_empty());
        })
        .await;
    }
}

#[tokio::test]
async fn moves_large_messages_of_many_commits() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let mongo = place.connect().await;
            super::keeping(&mongo, async {
                let large = |number: usize| {
                    let name = number.to_string();
                    let sent = message(&name, "large", "k");
                    let sent = Message { payload: vec![7; 3 << 20], ..sent };
                    insert(&name, book(&name, 1)).send(sent)
                };
                let commits = (0..12).map(|number| mongo.commit(large(number)));
                for committed in futures_util::future::join_all(commits).await {
                    committed.unwrap();
                }
                crate::until("all are there", async || ids(&mongo, "large").await.len() == 12)
                    .await;
            })
            .await;
            assert!(place.find("book").await.iter().all(|book| !book.contains_key("_outbox")));
        })
        .await;
    }
}
