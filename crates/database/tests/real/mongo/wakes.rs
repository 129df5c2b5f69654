//! Commits wake other processes, on both kinds of server.

use mongodb::bson::doc;

use super::{BOTH, REPLICA_SET, SERVER, STAND_ALONE, keeping, with_database, with_database_alone};
use crate::wakes::{self, Two};

const WAKES: &str = "milena_wakes";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_wakes_who_waits_in_another_process() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let (one, other) = tokio::join!(place.connect(), place.connect());
            let two = Two { one: &*one, other: &*other };
            let test = async {
                wakes::every_commit_wakes(&two, "waking").await;
                wakes::every_commit_wakes(&two, &"long ".repeat(1000)).await;
                wakes::the_holder_of_the_lease_wakes_nobody(&two).await;
            };
            keeping(&one, keeping(&other, test)).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commits_are_told_together() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let (one, other) = tokio::join!(place.connect(), place.connect());
            let two = Two { one: &*one, other: &*other };
            let told = async || {
                let wakes = place.collection(WAKES);
                wakes.count_documents(doc! { "channels": "many" }).await.unwrap()
            };
            let test = wakes::many_commits_wake_a_few_times(&two, told);
            keeping(&one, keeping(&other, test)).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_wakes_others_whatever_became_of_the_collection() {
    for variable in BOTH {
        with_database(variable, async |place| {
            // Made by somebody who did not know how.
            place.collection(WAKES).insert_one(doc! { "channels": [1, "waking"] }).await.unwrap();
            let (one, other) = tokio::join!(place.connect(), place.connect());
            let two = Two { one: &*one, other: &*other };
            let test = async {
                wakes::every_commit_wakes(&two, "waking").await;
                place.collection(WAKES).drop().await.unwrap();
                wakes::every_commit_wakes(&two, "waking").await;
            };
            keeping(&one, keeping(&other, test)).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_wakes_others_after_the_server_was_restarted() {
    let _server = SERVER.write().await;
    for (variable, server) in [(STAND_ALONE, "mongodb"), (REPLICA_SET, "mongodb-replica-set")] {
        with_database_alone(variable, async |place| {
            let (one, other) = tokio::join!(place.connect(), place.connect());
            let two = Two { one: &*one, other: &*other };
            let test = async {
                wakes::every_commit_wakes(&two, "waking").await;
                crate::restart(server).await;
                wakes::every_commit_wakes(&two, "waking").await;
            };
            keeping(&one, keeping(&other, test)).await;
        })
        .await;
    }
}
