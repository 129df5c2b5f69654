//! What there is at the end of a run.

use std::collections::BTreeMap;

/// A row that says that something was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) status: String,
    /// When it was made. Several instances give numbers from blocks of their own, so that numbers alone tell no order.
    pub(crate) at: String,
}

/// A mail that the mail server had as a whole, whether or not it could say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) recipient: String,
    pub(crate) message_id: String,
}

/// A store as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) address: String,
}

/// How many messages wait in the outboxes, by channel.
pub(crate) type Waiting = BTreeMap<String, u64>;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// In the order in which they were made.
    pub(crate) rows: Vec<Row>,
    /// In the order in which they came.
    pub(crate) mails: Vec<Received>,
    pub(crate) stores: Vec<Document>,
    /// Nothing when the program does not tell.
    pub(crate) waiting: Option<Waiting>,
    /// How many messages wait for a person; nothing when the program does not tell.
    pub(crate) dead_letters: Option<u64>,
}

impl Found {
    /// Puts the rows into the order in which they were made.
    pub(crate) fn sort_rows(&mut self) {
        self.rows.sort_by(|one, other| (&one.at, one.id).cmp(&(&other.at, other.id)));
    }
}
