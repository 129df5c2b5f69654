//! Dead letters keep their promises on the databases that need no server.

pub(crate) mod promises;

use database::{Durability, Memory, Sqlite};

use promises::TABLES;

#[tokio::test]
async fn sqlite_keeps_the_promises_about_dead_letters() {
    let (folder, mut opened) = (tempfile::tempdir().unwrap(), 0);
    promises::all(async || {
        opened += 1;
        let file = folder.path().join(format!("{opened}.db"));
        Sqlite::open(&file, &TABLES, Durability::ProcessCrash).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn memory_keeps_the_promises_about_dead_letters() {
    let now = || "2026-11-25T12:00:00Z".parse().unwrap();
    promises::all_but_conflicts(async || Memory::new(now)).await;
}
