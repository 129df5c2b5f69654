//! Tables as others have made them: what they take, what they hold, what is missing of them.

use std::borrow::Cow;

use database::{
    ChangeLog, Changes, Column, CommitError, Condition, ConnectError, Database, Id, IdKind, Kind,
    Page, Table, Test, Value, Write,
};

use super::with_database;
use crate::conformance::book;

fn column(name: &'static str, kind: Kind) -> Column {
    Column { name: Cow::Borrowed(name), kind, required: false }
}

/// A table whose columns are of narrower types than ours.
fn order() -> Table {
    Table {
        name: Cow::Borrowed("order"),
        id: IdKind::Sequence,
        key: Cow::Borrowed("id"),
        class: None,
        columns: vec![
            column("name", Kind::Text),
            column("count", Kind::Integer),
            column("amount", Kind::Real),
            column("time", Kind::Instant),
        ]
        .into(),
    }
}

const ORDER: &str = "create table \"order\" (
    id integer primary key,
    name varchar(10) not null,
    count smallint check (count < 1000),
    amount numeric(10, 2),
    time timestamp without time zone
)";

fn values(name: &str, count: i64, amount: f64) -> Vec<Value> {
    let time = Value::Instant("2026-11-24T01:46:51.391455999Z".parse().unwrap());
    vec![name.into(), Value::Integer(count), Value::Real(amount), time]
}

fn insert(id: i64, values: Vec<Value>) -> Changes {
    Changes::new().write(Write::Insert { table: order(), id: Id::Integer(id), values })
}

#[tokio::test]
async fn refuses_what_a_column_can_never_take_with_the_reason() {
    with_database("", async |place| {
        place.run(ORDER).await;
        let database = place.open(&[order()], &ChangeLog::default()).await.unwrap();
        database.commit(insert(1, values("kept", 1, 1.5))).await.unwrap();
        let unnamed = [vec![Value::Null], values("", 1, 1.0)[1..].to_vec()].concat();
        let ancient = jiff::Timestamp::MIN;
        let before = [values("x", 1, 1.0)[..3].to_vec(), vec![Value::Instant(ancient)]].concat();
        for (name, values, reason) in [
            ("long", values("12345678901", 1, 1.0), "character varying(10)"),
            ("missing", unnamed, "\"name\""),
            ("null character", values("a\0b", 1, 1.0), "U+0000"),
            ("checked", values("x", 1000, 1.0), "check constraint"),
            ("narrow", values("x", 40_000, 1.0), "smallint"),
            ("amount", values("x", 1, 1e20), "numeric field overflow"),
            ("before all time", before, "timestamp"),
            ("few values", values("x", 1, 1.0)[..2].to_vec(), "4 values"),
            ("other kind", [values("x", 1, 1.0)[1..].to_vec(), vec![Value::Null]].concat(), "name"),
        ] {
            let replace =
                Write::Overwrite { table: order(), id: Id::Integer(1), values: values.clone() };
            for changes in [insert(2, values), Changes::new().write(replace)] {
                match database.commit(changes.handled("group", name)).await {
                    Err(CommitError::Refused(found)) => {
                        assert!(found.contains(reason), "{name}: {found}");
                    }
                    done => panic!("{name}: {done:?}"),
                }
            }
            // Nothing of it was done, so that a consumer can note it as rejected.
            database.commit(Changes::new().handled("group", name)).await.unwrap();
        }
        let rows = database.list(&order(), &Page::first(10)).await.unwrap().rows;
        assert_eq!(rows.len(), 1);
        let kept = Value::Instant("2026-11-24T01:46:51.391456Z".parse().unwrap());
        let expected = [values("kept", 1, 1.5)[..3].to_vec(), vec![kept]].concat();
        assert_eq!(rows[0].values, expected);
    })
    .await;
}

#[tokio::test]
async fn reads_past_what_it_could_not_have_written() {
    with_database("", async |place| {
        place.run(ORDER).await;
        place
            .run(
                "alter table \"order\" alter column name type char(12);
                 insert into \"order\" values
                     (1, 'for ever', 1, 1, 'infinity'), (2, 'always', 2, 2, '-infinity'),
                     (3, 'far', 3, 'NaN', '200000-01-01'), (4, 'ancient', 4, 4, '4713-01-01 BC'),
                     (5, 'usual', 5, 5, '2026-11-24 01:46:51.391455')",
            )
            .await;
        let database = place.open(&[order()], &ChangeLog::default()).await.unwrap();
        let listing = database.list(&order(), &Page::first(10)).await.unwrap();
        let times: Vec<_> = listing.rows.iter().map(|row| row.values[3].clone()).collect();
        let instant = |text: &str| Value::Instant(text.parse().unwrap());
        assert_eq!(
            times,
            [
                Value::Instant(jiff::Timestamp::MAX),
                Value::Instant(jiff::Timestamp::MIN),
                Value::Instant(jiff::Timestamp::MAX),
                instant("-004712-01-01T00:00:00Z"),
                instant("2026-11-24T01:46:51.391455Z"),
            ]
        );
        let names: Vec<_> = listing.rows.iter().map(|row| row.values[0].clone()).collect();
        assert_eq!(names, ["for ever", "always", "far", "ancient", "usual"].map(Value::from));
        for (column, test, expected) in [
            (0, Test::OneOf(vec!["usual".into()]), 1),
            (0, Test::Contains("US".to_owned()), 1),
            (1, Test::OneOf(vec![Value::Integer(5), Value::Integer(70_000)]), 1),
            (2, Test::AtLeast(Value::Real(4.0)), 3),
            (3, Test::OneOf(vec![instant("2026-11-24T01:46:51.391455Z")]), 1),
            (3, Test::Less(instant("2026-11-24T01:46:51.391455Z")), 2),
        ] {
            let filter = vec![Condition { column: Some(column), test }];
            let page = Page { filter: filter.clone(), ..Page::first(10) };
            let total = database.list(&order(), &page).await.unwrap().total;
            assert_eq!(total, expected, "{filter:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn reads_instants_with_a_time_zone_too() {
    with_database("", async |place| {
        place.run(ORDER).await;
        place.run("alter table \"order\" alter column time type timestamptz").await;
        // Whatever zone the database prefers.
        place.run(&format!("alter database {} set timezone = 'Asia/Kolkata'", place.name)).await;
        let database = place.open(&[order()], &ChangeLog::default()).await.unwrap();
        database.commit(insert(1, values("x", 1, 1.0))).await.unwrap();
        let row = database.get(&order(), &Id::Integer(1)).await.unwrap().unwrap();
        let time = Value::Instant("2026-11-24T01:46:51.391456Z".parse().unwrap());
        assert_eq!(row.values[3], time);
        let kept = place.text("select (time at time zone 'UTC')::text from \"order\"").await;
        assert_eq!(kept.as_deref(), Some("2026-11-24 01:46:51.391456"));
    })
    .await;
}

#[tokio::test]
async fn adds_a_column_to_its_own_table_and_to_no_other() {
    with_database("", async |place| {
        let narrow = Table { columns: order().columns[..1].to_vec().into(), ..order() };
        drop(place.open(&[narrow], &ChangeLog::default()).await.unwrap());
        let database = place.open(&[order()], &ChangeLog::default()).await.unwrap();
        database.commit(insert(1, values("x", 1, 1.0))).await.unwrap();
        place.run("drop table \"order\"; create table \"order\" (id integer primary key)").await;
        let refused = place.open(&[order()], &ChangeLog::default()).await.err().unwrap();
        assert!(matches!(refused, ConnectError::Permanent(_)), "{refused:?}");
        assert!(refused.to_string().contains("no column name"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn leaves_another_programs_outbox_alone() {
    with_database("", async |place| {
        place.run("create table outbox (id integer)").await;
        let refused = place.open(&[], &ChangeLog::default()).await.err().unwrap();
        assert!(matches!(refused, ConnectError::Permanent(_)), "{refused:?}");
        assert!(refused.to_string().contains("currentSchema"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn a_row_may_have_an_id_and_nothing_else() {
    with_database("", async |place| {
        let bare = Table { columns: Vec::new().into(), ..order() };
        let database =
            place.open(std::slice::from_ref(&bare), &ChangeLog::default()).await.unwrap();
        let (table, id) = (bare.clone(), Id::Integer(1));
        let insert = Write::Insert { table, id: id.clone(), values: Vec::new() };
        database.commit(Changes::new().write(insert)).await.unwrap();
        let version = database.get(&bare, &id).await.unwrap().unwrap().version;
        let replace =
            Write::Replace { table: bare.clone(), id: id.clone(), version, values: Vec::new() };
        database.commit(Changes::new().write(replace.clone())).await.unwrap();
        let again = database.commit(Changes::new().write(replace)).await;
        assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
        assert_eq!(database.list(&bare, &Page::first(10)).await.unwrap().total, 1);
    })
    .await;
}

#[tokio::test]
async fn an_id_that_an_index_cannot_hold_is_refused() {
    with_database("", async |place| {
        let database = place.connect().await;
        // Not compressible, or it would fit.
        let id: String = (0..40_000_u32)
            .map(|at| char::from_u32(0x4e00 + at.wrapping_mul(2_654_435_761) % 20_000).unwrap())
            .collect();
        let done = database.commit(crate::conformance::insert(&id, book("x", 1))).await;
        assert!(matches!(done, Err(CommitError::Refused(_))), "{done:?}");
    })
    .await;
}
