//! The server dies in the middle of many commits.

use database::{Changes, CommitError, Database};

use super::{SERVER, ids, with_database_alone};
use crate::{
    conformance::{BOOK, book, id, insert, message},
    crash::commit_and_restart,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_whole_or_not_there_when_the_server_is_restarted() {
    let _server = SERVER.write().await;
    with_database_alone("", async |place| {
        let database = place.connect().await;
        let changes = |writer: usize, name: &str| {
            insert(name, book(name, 1))
                .send(message(name, "restart", &writer.to_string()))
                .handled("group", name)
        };
        let told = commit_and_restart(&*database, changes, "postgresql", 3).await;
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
