//! Many callers at once.

use std::{collections::BTreeSet, time::Duration};

use database::{Changes, CommitError, Write};
use futures_util::future::join_all;

use super::{BOOK, World, book, insert, message};

pub(super) async fn all(world: &World) {
    takes_commits_of_many_callers_at_once(world).await;
    lets_one_of_many_replace_a_version(world).await;
    lets_one_of_many_insert_a_row(world).await;
    lets_one_of_many_handle_a_message(world).await;
    gives_every_caller_numbers_of_its_own(world).await;
    skips_no_message_while_others_commit(world).await;
}

async fn takes_commits_of_many_callers_at_once(world: &World) {
    let channel = world.name("many");
    let commits = (0..200).map(|number| {
        let name = world.name(&format!("many {number}"));
        let sent = message(&number.to_string(), &channel, "k");
        let own = insert(&name, book("many", number)).send(sent.clone());
        let again = insert(&name, book("again", number)).send(sent);
        async move { (world.database.commit(own).await, world.database.commit(again).await) }
    });
    for (own, again) in join_all(commits).await {
        own.unwrap();
        assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
    }
    for number in 0..200 {
        let row = world.read(&format!("many {number}")).await.unwrap();
        assert_eq!(row.values, book("many", number), "another's conflict undoes nothing");
    }
    assert_eq!(world.unsent(&channel).await.len(), 200);
}

/// Tells how many of the outcomes are successes, and that all others are of this kind.
fn successes(outcomes: &[Result<(), CommitError>], others: fn(&CommitError) -> bool) -> usize {
    let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(failed.iter().all(|error| others(error)), "{failed:?}");
    outcomes.len() - failed.len()
}

async fn lets_one_of_many_replace_a_version(world: &World) {
    let mut row = world.insert("wanted", book("first", 0)).await;
    for round in 1..=3 {
        let version = row.version;
        let commits = (0..20).map(|caller| {
            let values = book(&format!("of {caller}"), round);
            let replace = Write::Replace { table: BOOK, id: world.id("wanted"), version, values };
            world.database.commit(Changes::new().write(replace))
        });
        let outcomes = join_all(commits).await;
        let won = successes(&outcomes, |error| matches!(error, CommitError::Conflict));
        assert_eq!(won, 1, "round {round}");
        let winner = outcomes.iter().position(Result::is_ok).unwrap();
        row = world.read("wanted").await.unwrap();
        assert_eq!(row.values, book(&format!("of {winner}"), round));
    }
}

async fn lets_one_of_many_insert_a_row(world: &World) {
    let name = world.name("only");
    let commits = (0..20).map(|caller| world.database.commit(insert(&name, book("only", caller))));
    let outcomes = join_all(commits).await;
    assert_eq!(successes(&outcomes, |error| matches!(error, CommitError::Conflict)), 1);
}

async fn lets_one_of_many_handle_a_message(world: &World) {
    let (group, channel) = (world.name("crowd"), world.name("crowd"));
    let commits = (0..20).map(|caller| {
        let changes = insert(&world.name(&format!("crowd {caller}")), book("crowd", caller))
            .send(message(&caller.to_string(), &channel, "k"))
            .handled(&group, "m1");
        world.database.commit(changes)
    });
    let outcomes = join_all(commits).await;
    assert_eq!(successes(&outcomes, |error| matches!(error, CommitError::AlreadyHandled)), 1);
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    for caller in 0..20 {
        let row = world.read(&format!("crowd {caller}")).await;
        assert_eq!(row.is_some(), caller == winner, "{caller}");
    }
    let told = world.unsent(&channel).await;
    assert_eq!(
        told.iter().map(|(_, sent)| sent.id.clone()).collect::<Vec<_>>(),
        [winner.to_string()]
    );
}

async fn gives_every_caller_numbers_of_its_own(world: &World) {
    let sequence = world.name("crowd");
    let reserved = join_all((0..20).map(|_| world.database.reserve(&sequence, 1001, 50))).await;
    let firsts: BTreeSet<i64> = reserved.into_iter().map(Result::unwrap).collect();
    assert_eq!(firsts.len(), 20);
    let apart = firsts.iter().zip(firsts.iter().skip(1)).all(|(left, right)| right - left >= 50);
    assert!(apart && firsts.first() == Some(&1001), "{firsts:?}");
}

/// A relay remembers where it was: what is committed later must come after that, or at least be seen by who goes on.
async fn skips_no_message_while_others_commit(world: &World) {
    let channel = &world.name("stream");
    let writers = join_all((0..10).map(|writer| async move {
        for number in 0..20 {
            let id = format!("{writer} {number}");
            let changes = insert(&world.name(&id), book("stream", number));
            let sent = message(&id, channel, &writer.to_string());
            world.database.commit(changes.send(sent)).await.unwrap();
        }
    }));
    let reader = async {
        let (mut seen, mut after) = (Vec::new(), 0);
        while seen.len() < 200 {
            let more = world.database.unsent(channel, after, 7).await.unwrap();
            after = more.last().map_or(after, |(position, _)| *position);
            seen.extend(more.into_iter().map(|(_, sent)| (sent.key.unwrap(), sent.id)));
            tokio::task::yield_now().await;
        }
        seen
    };
    let patience = Duration::from_secs(60);
    let (_, seen) = tokio::join!(writers, tokio::time::timeout(patience, reader));
    let seen = seen.unwrap();
    for writer in 0..10 {
        let key = writer.to_string();
        let of_writer: Vec<_> =
            seen.iter().filter(|(of, _)| *of == key).map(|(_, id)| id).collect();
        let expected: Vec<_> = (0..20).map(|number| format!("{writer} {number}")).collect();
        assert_eq!(of_writer, expected.iter().collect::<Vec<_>>());
    }
}
