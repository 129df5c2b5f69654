//! What is a key, what a key was used for, and when it is forgotten.

use axum::http::HeaderName;
use database::{Durability, Sqlite};
use tokio::time::timeout;

use super::*;

async fn database() -> (tempfile::TempDir, DatabaseRef) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.db");
    let database = Sqlite::open(&path, &[TABLE], Durability::ProcessCrash).await.unwrap();
    (folder, database)
}

fn headers(values: &[&str]) -> HeaderMap {
    let name = HeaderName::from_static(HEADER);
    values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
}

#[tokio::test]
async fn a_key_is_one_text_of_some_length() {
    let (_folder, database) = database().await;
    let keys = Keys::new("orders", database);
    let longest = "k".repeat(LONGEST);
    for (values, expected) in [
        (&[][..], Ok(None)),
        (&["a-1"], Ok(Some("orders/3/a-1/ann"))),
        (&[" \"a-1\" "], Ok(Some("orders/3/a-1/ann"))),
        (&[&longest], Ok(Some(&*format!("orders/255/{longest}/ann")))),
        (&[""], Err(400)),
        (&["\"\""], Err(400)),
        (&["ü"], Err(400)),
        (&[&format!("{longest}k")], Err(400)),
        (&["a", "b"], Err(400)),
    ] {
        let key = keys.key(&headers(values), "ann").map_err(|problem| problem.status().as_u16());
        assert_eq!(key, expected.map(|key| key.map(|key| Key(key.to_owned()))), "{values:?}");
    }
    let long_name = keys.key(&headers(&["a"]), &"n".repeat(LONGEST + 1));
    assert_eq!(long_name.unwrap_err().status().as_u16(), 400);
}

#[tokio::test]
async fn one_request_with_a_key_is_handled_at_a_time() {
    let (_folder, database) = database().await;
    let keys = Keys::new("orders", database);
    let key = Key("x".into());
    let first = keys.begin(&key);
    assert!(first.is_some() && keys.begin(&key).is_none());
    assert!(keys.begin(&Key("y".into())).is_some());
    drop(first);
    assert!(keys.begin(&key).is_some());
}

#[tokio::test]
async fn what_a_key_was_used_for_is_remembered_for_a_day() {
    let (_folder, database) = database().await;
    let keys = Keys::new("orders", database.clone());
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let mut uses = Vec::new();
    for (name, id, hours) in [
        ("old", Id::Integer(1), 25),
        ("text", Id::Text("i7".into()), 23),
        ("number", Id::Integer(-7), 0),
    ] {
        let (key, kept) = (Key(name.into()), Kept { id, fingerprint: "f".into() });
        let write = keys.remember(&key, &kept, now - Duration::from_secs(hours * 3600));
        database.commit(Changes::new().write(write.clone())).await.unwrap();
        database.commit(Changes::new().write(write)).await.unwrap_err();
        assert_eq!(keys.find(&key).await.unwrap().as_ref(), Some(&kept));
        uses.push((key, kept));
    }
    assert_eq!(keys.find(&Key("new".into())).await.unwrap(), None);
    let stop = Stop::new();
    let cleaning = clean(database, Outside::fixed(now, 1), stop.clone());
    let looking = async {
        while keys.find(&uses[0].0).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(cleaning, looking) };
    timeout(Duration::from_secs(5), both).await.unwrap().0.unwrap();
    for (key, kept) in &uses[1..] {
        assert_eq!(keys.find(key).await.unwrap().as_ref(), Some(kept));
    }
}

#[tokio::test]
async fn more_old_keys_than_one_portion_are_removed() {
    let (_folder, database) = database().await;
    let keys = Keys::new("orders", database.clone());
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let count = PORTION as usize + 1;
    let write = |number: usize| {
        let kept = Kept { id: Id::Integer(1), fingerprint: "f".into() };
        keys.remember(&Key(number.to_string()), &kept, now)
    };
    let changes = (0..count).fold(Changes::new(), |changes, number| changes.write(write(number)));
    database.commit(changes).await.unwrap();
    assert_eq!(remove_older(&database, now).await.unwrap(), 0);
    let later = now + Duration::from_nanos(1);
    assert_eq!(remove_older(&database, later).await.unwrap(), count);
}
