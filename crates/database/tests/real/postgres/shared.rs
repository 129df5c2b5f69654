//! Two programs, and a Java service, use one database at the same time.

use std::{collections::BTreeSet, time::Duration};

use database::{Changes, CommitError, Database, Write};
use futures_util::future::join_all;

use super::{ids, with_database};
use crate::conformance::{BOOK, book, id, insert, message};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_share_rows_and_what_was_handled() {
    with_database("", async |place| {
        let (first, second) = tokio::join!(place.connect(), place.connect());
        first.commit(insert("both", book("first", 0))).await.unwrap();
        for round in 1..=10 {
            let row = second.get(&BOOK, &id("both")).await.unwrap().unwrap();
            let commits = (0..10).map(|caller| {
                let (table, version) = (BOOK, row.version);
                let values = book(&format!("{round} {caller}"), round);
                let changes = Changes::new()
                    .write(Write::Replace { table, id: id("both"), version, values })
                    .send(message(&format!("{round} {caller}"), "both", "k"));
                [&first, &second][caller % 2].commit(changes)
            });
            let outcomes = join_all(commits).await;
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
            let handled = || Changes::new().handled("group", &round.to_string());
            let outcomes = tokio::join!(first.commit(handled()), second.commit(handled()));
            let refused = [outcomes.0, outcomes.1].into_iter().filter_map(Result::err);
            let refused: Vec<_> = refused.collect();
            assert!(matches!(refused[..], [CommitError::AlreadyHandled]), "{refused:?}");
        }
        assert_eq!(ids(&first, "both").await.len(), 10);
        assert_eq!(ids(&first, "both").await, ids(&second, "both").await);
    })
    .await;
}

/// What Hibernate's pooled optimizer makes of a sequence: blocks that end with the sequence's value.
#[tokio::test]
async fn takes_numbers_by_the_rule_of_the_java_service() {
    with_database("", async |place| {
        place.run("create sequence sequence_generator start with 1050 increment by 50").await;
        let database = place.connect().await;
        let mut given = BTreeSet::new();
        for round in 0..20 {
            let first = match round % 3 {
                0 => {
                    let next = "select nextval('sequence_generator')::text";
                    place.text(next).await.unwrap().parse::<i64>().unwrap() - 49
                }
                _ => database.reserve("sequence_generator", 1001, 50).await.unwrap(),
            };
            assert!((first..first + 50).all(|number| given.insert(number)), "{first}");
        }
        assert_eq!((given.first(), given.last()), (Some(&1001), Some(&2000)));
    })
    .await;
}

#[tokio::test]
async fn makes_a_sequence_that_the_java_service_can_use() {
    with_database("", async |place| {
        let database = place.connect().await;
        let reserved = join_all((0..9).map(|_| database.reserve("numbers", 1001, 50))).await;
        let reserved: BTreeSet<i64> = reserved.into_iter().map(Result::unwrap).collect();
        assert_eq!(reserved, (0..9).map(|block| 1001 + block * 50).collect());
        assert_eq!(
            place
                .text("select concat_ws(' ', seqstart, seqincrement, seqmin, seqcache, seqcycle) from pg_sequence where seqrelid = 'numbers'::regclass")
                .await
                .unwrap(),
            "1050 50 1 1 f"
        );
        place.run("create sequence single").await;
        let refused = database.reserve("single", 1001, 50).await.unwrap_err();
        assert!(format!("{refused:#}").contains("steps of 1"), "{refused:#}");
    })
    .await;
}

#[tokio::test]
async fn sees_that_the_java_service_has_changed_a_row() {
    with_database("", async |place| {
        let database = place.connect().await;
        database.commit(insert("seen", book("first", 1))).await.unwrap();
        let seen = database.get(&BOOK, &id("seen")).await.unwrap().unwrap();
        place.run("update book set title = 'by another' where id = 'seen'").await;
        let replace = |version| {
            let values = book("ours", 1);
            Changes::new().write(Write::Replace { table: BOOK, id: id("seen"), version, values })
        };
        let done = database.commit(replace(seen.version)).await;
        assert!(matches!(done, Err(CommitError::Conflict)), "{done:?}");
        let now = database.get(&BOOK, &id("seen")).await.unwrap().unwrap();
        assert_eq!(now.values[0], "by another".into());
        // A vacuum changes nothing that counts.
        place.run("vacuum (freeze, analyze) book").await;
        assert_eq!(database.get(&BOOK, &id("seen")).await.unwrap().unwrap(), now);
        database.commit(replace(now.version)).await.unwrap();
    })
    .await;
}

/// The commit that takes the smaller position is the later one to be visible.
#[tokio::test]
async fn waits_for_a_message_that_is_before_one_it_could_read() {
    with_database("", async |place| {
        let (first, second) = tokio::join!(place.connect(), place.connect());
        place
            .run(
                "create function dawdle() returns trigger language plpgsql as $$ begin
                     if new.id = 'slow' then perform pg_sleep(1); end if; return null;
                 end $$;
                 create constraint trigger dawdle after insert on outbox deferrable initially deferred
                     for each row execute function dawdle()",
            )
            .await;
        let slow = async {
            first.commit(Changes::new().send(message("slow", "c", "k"))).await.unwrap();
        };
        let fast = async {
            crate::until("the slow commit has its position", async || {
                place.text("select last_value::text from outbox_position_seq where is_called").await
                    == Some("1".to_owned())
            })
            .await;
            second.commit(Changes::new().send(message("fast", "c", "other"))).await.unwrap();
            let mut added = second.added("c");
            added.mark_unchanged();
            assert_eq!(ids(&second, "c").await, [""; 0], "the fast one would hide the slow one");
            // A reader that found nothing is woken, although nobody here commits any more.
            tokio::time::timeout(Duration::from_secs(5), added.changed()).await.unwrap().unwrap();
        };
        tokio::join!(slow, fast);
        assert_eq!(ids(&second, "c").await, ["slow", "fast"]);
    })
    .await;
}

/// Nobody who dies in the middle keeps the others waiting for ever.
#[tokio::test]
async fn goes_past_the_position_of_a_commit_that_never_came() {
    with_database("", async |place| {
        let database = place.connect().await;
        database.commit(Changes::new().send(message("a", "c", "k"))).await.unwrap();
        let refused = insert("x", book("x\0", 1)).send(message("never", "c", "k"));
        assert!(database.commit(refused).await.is_err());
        let twice = insert("y", book("y", 1)).send(message("never", "c", "k"));
        let other = database.commit(twice.clone()).await;
        other.unwrap();
        assert!(database.commit(twice).await.is_err());
        database.commit(Changes::new().send(message("b", "c", "k"))).await.unwrap();
        assert_eq!(ids(&database, "c").await, ["a", "never", "b"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_again_when_two_commits_stand_in_each_others_way() {
    with_database("", async |place| {
        let patience = format!("alter database {} set deadlock_timeout = '20ms'", place.name);
        place.run(&patience).await;
        let database = place.connect().await;
        for name in ["left", "right"] {
            database.commit(insert(name, book(name, 0))).await.unwrap();
        }
        let overwrite = |name, number| Write::Overwrite {
            table: BOOK,
            id: id(name),
            values: book("changed", number),
        };
        let commits = (0..40).map(|number| {
            let order = if number % 2 == 0 { ["left", "right"] } else { ["right", "left"] };
            let changes =
                order.into_iter().fold(Changes::new(), |c, name| c.write(overwrite(name, number)));
            database.commit(changes)
        });
        let outcomes = join_all(commits).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    })
    .await;
}
