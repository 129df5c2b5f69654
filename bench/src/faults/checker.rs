//! Compares what the callers were told with what there is, and says in words where the promise was broken.

mod mails;
mod order;
mod rows;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::faults::{
    found::Found,
    history::{History, Kind, Outcome, is_refused},
};

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promise {
    /// Exactly one row for each announcement that was acknowledged.
    RowKept,
    /// Never two rows for one announcement.
    RowOnce,
    /// No row for what was refused, never announced or never sent.
    RowWanted,
    /// At least one mail for each row and recipient.
    MailKept,
    /// No mail without a row.
    MailWanted,
    /// All copies of a mail have one `Message-ID`.
    OneMessageId,
    /// Rows of a store in the order of its changes.
    RowOrder,
    /// Mails of a store in the order of its changes, the first copy of each.
    MailOrder,
    /// Nothing waits for ever.
    NothingLeft,
    /// What can never be processed is kept, and nothing else is.
    DeadLetters,
    /// A store is as the last change has left it.
    LastState,
    /// The program ends only when told to, and then in good order.
    Running,
}

/// How a promise was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) promise: Promise,
    pub(crate) text: String,
}

/// Everything that is not as promised.
pub(crate) fn check(history: &History, found: &Found) -> Vec<Violation> {
    let mut violations = rows::check(history, found);
    violations.extend(mails::check(history, found));
    violations.extend(order::check(history, found));
    violations.extend(state::check(history, found));
    violations.extend(left_over(history, found));
    violations
}

/// Whether everything that was acknowledged has arrived, so that waiting longer is of no use.
pub(crate) fn is_complete(history: &History, found: &Found) -> bool {
    let mut violations = rows::check(history, found);
    violations.extend(mails::check(history, found));
    violations.extend(left_over(history, found));
    let missing = [Promise::RowKept, Promise::MailKept, Promise::NothingLeft, Promise::DeadLetters];
    !violations.iter().any(|violation| missing.contains(&violation.promise))
}

fn left_over(history: &History, found: &Found) -> Vec<Violation> {
    let waiting = found.waiting.iter().flatten().filter(|(_, count)| **count > 0);
    let mut violations: Vec<Violation> = waiting
        .map(|(channel, count)| {
            Promise::NothingLeft.broken(format!("{count} messages still wait in channel {channel}"))
        })
        .collect();
    let (least, most) = dead_letters(history, found);
    if let Some(kept) = found.dead_letters
        && !(least..=most).contains(&kept)
    {
        let text = format!("{kept} messages wait for a person, not {least} to {most}");
        violations.push(Promise::DeadLetters.broken(text));
    }
    violations
}

/// How many dead letters there have to be, and how many there may be.
fn dead_letters(history: &History, found: &Found) -> (u64, u64) {
    let poison = |outcome: Outcome| {
        let poison = history.changes.iter().filter(|change| change.kind == Kind::Poison);
        poison.filter(|change| change.outcome == outcome).count()
    };
    let refused = found.rows.iter().filter(|row| is_refused(&row.name)).count();
    let least = poison(Outcome::Acknowledged) + refused * history.recipients.len();
    (least as u64, (least + poison(Outcome::Unknown)) as u64)
}

impl Promise {
    pub(crate) fn broken(self, text: impl Into<String>) -> Violation {
        Violation { promise: self, text: text.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.promise, self.text)
    }
}
