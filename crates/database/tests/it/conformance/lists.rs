//! Lists: order, pages, totals; numbers of sequences.

use database::{
    Changes,
    Direction::{self, Ascending, Descending},
    Id, Page, Sort, Value, Write,
};

use super::{PARCEL, READER, World};

pub(super) async fn all(world: &World) {
    lists_in_the_order_asked_for(world).await;
    lists_in_the_order_of_insertion(world).await;
    orders_every_kind_with_nothing_first(world).await;
    never_gives_a_number_twice(world).await;
}

fn sort(column: Option<usize>, direction: Direction) -> Sort {
    Sort { column, direction }
}

async fn lists_in_the_order_asked_for(world: &World) {
    world.clear(&READER).await;
    let before = world.database.list(&READER, &Page::first(10)).await.unwrap();
    assert_eq!((before.rows.len(), before.total), (0, 0));
    for (number, name) in [(3, "b"), (1, "a"), (2, "b")] {
        let write =
            Write::Insert { table: READER, id: Id::Integer(number), values: vec![name.into()] };
        world.database.commit(Changes::new().write(write)).await.unwrap();
    }
    let by_name = vec![sort(Some(0), Descending), sort(None, Ascending)];
    for (sort, offset, limit, expected) in [
        (by_name.clone(), 0, 10, vec![2, 3, 1]),
        (by_name.clone(), 1, 1, vec![3]),
        (by_name, 0, 0, vec![]),
        (vec![sort(None, Descending)], 0, 10, vec![3, 2, 1]),
        (vec![sort(None, Ascending)], 2, 10, vec![3]),
        (vec![sort(None, Ascending)], 5, 10, vec![]),
        (vec![sort(None, Ascending)], u64::MAX, u32::MAX, vec![]),
    ] {
        let page = Page { offset, limit, sort, filter: Vec::new() };
        let listing = world.database.list(&READER, &page).await.unwrap();
        let ids: Vec<Id> = listing.rows.into_iter().map(|row| row.id).collect();
        assert_eq!(ids, expected.into_iter().map(Id::Integer).collect::<Vec<_>>(), "{page:?}");
        assert_eq!(listing.total, 3);
    }
}

async fn lists_in_the_order_of_insertion(world: &World) {
    world.clear(&READER).await;
    for number in 1..=20 {
        let name = if number % 2 == 0 { "even" } else { "odd" };
        let write =
            Write::Insert { table: READER, id: Id::Integer(number), values: vec![name.into()] };
        world.database.commit(Changes::new().write(write)).await.unwrap();
    }
    let all: Vec<i64> = (1..=20).collect();
    let by_name = [(2..=20).step_by(2), (1..=19).step_by(2)].into_iter().flatten().collect();
    for (sort, expected) in [(vec![], all), (vec![sort(Some(0), Ascending)], by_name)] {
        let mut read = Vec::new();
        for offset in (0..25).step_by(3) {
            let page = Page { offset, limit: 3, sort: sort.clone(), filter: Vec::new() };
            read.extend(world.database.list(&READER, &page).await.unwrap().rows);
        }
        let ids: Vec<Id> = read.into_iter().map(|row| row.id).collect();
        assert_eq!(ids, expected.into_iter().map(Id::Integer).collect::<Vec<_>>());
    }
}

async fn orders_every_kind_with_nothing_first(world: &World) {
    let instant = |text: &str| Value::Instant(text.parse().unwrap());
    let ordered = [
        vec![Value::Null; 5],
        vec![
            "".into(),
            Value::Integer(i64::MIN),
            Value::Real(-1.5),
            Value::Boolean(false),
            instant("-000044-03-15T12:00:00Z"),
        ],
        vec![
            "Z".into(),
            Value::Integer(-1),
            Value::Real(0.0),
            Value::Boolean(false),
            instant("-000044-03-16T12:00:00Z"),
        ],
        vec![
            "a".into(),
            Value::Integer(9),
            Value::Real(0.5),
            Value::Boolean(true),
            instant("-000043-01-01T12:00:00Z"),
        ],
        vec![
            "ab".into(),
            Value::Integer(10),
            Value::Real(9.0),
            Value::Boolean(true),
            instant("1969-12-31T23:59:59.999Z"),
        ],
        vec![
            "ä".into(),
            Value::Integer(i64::MAX),
            Value::Real(10.0),
            Value::Boolean(true),
            instant("1970-01-01T00:00:00.5Z"),
        ],
    ];
    world.clear(&PARCEL).await;
    for (id, values) in (1..).zip(&ordered) {
        let insert = Write::Insert { table: PARCEL, id: Id::Integer(id), values: values.clone() };
        world.database.commit(Changes::new().write(insert)).await.unwrap();
    }
    for column in 0..PARCEL.columns.len() {
        for direction in [Ascending, Descending] {
            let order = vec![sort(Some(column), direction), sort(None, direction)];
            let page = Page { sort: order, ..Page::first(10) };
            let listing = world.database.list(&PARCEL, &page).await.unwrap();
            let mut rows: Vec<_> = listing.rows.into_iter().map(|row| row.values).collect();
            if direction == Descending {
                rows.reverse();
            }
            assert_eq!(rows, ordered, "column {column}, {direction:?}");
        }
    }
}

async fn never_gives_a_number_twice(world: &World) {
    let blocks = world.name("numbers");
    assert_eq!(world.database.reserve(&blocks, 1001, 50).await.unwrap(), 1001);
    assert_eq!(world.database.reserve(&blocks, 1001, 50).await.unwrap(), 1051);
    let single = world.name("others");
    assert_eq!(world.database.reserve(&single, 1, 1).await.unwrap(), 1);
    assert_eq!(world.database.reserve(&single, 1, 1).await.unwrap(), 2);
}
