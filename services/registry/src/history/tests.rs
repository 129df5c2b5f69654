use database::{Durability, Memory, Sqlite};
use discovery::Status;

use super::*;

fn at(time: &str) -> Timestamp {
    format!("2026-11-29T{time}Z").parse().unwrap()
}

fn event(time: &str, kind: Kind, id: &str, status: Status) -> Event {
    Event {
        at: at(time),
        kind,
        app: "BOOK".to_owned(),
        id: id.to_owned(),
        status,
        address: "10.0.0.7:8082".to_owned(),
        by: "10.0.0.7".to_owned(),
    }
}

fn history(database: DatabaseRef, most: u32) -> History {
    History::new(database, Bounds { most, days: 7 }, Outside::fixed(at("20:00:00"), 1))
}

fn memory() -> DatabaseRef {
    Memory::new(|| at("20:00:00"))
}

async fn registered(history: &History, time: &str) -> Vec<String> {
    let (events, total) = history.registered_at(at(time)).await.unwrap();
    assert_eq!(events.len() as u64, total);
    events.iter().map(|event| format!("{} {}", event.id, event.status.name())).collect()
}

/// An afternoon: one comes, another comes, the first is broken for a while, one leaves, one is silent.
async fn afternoon(history: &History) {
    use Kind::{Cancelled, Evicted, Registered};
    let first = vec![
        event("14:00:00", Registered, "book:1", Status::Up),
        event("14:02:00", Registered, "book:2", Status::Up),
        event("14:04:00", Kind::Status, "book:1", Status::Down),
    ];
    history.keep(first).await.unwrap();
    let second = vec![
        event("14:05:00", Kind::Status, "book:1", Status::Up),
        event("14:06:00", Cancelled, "book:2", Status::Up),
        event("14:08:00", Evicted, "book:1", Status::Up),
    ];
    history.keep(second).await.unwrap();
}

#[tokio::test]
async fn who_was_registered_at_a_moment_is_known_afterwards() {
    let history = history(memory(), 1000);
    afternoon(&history).await;
    for (time, expected) in [
        ("13:59:59", &[][..]),
        ("14:00:00", &["book:1 UP"]),
        ("14:03:00", &["book:1 UP", "book:2 UP"]),
        ("14:04:30", &["book:1 DOWN", "book:2 UP"]),
        ("14:05:00", &["book:1 UP", "book:2 UP"]),
        ("14:06:00", &["book:1 UP"]),
        ("14:07:59", &["book:1 UP"]),
        ("14:08:00", &[]),
        ("19:00:00", &[]),
    ] {
        assert_eq!(registered(&history, time).await, expected, "{time}");
    }
}

#[tokio::test]
async fn what_happened_is_told_newest_first_for_a_time_and_an_application() {
    let history = history(memory(), 1000);
    afternoon(&history).await;
    let told = async |from: Option<&str>, to: Option<&str>, app: &str| {
        let period = Period { from: from.map(at), to: to.map(at), app: app.to_owned() };
        let (events, _) = history.happened(&period).await.unwrap();
        events.iter().map(|event| event.kind.name()).collect::<Vec<_>>()
    };
    assert_eq!(
        told(None, None, "").await,
        ["evicted", "cancelled", "status", "status", "registered", "registered"]
    );
    assert_eq!(told(Some("14:02:00"), Some("14:05:00"), "BOOK").await, ["status", "registered"]);
    assert_eq!(told(None, None, "OTHER").await, Vec::<&str>::new());
    let last = history.last(&[Kind::Cancelled, Kind::Evicted]).await.unwrap();
    assert_eq!(last.iter().map(|event| &*event.id).collect::<Vec<_>>(), ["book:1", "book:2"]);
}

#[tokio::test]
async fn events_of_one_millisecond_keep_their_order() {
    let history = history(memory(), 1000);
    let time = "14:00:00";
    let status = |status| event(time, Kind::Status, "book:1", status);
    let events = vec![
        event(time, Kind::Registered, "book:1", Status::Starting),
        status(Status::Down),
        status(Status::Up),
    ];
    history.keep(events).await.unwrap();
    assert_eq!(registered(&history, "14:00:01").await, ["book:1 UP"]);
    let (events, _) = history.happened(&Period::default()).await.unwrap();
    let told: Vec<_> = events.iter().map(|event| event.status.name()).collect();
    assert_eq!(told, ["UP", "DOWN", "STARTING"]);
}

#[tokio::test]
async fn the_past_is_bounded_by_number_and_age_but_never_forgets_who_is_there() {
    let database = memory();
    let history = history(database.clone(), 3);
    let old = |kind, id: &str| {
        let at = "2026-11-01T00:00:00Z".parse().unwrap();
        Event { at, ..event("00:00:00", kind, id, Status::Up) }
    };
    let events = vec![
        old(Kind::Registered, "gone"),
        old(Kind::Cancelled, "gone"),
        old(Kind::Registered, "there"),
    ];
    history.keep(events).await.unwrap();
    afternoon(&history).await;
    history.remove_old().await.unwrap();
    let (events, total) = history.happened(&Period::default()).await.unwrap();
    let told: Vec<_> =
        events.iter().map(|event| format!("{} {}", event.kind.name(), event.id)).collect();
    assert_eq!(told, ["evicted book:1", "cancelled book:2", "status book:1", "registered there"]);
    assert_eq!(total, 4);
    assert_eq!(registered(&history, "19:00:00").await, ["there UP"]);
}

#[tokio::test]
async fn the_past_outlives_the_process_and_who_was_there_is_gone_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    let open = async || Sqlite::open(&path, &tables(), Durability::ProcessCrash).await.unwrap();
    {
        let history = history(open().await, 1000);
        let events = vec![event("14:00:00", Kind::Registered, "book:1", Status::Up)];
        history.keep(events).await.unwrap();
    }
    let later = history(open().await, 1000);
    let (told, events) = broadcast::channel(10);
    let stop = Stop::new();
    let recording = later.record(events, stop.clone());
    told.send(event("20:00:01", Kind::Registered, "book:2", Status::Up)).unwrap();
    stop.cancel();
    recording.await.unwrap();
    assert_eq!(registered(&later, "15:00:00").await, ["book:1 UP"]);
    assert_eq!(registered(&later, "20:00:00").await, Vec::<String>::new());
    assert_eq!(registered(&later, "20:00:02").await, ["book:2 UP"]);
}

#[test]
fn moments_are_read_in_the_forms_that_people_write() {
    let now = at("20:00:00");
    for (text, expected) in [
        ("2026-11-29T14:03:00Z", Some(at("14:03:00"))),
        ("2026-11-29T15:03:00+01:00", Some(at("14:03:00"))),
        ("2026-11-29T14:03", Some(at("14:03:00"))),
        (" 14:03 ", Some(at("14:03:00"))),
        ("14:03:05", Some(at("14:03:05"))),
        ("", None),
        ("yesterday", None),
        ("25:00", None),
    ] {
        assert_eq!(moment(text, now), expected, "{text:?}");
    }
}
