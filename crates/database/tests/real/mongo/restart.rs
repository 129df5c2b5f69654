//! The server dies in the middle of many commits.

use database::{Changes, CommitError, Database};

use mongodb::bson::doc;

use super::{
    BOTH, REPLICA_SET, SERVER, STAND_ALONE, ids, keeping, with_database, with_database_alone,
};
use crate::{
    conformance::{BOOK, book, id, insert, message},
    crash::commit_and_restart,
};

/// Rows with messages, and all that a commit can have.
fn changes(writer: usize, name: &str) -> Changes {
    let changes = insert(name, book(name, 1)).send(message(name, "restart", name));
    match writer % 2 {
        0 => changes,
        _ => changes.handled("group", name),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_whole_or_not_there_when_the_server_is_restarted() {
    let _server = SERVER.write().await;
    for (variable, server) in [(STAND_ALONE, "mongodb"), (REPLICA_SET, "mongodb-replica-set")] {
        with_database_alone(variable, async |place| {
            let database = place.connect().await;
            let mut told = Vec::new();
            let commits = async {
                told = commit_and_restart(&*database, changes, server, 2).await;
            };
            keeping(&database, commits).await;
            // What is on record is finished by the next process.
            drop(database);
            let database = place.connect().await;
            let last = told.iter().filter_map(|told| told.acknowledged.last());
            let last: Vec<&String> = last.collect();
            // Whoever reserved positions when the server died holds up readers for ten seconds.
            crate::until("all can be read", async || {
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

/// Who is killed may forget the last writes that nobody waited for on disk.
#[tokio::test]
async fn positions_that_a_server_has_forgotten_are_not_given_again() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let database = place.connect().await;
            let send = async |name| {
                let sent = Changes::new().send(message(name, "forgotten", "k"));
                database.commit(sent).await.unwrap();
                database.unsent("forgotten", 0, 10).await.unwrap().pop().unwrap().0
            };
            let first = send("first").await;
            let positions = place.collection("milena_positions");
            let remembered = positions.find_one(doc! {}).await.unwrap().unwrap();
            let forgotten = send("forgotten").await;
            positions.replace_one(doc! {}, remembered).await.unwrap();
            let next = send("next").await;
            assert!(first < forgotten && forgotten < next, "{first}, {forgotten}, {next}");
        })
        .await;
    }
}
