//! Records that their group refuses.

use database::{DatabaseRef, Header};
use futures_util::future::join_all;
use messaging::{
    BROKER,
    dead_letters::{self, Correction, DeadLetter, Decided},
};

use super::{
    answered,
    group::{Group, bad, note},
    is_done, is_refused, letter, letters, waiting,
};
use crate::conformance::message;

/// How many people want the same at the same moment.
const PEOPLE: usize = 5;

pub(super) async fn all(open: &mut impl AsyncFnMut() -> DatabaseRef) {
    a_record_that_is_refused_is_kept_as_it_was(open().await).await;
    a_record_that_is_refused_again_and_again_is_kept_once(open().await).await;
    a_letter_is_replayed_once_though_many_ask_for_it_at_once(open().await).await;
    what_was_handled_in_the_meantime_is_not_handled_again_by_a_replay(open().await).await;
    what_fails_again_is_the_same_letter_with_one_attempt_more(open().await).await;
    a_corrected_letter_is_handled_as_it_is_then(open().await).await;
    a_key_that_is_no_text_survives_a_replay(open().await).await;
    a_discarded_letter_is_gone_and_nothing_is_handled(open().await).await;
}

async fn a_record_that_is_refused_is_kept_as_it_was(database: DatabaseRef) {
    let group = Group::start(database).await;
    let raw = Header { name: "raw".to_owned(), value: vec![0, 0xff] };
    let mut refused = bad("m", "k");
    refused.headers.push(raw);
    group.publish(&[message("notes", "first", None), refused.clone()]).await;
    let letter = letter(&group.database, "m", 1).await;
    let kept = (&*letter.channel, &*letter.topic, letter.place, &*letter.reason);
    assert_eq!(kept, ("replay:writers", "notes", Some((0, 1)), "not a note"));
    assert_eq!(letter.key.as_deref(), Some(&b"k"[..]));
    assert_eq!((letter.headers, letter.payload), (refused.headers, Some(b"bad".to_vec())));
    assert_eq!((letter.first, letter.created), (letter.last, refused.created));
    group.stop().await;
}

async fn a_record_that_is_refused_again_and_again_is_kept_once(database: DatabaseRef) {
    let group = Group::start(database).await;
    // Of one key one after the other, of different keys at the same moment.
    let refused = [bad("m", "k"), bad("m", "k"), bad("m", "l"), message("notes", "end", None)];
    group.publish(&refused).await;
    group.publish(&[bad("m", "k"), message("notes", "later", Some("k"))]).await;
    group.noted(2).await;
    let kept = letters(&group.database).await;
    let attempts: Vec<_> = kept.iter().map(|letter| (&*letter.message, letter.attempts)).collect();
    assert_eq!(attempts, [("m", 1)]);
    // A commit may be acknowledged before its messages can be read.
    let sent = answered("what goes with it", async || {
        Some(waiting(&group.database, BROKER).await).filter(|sent| !sent.is_empty())
    });
    assert_eq!(sent.await, ["m"], "what goes with it is sent once");
    group.stop().await;
}

async fn a_letter_is_replayed_once_though_many_ask_for_it_at_once(database: DatabaseRef) {
    let group = Group::start(database).await;
    let letter = group.refused("m").await;
    group.relent();
    let ask = || dead_letters::replay(&group.database, &letter.id, "ann");
    let outcomes = join_all((0..PEOPLE).map(|_| ask())).await;
    let done = outcomes.iter().filter(|outcome| is_done(outcome)).count();
    let refused = outcomes.iter().filter(|outcome| is_refused(outcome)).count();
    assert_eq!((done, refused), (1, PEOPLE - 1), "{outcomes:?}");
    group.noted(1).await;
    group.settled().await;
    assert_eq!(group.notes().await, [note("m", "bad")]);
    assert_eq!(group.replay(&letter).await, Decided::Gone);
    assert!(letters(&group.database).await.is_empty());
    group.stop().await;
}

async fn what_was_handled_in_the_meantime_is_not_handled_again_by_a_replay(database: DatabaseRef) {
    let group = Group::start(database).await;
    let (handled, other) = (group.refused("m").await, group.refused("other").await);
    group.relent();
    group.publish(&[bad("m", "k")]).await;
    group.noted(1).await;
    assert_eq!(group.replay(&handled).await, Decided::Done);
    // Of the same key: when this one is handled, the other is done with.
    assert_eq!(group.replay(&other).await, Decided::Done);
    group.noted(2).await;
    group.settled().await;
    assert_eq!(group.notes().await, [note("m", "bad"), note("other", "bad")]);
    assert!(letters(&group.database).await.is_empty());
    group.stop().await;
}

async fn what_fails_again_is_the_same_letter_with_one_attempt_more(database: DatabaseRef) {
    let group = Group::start(database).await;
    let first = group.refused("m").await;
    group.replay(&first).await;
    let second = letter(&group.database, "m", 2).await;
    assert!(second.last > first.last, "{} {}", second.last, first.last);
    assert_eq!(second, DeadLetter { attempts: 2, last: second.last, ..first });
    group.replay(&second).await;
    let third = letter(&group.database, "m", 3).await;
    assert_eq!(third.id, second.id);
    group.settled().await;
    group.stop().await;
}

async fn a_corrected_letter_is_handled_as_it_is_then(database: DatabaseRef) {
    let group = Group::start(database).await;
    let letter = group.refused("m").await;
    let (payload, key) = (Some(b"good".to_vec()), Some(b"other".to_vec()));
    let correction = Correction { payload: payload.clone(), key: key.clone() };
    let decided = dead_letters::correct(&group.database, &letter.id, correction, "ann").await;
    assert_eq!(decided.unwrap(), Decided::Done);
    let corrected = dead_letters::find(&group.database, &letter.id).await.unwrap().unwrap();
    assert_eq!(corrected, DeadLetter { payload, key, ..letter });
    group.replay(&corrected).await;
    group.noted(1).await;
    group.settled().await;
    assert_eq!(group.notes().await, [note("m", "good")]);
    assert!(letters(&group.database).await.is_empty());
    group.stop().await;
}

async fn a_key_that_is_no_text_survives_a_replay(database: DatabaseRef) {
    let group = Group::start(database).await;
    let first = group.refused("m").await;
    // The broker's messages have keys of text; a record from elsewhere may have any.
    let correction = Correction { payload: None, key: Some(vec![0xff, 0]) };
    dead_letters::correct(&group.database, &first.id, correction, "ann").await.unwrap();
    group.replay(&first).await;
    let again = letter(&group.database, "m", 2).await;
    assert_eq!((again.key, again.place), (Some(vec![0xff, 0]), first.place));
    group.stop().await;
}

async fn a_discarded_letter_is_gone_and_nothing_is_handled(database: DatabaseRef) {
    let group = Group::start(database).await;
    let letter = group.refused("m").await;
    let discard = async || dead_letters::discard(&group.database, &letter.id, "ann").await.unwrap();
    assert_eq!(discard().await, Decided::Done);
    assert_eq!(discard().await, Decided::Gone);
    assert_eq!(group.replay(&letter).await, Decided::Gone);
    assert!(letters(&group.database).await.is_empty());
    assert!(waiting(&group.database, "replay:writers").await.is_empty());
    assert!(group.notes().await.is_empty());
    group.stop().await;
}
