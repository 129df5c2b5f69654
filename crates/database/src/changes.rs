//! A write is a value: everything that one step changes, made true at once or not at all.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Id, Table, Value};

/// All that one step wants changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Rows to write, in order.
    pub writes: Vec<Write>,
    /// Messages to put into the outbox, in order.
    pub outgoing: Vec<Message>,
    /// The messages that this step handled: `consumer` and message id. Makes a second time of any of them
    /// `AlreadyHandled`.
    pub handled: Vec<(String, String)>,
}

/// A change to one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Adds a row. A row with this id is a `Conflict`.
    Insert {
        /// Where.
        table: Table,
        /// The new row's id.
        id: Id,
        /// One value per column.
        values: Vec<Value>,
    },
    /// Replaces a row that is in this version. Any other version, or none, is a `Conflict`.
    Replace {
        /// Where.
        table: Table,
        /// The row.
        id: Id,
        /// The version that the new values were made from.
        version: i64,
        /// One value per column.
        values: Vec<Value>,
    },
    /// Replaces a row in whatever version it is: the last writer wins. No row is a `Conflict`.
    Overwrite {
        /// Where.
        table: Table,
        /// The row.
        id: Id,
        /// One value per column.
        values: Vec<Value>,
    },
    /// Removes a row. Without a version, whatever it is in, and nothing happens when it is not there; with one, any
    /// other version, or no row, is a `Conflict`.
    Delete {
        /// Where.
        table: Table,
        /// The row.
        id: Id,
        /// The version that the caller has seen.
        version: Option<i64>,
    },
}

/// A message in the outbox: what is to be sent, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Identifies the message for ever; a second delivery carries the same id.
    pub id: String,
    /// Which relay delivers it; a channel without a relay waits for a person.
    pub channel: String,
    /// The destination's name, for example a topic.
    pub topic: String,
    /// Messages with the same key stay in order.
    pub key: Option<String>,
    /// Headers in order.
    pub headers: Vec<Header>,
    /// The content.
    pub payload: Vec<u8>,
    /// When the step happened that sends it.
    pub created: Timestamp,
}

/// A header of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A row is not in the version that the change was made from.
    #[error("the row was changed by somebody else")]
    Conflict,
    /// The inbox has one of the messages: its changes were made before.
    #[error("the message was handled before")]
    AlreadyHandled,
    /// The database can never take these values, for the reason given: a text is too long, a required value is missing.
    /// To try again is of no use; the reason may be shown to the caller.
    #[error("the database does not take the values: {0}")]
    Refused(String),
    /// The database did not do it; it may later.
    #[error("the database is unavailable: {0:#}")]
    Unavailable(anyhow::Error),
}

impl Changes {
    /// Nothing yet.
    pub fn new() -> Self {
        Changes::default()
    }

    /// Adds a change to a row.
    pub fn write(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    /// Adds a message to the outbox.
    pub fn send(mut self, message: Message) -> Self {
        self.outgoing.push(message);
        self
    }

    /// Adds messages to the outbox.
    pub fn send_all(mut self, messages: impl IntoIterator<Item = Message>) -> Self {
        self.outgoing.extend(messages);
        self
    }

    /// Marks a message as handled by a consumer.
    pub fn handled(mut self, consumer: &str, message: &str) -> Self {
        self.handled.push((consumer.to_owned(), message.to_owned()));
        self
    }

    /// Adds all of another step's changes behind these, so that both are made together or not at all.
    pub fn and(mut self, other: Changes) -> Self {
        self.writes.extend(other.writes);
        self.outgoing.extend(other.outgoing);
        self.handled.extend(other.handled);
        self
    }
}
