//! Promises that every backend keeps. Each is an ordinary function over the port.

use std::{sync::Arc, time::Duration};

use database::{
    Changes, Column, CommitError, Database, Direction, Header, Id, IdKind, Kind, Message, Page,
    Sort, Table, Value, Write,
};

pub(crate) const BOOK: Table = Table {
    name: std::borrow::Cow::Borrowed("book"),
    id: IdKind::ObjectId,
    key: std::borrow::Cow::Borrowed("id"),
    class: None,
    columns: std::borrow::Cow::Borrowed(&[
        Column { name: std::borrow::Cow::Borrowed("title"), kind: Kind::Text, required: true },
        Column { name: std::borrow::Cow::Borrowed("pages"), kind: Kind::Integer, required: false },
        Column { name: std::borrow::Cow::Borrowed("price"), kind: Kind::Real, required: false },
        Column { name: std::borrow::Cow::Borrowed("lent"), kind: Kind::Boolean, required: false },
        Column {
            name: std::borrow::Cow::Borrowed("printed"),
            kind: Kind::Instant,
            required: false,
        },
    ]),
};

pub(crate) const READER: Table = Table {
    name: std::borrow::Cow::Borrowed("reader"),
    id: IdKind::Sequence,
    key: std::borrow::Cow::Borrowed("id"),
    class: None,
    columns: std::borrow::Cow::Borrowed(&[Column {
        name: std::borrow::Cow::Borrowed("order"),
        kind: Kind::Text,
        required: true,
    }]),
};

pub(crate) async fn all(database: Arc<dyn Database>) {
    keeps_what_was_committed(&*database).await;
    refuses_a_stale_version(&*database).await;
    overwrites_any_version_but_makes_no_row(&*database).await;
    refuses_a_second_insert(&*database).await;
    makes_all_changes_or_none(&*database).await;
    handles_a_message_once(&*database).await;
    forgets_only_what_was_handled_before(&*database).await;
    sends_messages_in_order_and_forgets_them(&*database).await;
    keeps_channels_apart(&*database).await;
    wakes_who_waits_for_a_channel(&*database).await;
    lists_in_the_order_asked_for(&*database).await;
    never_gives_a_number_twice(&*database).await;
    takes_commits_of_many_callers_at_once(database).await;
}

pub(crate) fn id(text: &str) -> Id {
    Id::Text(text.to_owned())
}

pub(crate) fn book(title: &str, pages: i64) -> Vec<Value> {
    vec![title.into(), Value::Integer(pages), Value::Real(9.5), Value::Boolean(true), Value::Null]
}

pub(crate) fn insert(name: &str, values: Vec<Value>) -> Changes {
    Changes::new().write(Write::Insert { table: BOOK, id: id(name), values })
}

pub(crate) fn message(id: &str, channel: &str, key: &str) -> Message {
    Message {
        id: id.to_owned(),
        channel: channel.to_owned(),
        topic: "books".to_owned(),
        key: Some(key.to_owned()),
        headers: vec![Header { name: "kind".to_owned(), value: vec![0, 255] }],
        payload: vec![1, 2, 3],
        created: "2026-11-24T10:00:00.123456789Z".parse().unwrap(),
    }
}

async fn keeps_what_was_committed(database: &dyn Database) {
    let mut values = book("Moby \"Dick\" 🐋", 600);
    values[4] = Value::Instant("2022-09-11T08:37:30.664000001Z".parse().unwrap());
    database.commit(insert("kept", values.clone())).await.unwrap();
    let row = database.get(&BOOK, &id("kept")).await.unwrap().unwrap();
    assert_eq!((row.version, row.values), (1, values));
    assert_eq!(database.get(&BOOK, &id("nowhere")).await.unwrap(), None);
    let delete = || Changes::new().write(Write::Delete { table: BOOK, id: id("kept") });
    database.commit(delete()).await.unwrap();
    database.commit(delete()).await.unwrap();
    assert_eq!(database.get(&BOOK, &id("kept")).await.unwrap(), None);
}

async fn refuses_a_stale_version(database: &dyn Database) {
    database.commit(insert("versions", book("first", 1))).await.unwrap();
    let replace = |version, title| {
        Changes::new().write(Write::Replace {
            table: BOOK,
            id: id("versions"),
            version,
            values: book(title, 2),
        })
    };
    database.commit(replace(1, "second")).await.unwrap();
    assert!(matches!(database.commit(replace(1, "stale")).await, Err(CommitError::Conflict)));
    let row = database.get(&BOOK, &id("versions")).await.unwrap().unwrap();
    assert_eq!((row.version, row.values), (2, book("second", 2)));
    let missing =
        Write::Replace { table: BOOK, id: id("nowhere"), version: 1, values: book("x", 1) };
    assert!(matches!(
        database.commit(Changes::new().write(missing)).await,
        Err(CommitError::Conflict)
    ));
}

async fn overwrites_any_version_but_makes_no_row(database: &dyn Database) {
    database.commit(insert("any", book("first", 1))).await.unwrap();
    let overwrite = |name, title| {
        Changes::new().write(Write::Overwrite { table: BOOK, id: id(name), values: book(title, 2) })
    };
    database.commit(overwrite("any", "second")).await.unwrap();
    database.commit(overwrite("any", "third")).await.unwrap();
    let row = database.get(&BOOK, &id("any")).await.unwrap().unwrap();
    assert_eq!((row.version, row.values), (3, book("third", 2)));
    let nowhere = database.commit(overwrite("nowhere", "x")).await;
    assert!(matches!(nowhere, Err(CommitError::Conflict)));
    assert_eq!(database.get(&BOOK, &id("nowhere")).await.unwrap(), None);
}

async fn refuses_a_second_insert(database: &dyn Database) {
    database.commit(insert("twice", book("first", 1))).await.unwrap();
    assert!(matches!(
        database.commit(insert("twice", book("second", 1))).await,
        Err(CommitError::Conflict)
    ));
}

async fn makes_all_changes_or_none(database: &dyn Database) {
    let stale = Write::Replace { table: BOOK, id: id("nowhere"), version: 1, values: book("x", 1) };
    let changes = insert("torn", book("torn", 1))
        .send(message("torn", "torn", "k"))
        .handled("group", "torn")
        .write(stale);
    assert!(matches!(database.commit(changes).await, Err(CommitError::Conflict)));
    assert_eq!(database.get(&BOOK, &id("torn")).await.unwrap(), None);
    assert_eq!(database.unsent("torn", 0, 10).await.unwrap(), []);
    database.commit(Changes::new().handled("group", "torn")).await.unwrap();
}

async fn handles_a_message_once(database: &dyn Database) {
    database.commit(insert("once", book("once", 1)).handled("group", "m1")).await.unwrap();
    let again = insert("once more", book("again", 1)).handled("group", "m1");
    assert!(matches!(database.commit(again).await, Err(CommitError::AlreadyHandled)));
    assert_eq!(database.get(&BOOK, &id("once more")).await.unwrap(), None);
    database.commit(Changes::new().handled("other group", "m1")).await.unwrap();
}

async fn forgets_only_what_was_handled_before(database: &dyn Database) {
    let handle = || Changes::new().handled("forgetful", "m1");
    database.commit(handle()).await.unwrap();
    database.forget_handled("2020-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    assert!(matches!(database.commit(handle()).await, Err(CommitError::AlreadyHandled)));
    let forgotten = database.forget_handled("2100-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    assert!(forgotten > 0);
    database.commit(handle()).await.unwrap();
}

async fn sends_messages_in_order_and_forgets_them(database: &dyn Database) {
    let sent = ["a", "b", "c"].map(|name| message(name, "ordered", "k"));
    database.commit(Changes::new().send_all(sent[..2].to_vec())).await.unwrap();
    database.commit(Changes::new().send(sent[2].clone())).await.unwrap();
    let waiting = database.unsent("ordered", 0, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|(_, message)| message.clone()).collect::<Vec<_>>(), sent);
    assert_eq!(database.unsent("ordered", 0, 2).await.unwrap(), waiting[..2]);
    assert_eq!(database.unsent("ordered", waiting[0].0, 10).await.unwrap(), waiting[1..]);
    database.sent("ordered", &[waiting[0].0, waiting[1].0]).await.unwrap();
    assert_eq!(database.unsent("ordered", 0, 10).await.unwrap(), waiting[2..]);
}

async fn keeps_channels_apart(database: &dyn Database) {
    database
        .commit(Changes::new().send(message("x", "left", "k")).send(message("y", "right", "k")))
        .await
        .unwrap();
    let left = database.unsent("left", 0, 10).await.unwrap();
    assert_eq!(left.iter().map(|(_, message)| message.id.as_str()).collect::<Vec<_>>(), ["x"]);
}

async fn wakes_who_waits_for_a_channel(database: &dyn Database) {
    let mut added = database.added("waking");
    added.mark_unchanged();
    database.commit(Changes::new().send(message("other", "elsewhere", "k"))).await.unwrap();
    assert!(!added.has_changed().unwrap());
    database.commit(Changes::new().send(message("mine", "waking", "k"))).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), added.changed()).await.unwrap().unwrap();
}

async fn lists_in_the_order_asked_for(database: &dyn Database) {
    let before = database.list(&READER, &Page::first(10)).await.unwrap();
    assert_eq!((before.rows.len(), before.total), (0, 0));
    for (number, name) in [(3, "b"), (1, "a"), (2, "b")] {
        let write =
            Write::Insert { table: READER, id: Id::Integer(number), values: vec![name.into()] };
        database.commit(Changes::new().write(write)).await.unwrap();
    }
    let sort = |column, direction| Sort { column, direction };
    let by_name = vec![sort(Some(0), Direction::Descending), sort(None, Direction::Ascending)];
    for (sort, offset, limit, expected) in [
        (by_name.clone(), 0, 10, vec![2, 3, 1]),
        (by_name, 1, 1, vec![3]),
        (vec![sort(None, Direction::Descending)], 0, 10, vec![3, 2, 1]),
        (vec![sort(None, Direction::Ascending)], 5, 10, vec![]),
    ] {
        let listing = database
            .list(&READER, &Page { offset, limit, sort, filter: Vec::new() })
            .await
            .unwrap();
        assert_eq!(
            listing.rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>(),
            expected.into_iter().map(Id::Integer).collect::<Vec<_>>()
        );
        assert_eq!(listing.total, 3);
    }
}

async fn never_gives_a_number_twice(database: &dyn Database) {
    assert_eq!(database.reserve("numbers", 1001, 50).await.unwrap(), 1001);
    assert_eq!(database.reserve("numbers", 1001, 50).await.unwrap(), 1051);
    assert_eq!(database.reserve("others", 1, 1).await.unwrap(), 1);
}

async fn takes_commits_of_many_callers_at_once(database: Arc<dyn Database>) {
    let commits =
        (0..200).map(|number| {
            let changes = insert(&format!("many {number}"), book("many", number)).send(message(
                &number.to_string(),
                "many",
                "k",
            ));
            let conflict = insert(&format!("many {}", number / 2), book("conflict", 0));
            let database = &database;
            async move {
                (database.commit(changes).await.is_ok(), database.commit(conflict).await.is_ok())
            }
        });
    let outcomes = futures_util::future::join_all(commits).await;
    assert!(outcomes.iter().all(|(first, _)| *first), "each caller's own change is made");
    assert!(outcomes.iter().all(|(_, second)| !*second), "and another's conflict does not undo it");
    assert_eq!(database.unsent("many", 0, 500).await.unwrap().len(), 200);
}
