//! The server dies in the middle of many commits.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use database::{Changes, CommitError, Database, Mongo};
use futures_util::future::join_all;

use super::{REPLICA_SET, SERVER, STAND_ALONE, ids, keeping, with_database_alone};
use crate::conformance::{BOOK, book, id, insert, message};

/// What a writer was told of its commits.
#[derive(Default)]
struct Told {
    acknowledged: Vec<String>,
    unavailable: Vec<String>,
}

/// Commits, each time something else, until told to stop: rows with messages, and all that a commit can have.
async fn write(database: &Mongo, writer: usize, (stop, made): (&AtomicBool, &AtomicUsize)) -> Told {
    let mut told = Told::default();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{writer} {number}");
        let changes = insert(&name, book(&name, 1)).send(message(&name, "restart", &name));
        let changes = match writer % 2 {
            0 => changes,
            _ => changes.handled("group", &name),
        };
        match database.commit(changes).await {
            Ok(()) => {
                made.fetch_add(1, Ordering::Relaxed);
                told.acknowledged.push(name);
            }
            Err(CommitError::Unavailable(_)) => told.unavailable.push(name),
            Err(error) => panic!("{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_whole_or_not_there_when_the_server_is_restarted() {
    let _server = SERVER.write().await;
    for (variable, server) in [(STAND_ALONE, "mongodb"), (REPLICA_SET, "mongodb-replica-set")] {
        with_database_alone(variable, async |place| {
            let database = place.connect().await;
            let told = commit_and_restart(&database, server).await;
            // What is on record is finished by the next process.
            drop(database);
            let database = place.connect().await;
            let last = told.iter().filter_map(|told| told.acknowledged.last());
            let last: Vec<&String> = last.collect();
            // Whoever reserved positions when the server died holds up readers for ten seconds.
            super::until("all can be read", async || {
                let sent = ids(&database, "restart").await;
                last.iter().all(|name| sent.contains(name))
            })
            .await;
            let sent = ids(&database, "restart").await;
            let acknowledged = told.iter().flat_map(|told| &told.acknowledged);
            let unavailable = told.iter().flat_map(|told| &told.unavailable);
            let all = acknowledged.map(|name| (name, true));
            for (name, is_known) in all.chain(unavailable.map(|name| (name, false))) {
                let row = database.get(&BOOK, &id(name)).await.unwrap().is_some();
                assert_eq!(row, sent.contains(name), "{name} is half there");
                assert!(row || !is_known, "{name} was acknowledged and is gone");
                if !name.starts_with(['0', '2', '4', '6']) {
                    let handled = database.commit(Changes::new().handled("group", name)).await;
                    let handled = matches!(handled, Err(CommitError::AlreadyHandled));
                    assert_eq!(row, handled, "{name} is half there");
                }
            }
        })
        .await;
    }
}

async fn commit_and_restart(database: &std::sync::Arc<Mongo>, server: &'static str) -> Vec<Told> {
    let (stop, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let restarts = async {
        // Everything works again after each, without anybody's help.
        for restart in 0..3 {
            let before = made.load(Ordering::Relaxed);
            super::until("commits are made", async || made.load(Ordering::Relaxed) > before + 50)
                .await;
            if restart < 2 {
                crate::restart(server).await;
            }
        }
        stop.swap(true, Ordering::Relaxed);
    };
    let writers = join_all((0..8).map(|writer| write(database, writer, (&stop, &made))));
    let mut told = Vec::new();
    keeping(database, async { told = tokio::join!(writers, restarts).0 }).await;
    told
}
