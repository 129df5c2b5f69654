//! SQLite keeps the promises of the port, and those of a file.

use database::{Column, Database, Durability, IdKind, Kind, OpenError, Sqlite, Table};

use crate::conformance::{self, BOOK, TABLES, book, id, insert};

async fn open(path: &std::path::Path) -> Result<std::sync::Arc<Sqlite>, OpenError> {
    Sqlite::open(path, &TABLES, Durability::ProcessCrash).await
}

#[tokio::test]
async fn keeps_every_promise_of_the_port() {
    let folder = tempfile::tempdir().unwrap();
    conformance::all(open(&folder.path().join("books.db")).await.unwrap()).await;
}

#[tokio::test]
async fn has_everything_after_it_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    let first = open(&path).await.unwrap();
    first
        .commit(
            insert("kept", book("kept", 1))
                .handled("group", "m")
                .send(conformance::message("m", "c", "k")),
        )
        .await
        .unwrap();
    first.reserve("numbers", 1, 50).await.unwrap();
    drop(first);
    let second = open(&path).await.unwrap();
    assert!(second.get(&BOOK, &id("kept")).await.unwrap().is_some());
    assert_eq!(second.unsent("c", 0, 10).await.unwrap().len(), 1);
    assert_eq!(second.reserve("numbers", 1, 50).await.unwrap(), 51);
    assert!(second.commit(database::Changes::new().handled("group", "m")).await.is_err());
}

#[tokio::test]
async fn adds_a_column_that_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    let narrow = Table {
        name: "book".into(),
        id: IdKind::ObjectId,
        key: "id".into(),
        class: None,
        columns: vec![Column { name: "title".into(), kind: Kind::Text, required: true }].into(),
    };
    drop(Sqlite::open(&path, &[narrow], Durability::ProcessCrash).await.unwrap());
    let wide = open(&path).await.unwrap();
    wide.commit(insert("wide", book("wide", 3))).await.unwrap();
    assert_eq!(wide.get(&BOOK, &id("wide")).await.unwrap().unwrap().values, book("wide", 3));
}

#[tokio::test]
async fn refuses_a_damaged_file_and_leaves_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    for (content, reason) in
        [(&b"SQLite"[..], "header"), (b"this is a text, not a database", "not a SQLite database")]
    {
        std::fs::write(&path, content).unwrap();
        let error = open(&path).await.err().unwrap();
        assert!(
            matches!(error, OpenError::Damaged { .. }) && error.to_string().contains(reason),
            "{error}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn finds_damage_in_the_middle_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    let database = open(&path).await.unwrap();
    for number in 0..200 {
        database
            .commit(insert(&format!("{number}"), book(&"long title ".repeat(20), number)))
            .await
            .unwrap();
    }
    drop(database);
    // The writer closes the file after its last handle is gone, which moves the log into it.
    let log = path.with_extension("db-wal");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while log.exists() && std::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let mut content = std::fs::read(&path).unwrap();
    let middle = content.len() / 2 / 4096 * 4096;
    content[middle..middle + 4096].fill(0xff);
    std::fs::write(&path, &content).unwrap();
    let error = open(&path).await.err().unwrap();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), content);
}

#[tokio::test]
async fn refuses_a_file_of_a_newer_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    drop(open(&path).await.unwrap());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while path.with_extension("db-wal").exists() && std::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // The layout version stands at byte 60 of the header (SQLite file format, section 1.3).
    let mut content = std::fs::read(&path).unwrap();
    content[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&path, &content).unwrap();
    let error = open(&path).await.err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
}

#[tokio::test]
async fn looking_whether_a_file_can_be_used_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    let database = open(&path).await.unwrap();
    database.commit(insert("one", book("one", 1))).await.unwrap();
    // As a killed program leaves them: what was committed is still in the log.
    let killed = tempfile::tempdir().unwrap();
    for name in ["books.db", "books.db-wal"] {
        std::fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    let before =
        ["books.db", "books.db-wal"].map(|name| std::fs::read(killed.path().join(name)).unwrap());
    database::check(&killed.path().join("books.db")).await.unwrap();
    let after =
        ["books.db", "books.db-wal"].map(|name| std::fs::read(killed.path().join(name)).unwrap());
    assert!(before == after && !after[1].is_empty(), "the log is neither moved nor removed");

    drop(database);
    let log = path.with_extension("db-wal");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while log.exists() && std::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let before = std::fs::read(&path).unwrap();
    database::check(&path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing appears beside it");
    database::check(&folder.path().join("absent.db")).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_is_empty_beside_its_log_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    std::fs::write(&path, "").unwrap();
    database::check(&path).await.unwrap();
    std::fs::write(path.with_extension("db-wal"), "what was committed").unwrap();
    let error = open(&path).await.err().unwrap();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert_eq!(std::fs::read(path.with_extension("db-wal")).unwrap(), b"what was committed");
}
