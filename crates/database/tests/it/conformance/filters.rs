//! Which rows meet a condition, on every kind of column and on the id.

use database::{
    Changes, Condition, Direction, Id, Page, Sort, Table,
    Test::{self, *},
    Value, Write,
};

use super::{BOOK, PARCEL, World, book};

const ID: Option<usize> = None;
const LABEL: Option<usize> = Some(0);
const WEIGHT: Option<usize> = Some(1);
const PRICE: Option<usize> = Some(2);
const FRAGILE: Option<usize> = Some(3);
const SENT: Option<usize> = Some(4);

pub(super) async fn all(world: &World) {
    world.clear(&PARCEL).await;
    for (id, values) in (1..).zip(parcels()) {
        let insert = Write::Insert { table: PARCEL, id: Id::Integer(id), values };
        world.database.commit(Changes::new().write(insert)).await.unwrap();
    }
    looks_for_texts_by_their_bytes(world).await;
    looks_into_texts_in_upper_and_lower_case(world).await;
    takes_no_character_of_a_text_for_a_pattern(world).await;
    looks_for_numbers(world).await;
    looks_for_truth(world).await;
    looks_for_instants(world).await;
    looks_for_ids(world).await;
    looks_for_textual_ids(world).await;
    nothing_meets_no_condition(world).await;
    a_value_of_another_kind_is_unlike_every_value(world).await;
    every_condition_has_to_be_met(world).await;
    sorts_pages_and_counts_what_meets_the_filter(world).await;
}

fn parcels() -> [Vec<Value>; 6] {
    let instant = |text: &str| Value::Instant(text.parse().unwrap());
    [
        vec![
            "Übergröße".into(),
            Value::Integer(10),
            Value::Real(1.5),
            Value::Boolean(true),
            instant("2020-01-01T00:00:00Z"),
        ],
        vec![
            "100% wool_\\.*[x]'\"".into(),
            Value::Integer(20),
            Value::Real(2.5),
            Value::Boolean(false),
            instant("2020-01-01T00:00:00.5Z"),
        ],
        vec![
            "darÜBER".into(),
            Value::Integer(-5),
            Value::Real(-1.0),
            Value::Boolean(true),
            instant("1969-12-31T23:59:59.999Z"),
        ],
        vec![Value::Null; 5],
        vec![
            "ZEBRA жук".into(),
            Value::Integer(i64::MAX),
            Value::Real(1e300),
            Value::Boolean(false),
            instant("9999-12-30T22:00:00Z"),
        ],
        vec![
            "".into(),
            Value::Integer(0),
            Value::Real(0.0),
            Value::Boolean(false),
            instant("-000044-03-15T12:00:00Z"),
        ],
    ]
}

async fn ids(world: &World, table: &Table, page: &Page) -> (Vec<i64>, u64) {
    let listing = world.database.list(table, page).await.unwrap();
    let number = |id| match id {
        Id::Integer(number) => number,
        Id::Text(_) => panic!("{id:?}"),
    };
    (listing.rows.into_iter().map(|row| number(row.id)).collect(), listing.total)
}

async fn check(world: &World, column: Option<usize>, test: Test, expected: &[i64]) {
    let filter = vec![Condition { column, test }];
    let found = ids(world, &PARCEL, &Page { filter: filter.clone(), ..Page::first(10) }).await;
    assert_eq!(found, (expected.to_vec(), expected.len() as u64), "{filter:?}");
}

async fn looks_for_texts_by_their_bytes(world: &World) {
    let text = |text: &str| Value::Text(text.to_owned());
    for (test, expected) in [
        (OneOf(vec![text("darÜBER")]), vec![3]),
        (OneOf(vec![text("darüber")]), vec![]),
        (OneOf(vec![text(""), text("100% wool_\\.*[x]'\""), text("x")]), vec![2, 6]),
        (OneOf(vec![text("100%")]), vec![]),
        (OneOf(vec![]), vec![]),
        (NoneOf(vec![text("darÜBER"), text("")]), vec![1, 2, 5]),
        (NoneOf(vec![]), vec![1, 2, 3, 5, 6]),
        (Less(text("ZEBRA жук")), vec![2, 6]),
        (AtMost(text("ZEBRA жук")), vec![2, 5, 6]),
        (Greater(text("ZEBRA жук")), vec![1, 3]),
        (AtLeast(text("ZEBRA жук")), vec![1, 3, 5]),
        (Less(text("a")), vec![2, 5, 6]),
        (Greater(text("")), vec![1, 2, 3, 5]),
        (IsSet(true), vec![1, 2, 3, 5, 6]),
        (IsSet(false), vec![4]),
        // A backend that cannot keep U+0000 can still be asked for it.
        (OneOf(vec![text("\0"), text("darÜBER")]), vec![3]),
        (NoneOf(vec![text("\0")]), vec![1, 2, 3, 5, 6]),
        (Less(text("darÜBER\0")), vec![2, 3, 5, 6]),
        (AtLeast(text("darÜBER\0")), vec![1]),
        (Contains("\0".to_owned()), vec![]),
        (Lacks("\0".to_owned()), vec![1, 2, 3, 5, 6]),
    ] {
        check(world, LABEL, test, &expected).await;
    }
}

async fn looks_into_texts_in_upper_and_lower_case(world: &World) {
    for (part, expected) in [
        ("über", vec![1, 3]),
        ("ÜBER", vec![1, 3]),
        ("ÜbEr", vec![1, 3]),
        ("uber", vec![]),
        ("GRÖSSE", vec![]),
        ("GRÖß", vec![1]),
        ("zebra", vec![5]),
        ("ЖУК", vec![5]),
        ("WOOL", vec![2]),
        ("", vec![1, 2, 3, 5, 6]),
    ] {
        check(world, LABEL, Contains(part.to_owned()), &expected).await;
        let others: Vec<i64> =
            [1, 2, 3, 5, 6].into_iter().filter(|id| !expected.contains(id)).collect();
        check(world, LABEL, Lacks(part.to_owned()), &others).await;
    }
}

async fn takes_no_character_of_a_text_for_a_pattern(world: &World) {
    for part in ["%", "_", "\\", ".", "*", "[x]", "'", "\"", "_\\.*[x]'\"", "0% w"] {
        check(world, LABEL, Contains(part.to_owned()), &[2]).await;
        check(world, LABEL, Lacks(part.to_owned()), &[1, 3, 5, 6]).await;
    }
    for part in ["w%l", "w__l", "1.0", "wo*", "[wx]", "(", "^1", "]$", "?", "\\E", "$1", "{0}"] {
        check(world, LABEL, Contains(part.to_owned()), &[]).await;
    }
}

async fn looks_for_numbers(world: &World) {
    let whole = Value::Integer;
    for (test, expected) in [
        (OneOf(vec![whole(10), whole(i64::MAX), whole(7)]), vec![1, 5]),
        (NoneOf(vec![whole(10), whole(0)]), vec![2, 3, 5]),
        (Less(whole(10)), vec![3, 6]),
        (AtMost(whole(10)), vec![1, 3, 6]),
        (Greater(whole(10)), vec![2, 5]),
        (AtLeast(whole(10)), vec![1, 2, 5]),
        (Greater(whole(i64::MAX - 1)), vec![5]),
        (Less(whole(i64::MIN)), vec![]),
        (IsSet(true), vec![1, 2, 3, 5, 6]),
        (IsSet(false), vec![4]),
    ] {
        check(world, WEIGHT, test, &expected).await;
    }
    let real = Value::Real;
    for (test, expected) in [
        (OneOf(vec![real(1.5), real(-0.0)]), vec![1, 6]),
        (NoneOf(vec![real(1.5)]), vec![2, 3, 5, 6]),
        (Less(real(1.5)), vec![3, 6]),
        (AtMost(real(1.5)), vec![1, 3, 6]),
        (Greater(real(1.5)), vec![2, 5]),
        (AtLeast(real(2.4999999999999996)), vec![2, 5]),
        (IsSet(true), vec![1, 2, 3, 5, 6]),
        (IsSet(false), vec![4]),
    ] {
        check(world, PRICE, test, &expected).await;
    }
}

async fn looks_for_truth(world: &World) {
    let (yes, no) = (Value::Boolean(true), Value::Boolean(false));
    for (test, expected) in [
        (OneOf(vec![yes.clone()]), vec![1, 3]),
        (OneOf(vec![no.clone()]), vec![2, 5, 6]),
        (OneOf(vec![no.clone(), yes.clone()]), vec![1, 2, 3, 5, 6]),
        (NoneOf(vec![yes.clone()]), vec![2, 5, 6]),
        (Less(yes.clone()), vec![2, 5, 6]),
        (AtMost(yes), vec![1, 2, 3, 5, 6]),
        (Greater(no.clone()), vec![1, 3]),
        (AtLeast(no), vec![1, 2, 3, 5, 6]),
        (IsSet(true), vec![1, 2, 3, 5, 6]),
        (IsSet(false), vec![4]),
    ] {
        check(world, FRAGILE, test, &expected).await;
    }
}

async fn looks_for_instants(world: &World) {
    let instant = |text: &str| Value::Instant(text.parse().unwrap());
    let newyear = || instant("2020-01-01T00:00:00Z");
    for (test, expected) in [
        (OneOf(vec![newyear(), instant("-000044-03-15T12:00:00Z")]), vec![1, 6]),
        (NoneOf(vec![newyear()]), vec![2, 3, 5, 6]),
        (Less(newyear()), vec![3, 6]),
        (AtMost(newyear()), vec![1, 3, 6]),
        (Greater(newyear()), vec![2, 5]),
        (AtLeast(newyear()), vec![1, 2, 5]),
        (Less(instant("-000043-01-01T00:00:00Z")), vec![6]),
        (Greater(instant("-000045-12-31T00:00:00Z")), vec![1, 2, 3, 5, 6]),
        (Less(instant("-000044-03-15T11:59:59Z")), vec![]),
        (Greater(instant("-000044-03-15T11:59:59Z")), vec![1, 2, 3, 5, 6]),
        // The smallest and the greatest that there are.
        (Less(Value::Instant(jiff::Timestamp::MIN)), vec![]),
        (Greater(Value::Instant(jiff::Timestamp::MIN)), vec![1, 2, 3, 5, 6]),
        (AtMost(Value::Instant(jiff::Timestamp::MAX)), vec![1, 2, 3, 5, 6]),
        (IsSet(true), vec![1, 2, 3, 5, 6]),
        (IsSet(false), vec![4]),
    ] {
        check(world, SENT, test, &expected).await;
    }
}

async fn looks_for_ids(world: &World) {
    let whole = Value::Integer;
    for (test, expected) in [
        (OneOf(vec![whole(6), whole(1), whole(7)]), vec![1, 6]),
        (NoneOf(vec![whole(1), whole(4)]), vec![2, 3, 5, 6]),
        (Less(whole(3)), vec![1, 2]),
        (AtMost(whole(3)), vec![1, 2, 3]),
        (Greater(whole(3)), vec![4, 5, 6]),
        (AtLeast(whole(3)), vec![3, 4, 5, 6]),
        (IsSet(true), vec![1, 2, 3, 4, 5, 6]),
        (IsSet(false), vec![]),
    ] {
        check(world, ID, test, &expected).await;
    }
}

async fn looks_for_textual_ids(world: &World) {
    // One looks like an object id of MongoDB, which is another kind of value there.
    let ids = [format!("5f5e1000{:016x}", world.run), world.name("id/Ä"), world.name("id/b")];
    for id in &ids {
        let insert = Write::Insert { table: BOOK, id: super::id(id), values: book("ids", 1) };
        world.database.commit(Changes::new().write(insert)).await.unwrap();
    }
    let text = |text: &str| Value::Text(text.to_owned());
    let mine = Condition { column: ID, test: OneOf(ids.iter().map(|id| text(id)).collect()) };
    for (test, expected) in [
        (OneOf(vec![text(&ids[0]), text("nowhere")]), vec![0]),
        (NoneOf(vec![text(&ids[0])]), vec![1, 2]),
        (IsSet(true), vec![0, 1, 2]),
        (IsSet(false), vec![]),
    ] {
        let condition = Condition { column: ID, test };
        let filter = vec![mine.clone(), condition];
        let sort = vec![Sort { column: ID, direction: Direction::Ascending }];
        let page = Page { filter: filter.clone(), sort, ..Page::first(10) };
        let listing = world.database.list(&BOOK, &page).await.unwrap();
        let mut found: Vec<String> =
            listing.rows.into_iter().map(|row| row.id.to_string()).collect();
        found.sort();
        let mut expected: Vec<String> =
            expected.into_iter().map(|at: usize| ids[at].clone()).collect();
        expected.sort();
        assert_eq!(found, expected, "{filter:?}");
    }
}

async fn nothing_meets_no_condition(world: &World) {
    for column in [LABEL, WEIGHT, PRICE, FRAGILE, SENT] {
        for test in [OneOf(vec![Value::Null]), Less(Value::Null), AtLeast(Value::Null)] {
            check(world, column, test, &[]).await;
        }
        check(world, column, NoneOf(vec![Value::Null]), &[1, 2, 3, 5, 6]).await;
    }
}

async fn a_value_of_another_kind_is_unlike_every_value(world: &World) {
    for (column, other) in [
        (LABEL, Value::Integer(10)),
        (WEIGHT, Value::Text("10".to_owned())),
        (PRICE, Value::Text("1.5".to_owned())),
        (FRAGILE, Value::Integer(1)),
        (SENT, Value::Text("2020-01-01T00:00:00Z".to_owned())),
    ] {
        check(world, column, OneOf(vec![other.clone()]), &[]).await;
        check(world, column, NoneOf(vec![other.clone()]), &[1, 2, 3, 5, 6]).await;
        check(world, column, Less(other.clone()), &[]).await;
        check(world, column, AtLeast(other), &[]).await;
    }
    for column in [ID, WEIGHT, PRICE, FRAGILE, SENT] {
        check(world, column, Contains("1".to_owned()), &[]).await;
        check(world, column, Lacks("1".to_owned()), &[]).await;
    }
}

async fn every_condition_has_to_be_met(world: &World) {
    let condition = |column, test| Condition { column, test };
    let heavy = || condition(WEIGHT, AtLeast(Value::Integer(0)));
    let sturdy = || condition(FRAGILE, OneOf(vec![Value::Boolean(false)]));
    for (filter, expected) in [
        (vec![], vec![1, 2, 3, 4, 5, 6]),
        (vec![heavy(), sturdy()], vec![2, 5, 6]),
        (vec![heavy(), sturdy(), condition(LABEL, Contains("o".to_owned()))], vec![2]),
        (vec![condition(LABEL, Lacks("b".to_owned())), heavy()], vec![2, 6]),
        (
            vec![
                condition(LABEL, Contains("über".to_owned())),
                condition(LABEL, Lacks("dar".to_owned())),
            ],
            vec![1],
        ),
        (
            vec![
                condition(WEIGHT, Greater(Value::Integer(0))),
                condition(WEIGHT, Less(Value::Integer(20))),
            ],
            vec![1],
        ),
        (vec![heavy(), condition(SENT, IsSet(false))], vec![]),
    ] {
        let page = Page { filter, ..Page::first(10) };
        let total = expected.len() as u64;
        assert_eq!(ids(world, &PARCEL, &page).await, (expected, total), "{page:?}");
    }
}

async fn sorts_pages_and_counts_what_meets_the_filter(world: &World) {
    for test in [IsSet(true), Contains(String::new())] {
        for (offset, limit, expected) in [
            (0, 2, vec![5, 2]),
            (2, 2, vec![1, 6]),
            (4, 2, vec![3]),
            (6, 2, vec![]),
            (1, 0, vec![]),
        ] {
            let page = Page {
                offset,
                limit,
                sort: vec![Sort { column: WEIGHT, direction: Direction::Descending }],
                filter: vec![Condition { column: LABEL, test: test.clone() }],
            };
            assert_eq!(ids(world, &PARCEL, &page).await, (expected, 5), "{page:?}");
        }
    }
}
