//! A row comes back as it was kept.

use database::{CommitError, Id, Value, Write};
use jiff::Timestamp;

use super::{BOOK, PARCEL, World, book, insert};

pub(super) async fn all(world: &World) {
    keeps_values_of_every_kind(world).await;
    keeps_numbers_as_ids(world).await;
    keeps_every_instant_to_the_millisecond(world).await;
    keeps_a_text_with_a_null_character_whole_or_refuses_it(world).await;
    finds_nothing_under_an_id_that_is_not_there(world).await;
}

async fn keeps_values_of_every_kind(world: &World) {
    let instant = Value::Instant("2022-09-11T08:37:30.664Z".parse().unwrap());
    for (name, values) in [
        ("plain", [book("plain", 1)[..4].to_vec(), vec![instant]].concat()),
        ("nothing", vec![Value::Null; 5]),
        ("quotes", book("Moby \"Dick\" 'or' the `Whale`; -- \\ $1 %", 600)),
        ("beyond", book("🐋 \u{10FFFF} e\u{301} \u{200F}\t\r\n\u{7f}\u{1}", 0)),
        ("empty", book("", 0)),
        ("long", book(&"größer ".repeat(40_000), 0)),
        ("greatest", book("greatest", i64::MAX)),
        ("smallest", book("smallest", i64::MIN)),
        ("large", vec!["".into(), Value::Null, Value::Real(f64::MAX), Value::Null, Value::Null]),
        ("tiny", vec!["".into(), Value::Null, Value::Real(5e-324), Value::Null, Value::Null]),
        ("third", vec!["".into(), Value::Null, Value::Real(1.0 / 3.0), Value::Null, Value::Null]),
        ("untrue", vec!["".into(), Value::Null, Value::Null, Value::Boolean(false), Value::Null]),
    ] {
        let row = world.insert(name, values.clone()).await;
        assert_eq!((row.id, row.values), (world.id(name), values), "{name}");
    }
}

async fn keeps_numbers_as_ids(world: &World) {
    world.clear(&PARCEL).await;
    for number in [i64::MIN, -1, 0, 1, i64::MAX] {
        let (id, values) = (Id::Integer(number), vec![Value::Null; 5]);
        let write = Write::Insert { table: PARCEL, id: id.clone(), values: values.clone() };
        world.database.commit(database::Changes::new().write(write)).await.unwrap();
        let row = world.database.get(&PARCEL, &id).await.unwrap().unwrap();
        assert_eq!((row.id, row.values), (id, values));
    }
}

async fn keeps_every_instant_to_the_millisecond(world: &World) {
    for (text, refusable) in [
        ("2022-09-11T08:37:30.664Z", false),
        ("2022-09-11T08:37:30.664999999Z", false),
        ("1970-01-01T00:00:00Z", false),
        ("1969-12-31T23:59:59.999999999Z", false),
        ("0000-01-01T00:00:00.000000001Z", false),
        ("-000044-03-15T12:00:00.123456789Z", false),
        ("-004712-01-01T00:00:00Z", false),
        ("9999-12-30T22:00:00.999999999Z", false),
        ("-009999-01-03T00:00:00.999999999Z", true),
    ] {
        let given: Timestamp = text.parse().unwrap();
        let mut values = book(text, 1);
        values[4] = Value::Instant(given);
        match world.database.commit(insert(&world.name(text), values)).await {
            Err(CommitError::Refused(_)) if refusable => continue,
            done => done.unwrap(),
        }
        let row = world.read(text).await.unwrap();
        let Value::Instant(kept) = row.values[4] else { panic!("{:?}", row.values) };
        let lost = given.as_nanosecond() - kept.as_nanosecond();
        // To the millisecond below at least; or to the nearest microsecond, which may be above.
        assert!((-500..1_000_000).contains(&lost), "{given} was kept as {kept}");
    }
}

async fn keeps_a_text_with_a_null_character_whole_or_refuses_it(world: &World) {
    let values = book("before\0after", 1);
    match world.database.commit(insert(&world.name("null"), values.clone())).await {
        Ok(()) => assert_eq!(world.read("null").await.unwrap().values, values),
        Err(CommitError::Refused(reason)) => {
            assert!(reason.contains("U+0000"), "{reason}");
            assert_eq!(world.read("null").await, None);
        }
        Err(error) => panic!("{error:?}"),
    }
}

async fn finds_nothing_under_an_id_that_is_not_there(world: &World) {
    for name in ["nowhere", "", "\0", "%", "' or 1 = 1 --"] {
        assert_eq!(world.database.get(&BOOK, &super::id(name)).await.unwrap(), None, "{name}");
    }
}
