//! Commits wake other processes.

use std::sync::Arc;

use database::{ChangeLog, Database, Postgres, PostgresSettings};
use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use super::{Place, SERVER, with_database, with_database_alone};
use crate::{
    conformance::TABLES,
    wakes::{self, Two},
};

/// Runs what runs beside the commits as long as the test runs.
async fn keeping(databases: [&Arc<Postgres>; 2], test: impl Future<Output = ()>) {
    let stop = CancellationToken::new();
    let [one, other] = databases.map(|database| database.clone().keep(stop.clone()));
    let test = async {
        test.await;
        stop.cancel();
    };
    let (one, other, ()) = tokio::join!(one, other, test);
    one.and(other).unwrap();
}

async fn listener(place: &Place) -> PgListener {
    let url = format!("postgres://{}/{}?sslmode=disable", place.server, place.name);
    let mut listener = PgListener::connect(&url).await.unwrap();
    let name =
        "select 'milena_outbox_' || relnamespace::text from pg_class where relname = 'outbox'";
    listener.listen(&place.text(name).await.unwrap()).await.unwrap();
    listener
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_wakes_who_waits_in_another_process() {
    with_database("", async |place| {
        let (one, other) = tokio::join!(place.connect(), place.connect());
        let two = Two { one: &*one, other: &*other };
        let test = async {
            wakes::every_commit_wakes(&two, "waking").await;
            wakes::every_commit_wakes(&two, &"long ".repeat(1000)).await;
            wakes::every_commit_wakes(&two, "a\0b\\'").await;
            wakes::the_holder_of_the_lease_wakes_nobody(&two).await;
        };
        keeping([&one, &other], test).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commits_notify_a_few_times() {
    with_database("", async |place| {
        let (one, other) = tokio::join!(place.connect(), place.connect());
        let mut listener = listener(&place).await;
        let two = Two { one: &*one, other: &*other };
        let told = async || {
            let mut told = 0;
            loop {
                match listener.recv().await.unwrap().payload() {
                    "barrier" => return told,
                    payload => told += u64::from(payload == "many"),
                }
            }
        };
        keeping([&one, &other], wakes::many_commits_wake_a_few_times(&two, told)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_schema_is_not_woken() {
    with_database("", async |place| {
        place.run("create schema elsewhere").await;
        let (user, server) = place.server.split_once('@').unwrap();
        let url = format!("jdbc:postgresql://{server}/{}?currentSchema=elsewhere", place.name);
        let settings = PostgresSettings::from_jdbc(&url, Some(user), None).unwrap();
        let elsewhere = Postgres::connect(&settings, &TABLES, &ChangeLog::default()).await.unwrap();
        let here = place.connect().await;
        let test = async {
            let mut foreign = elsewhere.added("waking");
            let two = Two { one: &*here, other: &*here };
            wakes::every_commit_wakes(&Two { one: &*elsewhere, other: &*elsewhere }, "own").await;
            foreign.mark_unchanged();
            let mut listener = listener(&place).await;
            wakes::every_commit_wakes(&two, "waking").await;
            // Notifications of a database are heard in one order.
            assert_eq!(listener.recv().await.unwrap().payload(), "waking");
            wakes::every_commit_wakes(&Two { one: &*elsewhere, other: &*elsewhere }, "own").await;
            assert!(!foreign.has_changed().unwrap());
        };
        keeping([&here, &elsewhere], test).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_wakes_others_after_the_server_was_restarted() {
    let _server = SERVER.write().await;
    with_database_alone("", async |place| {
        let (one, other) = tokio::join!(place.connect(), place.connect());
        let two = Two { one: &*one, other: &*other };
        let test = async {
            wakes::every_commit_wakes(&two, "waking").await;
            crate::restart("postgresql").await;
            wakes::every_commit_wakes(&two, "waking").await;
        };
        keeping([&one, &other], test).await;
    })
    .await;
}
