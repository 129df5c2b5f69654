//! Two processes, or more, on one database.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use database::{Changes, CommitError, Database, Message, Mongo, Value, Write};
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};

use super::{BOTH, REPLICA_SET, ids, keeping, with_database};
use crate::conformance::{BOOK, book, id, insert, message};

const COMMITS: usize = 100;

/// Commits to rows of its own, and to one that all write to, and handles messages that all handle.
async fn commit(mongo: &Mongo, writer: usize) -> Vec<String> {
    let mut sent = Vec::new();
    for number in 0..COMMITS {
        let name = format!("{writer} {number}");
        let own = insert(&name, book(&name, 1)).send(message(&name, "together", &name));
        mongo.commit(own).await.unwrap();
        sent.push(name);
        let name = format!("{writer} {number} shared");
        let values = book("shared", 1);
        let write = Write::Overwrite { table: BOOK, id: id("shared"), values };
        let shared = Changes::new().write(write).send(message(&name, "together", "shared"));
        mongo.commit(shared).await.unwrap();
        sent.push(name);
        let name = format!("{writer} {number} handled");
        let handled = insert(&name, book(&name, 1)).handled("group", &number.to_string());
        match mongo.commit(handled.send(message(&name, "together", "handled"))).await {
            Ok(()) => sent.push(name),
            Err(CommitError::AlreadyHandled) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    sent
}

/// Reads on and on until it has seen so many messages.
async fn follow(mongo: &Mongo, count: usize) -> Vec<String> {
    let (mut seen, mut after) = (Vec::new(), 0);
    while seen.len() < count {
        let more = mongo.unsent("together", after, 50).await.unwrap();
        assert!(more.is_sorted_by(|left, right| left.0 < right.0));
        after = more.last().map_or(after, |(position, _)| *position);
        seen.extend(more.into_iter().map(|(_, message)| message.id));
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_skips_nothing_that_two_processes_commit() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let (one, other) = (place.connect().await, place.connect().await);
            one.commit(insert("shared", book("first", 1))).await.unwrap();
            // Who relays is shown what its own process commits before it is to be read.
            let lease = one.lease("together", "one", Duration::from_secs(300)).await.unwrap();
            assert!(lease.is_some());
            let writing = async {
                let writers = (0..8).map(|writer| {
                    let mongo = if writer % 2 == 0 { &one } else { &other };
                    commit(mongo, writer)
                });
                join_all(writers).await
            };
            // Of those who handle a message one succeeds.
            let count = COMMITS * (8 + 8 + 1);
            let reading = tokio::time::timeout(Duration::from_secs(120), follow(&one, count));
            let run = async {
                let (sent, seen) = tokio::join!(writing, reading);
                check(sent, seen.unwrap());
            };
            keeping(&one, keeping(&other, run)).await;
            assert!(place.find("book").await.iter().all(|book| !book.contains_key("_outbox")));
        })
        .await;
    }
}

#[tokio::test]
async fn a_reader_with_much_to_catch_up_skips_nothing_that_its_own_process_commits() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let (one, other) = (place.connect().await, place.connect().await);
            let send = |number: i32| Changes::new().send(message(&number.to_string(), "late", "k"));
            other.commit((0..300).map(send).fold(Changes::new(), Changes::and)).await.unwrap();
            let lease = one.lease("late", "one", Duration::from_secs(300)).await.unwrap();
            assert!(lease.is_some());
            let (mut seen, mut after) = (Vec::new(), 0);
            for number in 300..310 {
                let more = one.unsent("late", after, 512).await.unwrap();
                after = more.last().map_or(after, |(position, _)| *position);
                seen.extend(more.into_iter().map(|(_, message)| message.id));
                one.commit(send(number)).await.unwrap();
            }
            let expected: Vec<String> = (0..309).map(|number| number.to_string()).collect();
            assert_eq!(seen, expected);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_one_commit_costs_those_of_the_same_moment_nothing() {
    with_database(REPLICA_SET, async |place| {
        let mongo = place.connect().await;
        let run = async {
            let there = insert("there", book("there", 1)).handled("group", "done");
            mongo.commit(there).await.unwrap();
            let sent = |name: &str| message(name, "moment", name);
            let commit = |number: usize| {
                let name = format!("{number}");
                let own = insert(&name, book(&name, 1)).send(sent(&name));
                let (there, values) = (id("there"), book("again", 1));
                let changes = match number {
                    8 => own.and(insert("there", values)),
                    16 => own.handled("group", "done"),
                    24 => own.write(Write::Replace { table: BOOK, id: there, version: 77, values }),
                    32 => own.send(Message { payload: vec![7; 17 << 20], ..sent("large") }),
                    36 => own.write(Write::Overwrite { table: BOOK, id: id("absent"), values }),
                    40 => own.write(Write::Delete { table: BOOK, id: id("absent"), version: None }),
                    _ => own,
                };
                let mongo = &mongo;
                async move { (name, mongo.commit(changes).await) }
            };
            let mut made = Vec::new();
            for (name, outcome) in join_all((0..50).map(commit)).await {
                match (name.as_str(), outcome) {
                    ("8" | "24" | "36", Err(CommitError::Conflict))
                    | ("16", Err(CommitError::AlreadyHandled))
                    | ("32", Err(CommitError::Refused(_))) => {}
                    (name, Ok(())) if !["8", "16", "24", "32", "36"].contains(&name) => {
                        made.push(name.to_owned());
                    }
                    (name, outcome) => panic!("{name}: {outcome:?}"),
                }
            }
            made.sort();
            let mut sent = ids(&mongo, "moment").await;
            sent.sort();
            assert_eq!(sent, made);
            let mut rows: Vec<String> = place
                .find("book")
                .await
                .iter()
                .map(|book| book.get_str("_id").unwrap().to_owned())
                .collect();
            rows.retain(|row| row != "there");
            rows.sort();
            assert_eq!(rows, made);
        };
        keeping(&mongo, run).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_of_the_same_moment_are_few_transactions() {
    with_database(REPLICA_SET, async |place| {
        let mongo = place.connect().await;
        let commit = async |number: usize, version: i64| {
            let name = format!("{number}");
            let (id, values) = (id(&name), book(&name, version));
            let write = match version {
                1 => Write::Insert { table: BOOK, id, values },
                2 => Write::Overwrite { table: BOOK, id, values },
                _ => {
                    let version = mongo.get(&BOOK, &id).await.unwrap().unwrap().version;
                    Write::Replace { table: BOOK, id, version, values }
                }
            };
            let changes = Changes::new().write(write).send(message(&name, "moment", &name));
            mongo.commit(changes).await.unwrap();
        };
        let run = async {
            for version in 1..=3 {
                join_all((0..COMMITS).map(|number| commit(number, version))).await;
            }
        };
        keeping(&mongo, run).await;
        assert_eq!(ids(&mongo, "moment").await.len(), 3 * COMMITS);
        // What a transaction has done is one entry of the server's log.
        let log = place.other.client().database("local").collection::<Document>("oplog.rs");
        let of_rows = doc! { "o.applyOps.ns": format!("{}.{}", place.name, BOOK.name) };
        let transactions = log.count_documents(of_rows).await.unwrap();
        assert!((3..COMMITS as u64).contains(&transactions), "{transactions}");
    })
    .await;
}

fn check(sent: Vec<Vec<String>>, seen: Vec<String>) {
    for of_writer in &sent {
        // The messages of one writer about the one row are in the order of its commits.
        let order = |ids: &[String]| -> Vec<String> {
            ids.iter().filter(|id| id.ends_with("shared")).cloned().collect()
        };
        let seen: Vec<String> = seen.iter().filter(|id| of_writer.contains(id)).cloned().collect();
        assert_eq!(order(&seen), order(of_writer));
    }
    let sent: BTreeSet<String> = sent.into_iter().flatten().collect();
    assert_eq!(seen.len(), sent.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_processes_replaces_a_version() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let processes = [place.connect().await, place.connect().await];
            processes[0].commit(insert("counted", book("counted", 0))).await.unwrap();
            let count = async |mongo: &Arc<Mongo>| {
                for _ in 0..25 {
                    loop {
                        let row = mongo.get(&BOOK, &id("counted")).await.unwrap().unwrap();
                        let Value::Integer(count) = row.values[1] else { panic!("{row:?}") };
                        let (table, values) = (BOOK, book("counted", count + 1));
                        let version = row.version;
                        let write = Write::Replace { table, id: id("counted"), version, values };
                        match mongo.commit(Changes::new().write(write)).await {
                            Ok(()) => break,
                            Err(CommitError::Conflict) => {}
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                }
            };
            tokio::join!(count(&processes[0]), count(&processes[1]));
            let row = processes[0].get(&BOOK, &id("counted")).await.unwrap().unwrap();
            assert_eq!(row.values[1], Value::Integer(50));
        })
        .await;
    }
}
