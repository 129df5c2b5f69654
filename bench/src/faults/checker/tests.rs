//! Made-up histories, right and wrong in one thing each.

use std::time::Duration;

use super::*;
use crate::faults::{
    found::{Document, Received, Row},
    history::{self, Change, Outcome},
};

const EVERYONE: &str = "everyone@example.com";

/// Three replacements of store 1, one after the other, the second without an answer; and one of store 2 that was refused.
fn told() -> History {
    let change = |store, number, kind, begin: u64, outcome| Change {
        store,
        kind,
        name: history::name(7, store, number),
        status: "OPEN",
        begin: Duration::from_millis(begin),
        end: Duration::from_millis(begin + 10),
        outcome,
    };
    History {
        changes: vec![
            change(1, 0, Kind::Create, 0, Outcome::Acknowledged),
            change(2, 0, Kind::Create, 0, Outcome::Acknowledged),
            change(1, 1, Kind::Replace, 20, Outcome::Acknowledged),
            change(1, 2, Kind::Replace, 40, Outcome::Unknown),
            change(1, 3, Kind::Replace, 60, Outcome::Acknowledged),
            change(2, 1, Kind::Replace, 60, Outcome::Refused),
            change(2, 2, Kind::Patch, 80, Outcome::Acknowledged),
        ],
        announced: vec![Kind::Replace],
        recipients: vec![EVERYONE.into()],
    }
}

fn row(id: i64, store: usize, number: usize) -> Row {
    let name = history::name(7, store, number);
    Row { id, name, status: "OPEN".into(), at: format!("2026-01-01T00:00:{id:02}Z") }
}

fn mail(store: usize, number: usize) -> Received {
    let name = history::name(7, store, number);
    let message_id = format!("<{name}>");
    Received { name, status: "OPEN".into(), recipient: EVERYONE.into(), message_id }
}

fn document(store: usize, named: usize, moved: usize) -> Document {
    let name = |number| history::name(7, store, number);
    Document { name: name(named), status: "OPEN".into(), address: history::address(&name(moved)) }
}

/// What there has to be.
fn kept() -> Found {
    Found {
        rows: vec![row(1, 1, 1), row(2, 1, 3)],
        mails: vec![mail(1, 1), mail(1, 3)],
        stores: vec![document(1, 3, 3), document(2, 2, 0)],
        waiting: Some([("broker".to_owned(), 0), ("mail".to_owned(), 0)].into()),
        dead_letters: Some(0),
    }
}

fn check_found(change: impl FnOnce(&mut History, &mut Found), expected: &[Promise]) {
    let (mut told, mut found) = (told(), kept());
    change(&mut told, &mut found);
    let violations = check(&told, &found);
    let promises: Vec<Promise> = violations.iter().map(|violation| violation.promise).collect();
    assert_eq!(promises, expected, "{violations:#?}");
}

#[test]
fn a_kept_promise_is_no_violation() {
    check_found(|_, _| {}, &[]);
}

#[test]
fn what_had_no_answer_may_have_been_done_once() {
    check_found(
        |_, found| {
            found.rows.insert(1, row(9, 1, 2));
            found.mails.insert(1, mail(1, 2));
        },
        &[],
    );
    check_found(
        |_, found| {
            // As late as this: the process was paused in the middle of it.
            found.rows.push(row(9, 1, 2));
            found.mails.push(mail(1, 2));
            found.stores[0] = document(1, 2, 2);
        },
        &[],
    );
    check_found(
        |_, found| {
            found.rows.extend([row(8, 1, 2), row(9, 1, 2)]);
            found.mails.push(mail(1, 2));
        },
        &[Promise::RowOnce],
    );
}

#[test]
fn a_lost_row_is_found() {
    check_found(
        |_, found| {
            found.rows.remove(0);
            found.mails.remove(0);
        },
        &[Promise::RowKept],
    );
}

#[test]
fn a_doubled_row_is_found() {
    check_found(|_, found| found.rows.push(row(3, 1, 3)), &[Promise::RowOnce]);
}

#[test]
fn a_row_that_nobody_wanted_is_found() {
    for (store, number) in [(2, 1), (2, 2), (1, 4), (5, 1)] {
        check_found(
            |_, found| {
                found.rows.push(row(3, store, number));
                found.mails.push(mail(store, number));
            },
            &[Promise::RowWanted],
        );
    }
    check_found(
        |_, found| found.rows[0].status = "CLOSED".into(),
        &[Promise::RowKept, Promise::RowWanted, Promise::MailKept, Promise::MailWanted],
    );
}

#[test]
fn a_lost_mail_is_found_for_each_recipient() {
    check_found(|_, found| _ = found.mails.pop(), &[Promise::MailKept]);
    check_found(
        |told, _| told.recipients.push("nobody@example.com".into()),
        &[Promise::MailKept, Promise::MailKept],
    );
}

#[test]
fn a_mail_without_a_row_is_found() {
    check_found(|_, found| found.mails.push(mail(1, 2)), &[Promise::MailWanted]);
}

#[test]
fn copies_of_a_mail_have_one_id() {
    check_found(|_, found| found.mails.push(mail(1, 3)), &[]);
    check_found(
        |_, found| {
            let message_id = "<another>".into();
            found.mails.push(Received { message_id, ..mail(1, 3) });
        },
        &[Promise::OneMessageId],
    );
}

#[test]
fn the_wrong_order_is_found() {
    check_found(|_, found| found.rows.swap(0, 1), &[Promise::RowOrder]);
    check_found(|_, found| found.mails.swap(0, 1), &[Promise::MailOrder]);
    // A later copy of the first mail does not matter.
    check_found(|_, found| found.mails.push(mail(1, 1)), &[]);
}

#[test]
fn changes_at_the_same_time_have_no_order() {
    let together = |told: &mut History| told.changes[4].begin = Duration::from_millis(25);
    check_found(
        |told, found| {
            together(told);
            found.rows.swap(0, 1);
            found.mails.swap(0, 1);
            found.stores[0] = document(1, 1, 1);
        },
        &[],
    );
}

#[test]
fn what_is_left_over_is_found() {
    let wait = |channel: &'static str, count| {
        move |_: &mut History, found: &mut Found| {
            found.waiting.get_or_insert_default().insert(channel.into(), count);
        }
    };
    check_found(wait("broker", 1), &[Promise::NothingLeft]);
    check_found(wait("mail", 2), &[Promise::NothingLeft]);
    check_found(|_, found| found.dead_letters = Some(1), &[Promise::DeadLetters]);
    // A program that does not tell cannot be judged by it.
    check_found(
        |_, found| {
            found.waiting = None;
            found.dead_letters = None;
        },
        &[],
    );
}

#[test]
fn only_poison_is_a_dead_letter() {
    let poison = |outcome, kept: u64| {
        move |told: &mut History, found: &mut Found| {
            let change = Change { kind: Kind::Poison, outcome, ..told.changes[0].clone() };
            told.changes.push(Change { name: "poison-1".into(), store: 99, ..change });
            found.dead_letters = Some(kept);
        }
    };
    check_found(poison(Outcome::Acknowledged, 1), &[]);
    check_found(poison(Outcome::Acknowledged, 0), &[Promise::DeadLetters]);
    check_found(poison(Outcome::Acknowledged, 2), &[Promise::DeadLetters]);
    check_found(poison(Outcome::Unknown, 0), &[]);
    check_found(poison(Outcome::Unknown, 1), &[]);
    check_found(poison(Outcome::Refused, 1), &[Promise::DeadLetters]);
}

#[test]
fn a_mail_that_is_refused_for_good_is_a_dead_letter_and_no_loss() {
    let refuse = |kept: u64| {
        move |told: &mut History, found: &mut Found| {
            let name = history::refused_name(7, 1, 3);
            told.changes[4].name.clone_from(&name);
            found.rows[1].name.clone_from(&name);
            found.mails.pop();
            let address = history::address(&name);
            found.stores[0] = Document { name, status: "OPEN".into(), address };
            found.dead_letters = Some(kept);
        }
    };
    check_found(refuse(1), &[]);
    check_found(refuse(0), &[Promise::DeadLetters]);
}

#[test]
fn a_wrong_last_state_is_found() {
    check_found(|_, found| found.stores[0] = document(1, 1, 3), &[Promise::LastState]);
    check_found(|_, found| found.stores[0] = document(1, 3, 1), &[Promise::LastState]);
    check_found(|_, found| found.stores[0].status = "CLOSED".into(), &[Promise::LastState]);
    check_found(|_, found| _ = found.stores.pop(), &[Promise::LastState]);
    check_found(|_, found| found.stores.push(document(2, 2, 0)), &[Promise::LastState]);
    check_found(|_, found| found.stores.push(document(3, 0, 0)), &[Promise::LastState]);
}

/// Removes store 2 at the end, which is announced.
fn removed(outcome: Outcome) -> impl Fn(&mut History, &mut Found) {
    move |told, found| {
        let begin = Duration::from_millis(200);
        let last = Change { kind: Kind::Delete, begin, outcome, ..told.changes[6].clone() };
        told.changes.push(Change { name: String::new(), end: begin * 2, ..last });
        told.announced.push(Kind::Delete);
        found.stores.pop();
    }
}

#[test]
fn a_removed_store_is_gone_and_announced_once() {
    let row = || Row { status: "DELETED".into(), ..row(3, 2, 2) };
    let announce = |found: &mut Found| {
        found.rows.push(row());
        found.mails.push(Received { status: "DELETED".into(), ..mail(2, 2) });
    };
    let check_removed = |outcome, change: &dyn Fn(&mut Found), expected: &[Promise]| {
        check_found(
            |told, found| {
                removed(outcome)(told, found);
                announce(found);
                change(found);
            },
            expected,
        );
    };
    check_removed(Outcome::Acknowledged, &|_| {}, &[]);
    check_removed(Outcome::Unknown, &|_| {}, &[]);
    check_removed(Outcome::Acknowledged, &|found| found.rows.push(row()), &[Promise::RowOnce]);
    check_removed(
        Outcome::Acknowledged,
        &|found| found.stores.push(document(2, 2, 0)),
        &[Promise::LastState],
    );
    check_found(removed(Outcome::Acknowledged), &[Promise::RowKept]);
    check_found(removed(Outcome::Unknown), &[]);
}
