//! The server dies in the middle of many commits.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use database::{Changes, CommitError, Database, Postgres};
use futures_util::future::join_all;

use super::{SERVER, ids, with_database_alone};
use crate::conformance::{BOOK, book, id, insert, message};

/// What a writer was told of its commits.
#[derive(Default)]
struct Told {
    acknowledged: Vec<String>,
    unavailable: Vec<String>,
}

/// Commits, each time something else, until told to stop.
async fn write(
    database: &Postgres,
    writer: usize,
    (stop, made): (&AtomicBool, &AtomicUsize),
) -> Told {
    let mut told = Told::default();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{writer} {number}");
        let changes = insert(&name, book(&name, 1))
            .send(message(&name, "restart", &writer.to_string()))
            .handled("group", &name);
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
    with_database_alone("", async |place| {
        let database = place.connect().await;
        let (stop, made) = (AtomicBool::new(false), AtomicUsize::new(0));
        let restarts = async {
            // Everything works again after each, without anybody's help.
            for restart in 0..4 {
                let before = made.load(Ordering::Relaxed);
                super::until("commits are made", async || {
                    made.load(Ordering::Relaxed) > before + 50
                })
                .await;
                if restart < 3 {
                    crate::restart("postgresql").await;
                }
            }
            stop.fetch_or(true, Ordering::Relaxed);
        };
        let writers = join_all((0..8).map(|writer| write(&database, writer, (&stop, &made))));
        let (told, ()) = tokio::join!(writers, restarts);
        let sent = ids(&database, "restart").await;
        for told in told {
            for (name, known) in told
                .acknowledged
                .iter()
                .map(|name| (name, Some(true)))
                .chain(told.unavailable.iter().map(|name| (name, None)))
            {
                let row = database.get(&BOOK, &id(name)).await.unwrap().is_some();
                let message = sent.contains(name);
                let handled = database.commit(Changes::new().handled("group", name)).await;
                let handled = matches!(handled, Err(CommitError::AlreadyHandled));
                assert_eq!([row, message], [handled; 2], "{name} is half there");
                assert!(known.is_none_or(|known| known == row), "{name} was acknowledged");
            }
        }
    })
    .await;
}
