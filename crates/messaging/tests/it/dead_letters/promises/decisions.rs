//! Two people who decide at the same moment: one of them has changed nothing, and is told so.

use database::{CommitError, DatabaseRef};
use messaging::dead_letters::{self, Correction, Decided};

use super::{answered, is_done, is_refused, letters, messages::refused, ticking, waiting};

/// How many letters are decided about by two people each.
const LETTERS: usize = 10;
/// How often two people edit at the same moment until one is in the other's way.
const MEETINGS: u32 = 200;

pub(super) async fn a_letter_is_replayed_or_discarded_and_not_both(database: DatabaseRef) {
    let ids: Vec<String> = (0..LETTERS).map(|number| format!("m{number}")).collect();
    let messages: Vec<_> = ids.iter().map(|id| (&**id, "road")).collect();
    let mut replayed = Vec::new();
    for letter in refused(&database, "out", &messages, &ticking()).await {
        let (replay, discard) = tokio::join!(
            dead_letters::replay(&database, &letter.id, "ann"),
            dead_letters::discard(&database, &letter.id, "bob"),
        );
        let one_of_both = (is_done(&replay) && is_refused(&discard))
            || (is_done(&discard) && is_refused(&replay));
        assert!(one_of_both, "{replay:?} {discard:?}");
        if is_done(&replay) {
            replayed.push(letter.message);
        }
    }
    // A commit may be acknowledged before its messages can be read.
    let all = answered("the replayed messages", async || {
        Some(waiting(&database, "out").await).filter(|sent| sent.len() >= replayed.len())
    });
    assert_eq!(all.await, replayed);
    assert!(letters(&database).await.is_empty());
}

pub(super) async fn of_two_who_edit_at_once_one_is_told_of_the_conflict(database: DatabaseRef) {
    let letter = refused(&database, "out", &[("m", "road")], &ticking()).await.remove(0);
    let edit = async |text: &str, who: &str| {
        let correction = Correction { payload: Some(text.into()), key: None };
        dead_letters::correct(&database, &letter.id, correction, who).await
    };
    for meeting in 0..MEETINGS {
        let texts = [format!("ann {meeting}"), format!("bob {meeting}")];
        let (ann, bob) = tokio::join!(edit(&texts[0], "ann"), edit(&texts[1], "bob"));
        let kept = dead_letters::find(&database, &letter.id).await.unwrap().unwrap().payload;
        let kept = String::from_utf8(kept.unwrap()).unwrap();
        match (&ann, &bob) {
            // They missed one another.
            (Ok(Decided::Done), Ok(Decided::Done)) => assert!(texts.contains(&kept), "{kept}"),
            (Ok(Decided::Done), Err(CommitError::Conflict)) => return assert_eq!(kept, texts[0]),
            (Err(CommitError::Conflict), Ok(Decided::Done)) => return assert_eq!(kept, texts[1]),
            _ => panic!("{ann:?} {bob:?}"),
        }
    }
    panic!("two people have edited {MEETINGS} times at once, and neither was told of the other");
}
