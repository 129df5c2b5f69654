//! What a caller has changed, and the decision whom to tell of it.

use std::sync::Arc;

use anyhow::Context;
use database::Message;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// A change that a caller has made to an entity.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<T> {
    /// A new one, as it is now.
    Created(T),
    /// Replaced as a whole; as it is now.
    Updated(T),
    /// Changed in some of its fields; as it is now.
    Patched(T),
    /// Removed; as it was.
    Deleted(T),
}

/// When a change happens, and the id for the message that tells of it: given to decisions, which have no clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The id for a message.
    pub id: String,
    /// The time.
    pub at: Timestamp,
    /// The trace that it belongs to (W3C Trace Context).
    pub traceparent: String,
}

/// A decision: which messages a change sends. They are committed together with it.
pub type Announce = Arc<dyn Fn(Moment, Change<Json>) -> anyhow::Result<Vec<Message>> + Send + Sync>;

/// The decision to tell nobody.
pub fn announce_nothing() -> Announce {
    Arc::new(|_, _| Ok(Vec::new()))
}

/// Turns a decision over a typed entity into one over any; this is the door between description and types.
pub fn typed<T: DeserializeOwned>(
    announce: impl Fn(Moment, Change<T>) -> anyhow::Result<Vec<Message>> + Send + Sync + 'static,
) -> Announce {
    Arc::new(move |moment, change| {
        let read = |json| serde_json::from_value(json).context("read an entity into its type");
        let change = match change {
            Change::Created(json) => Change::Created(read(json)?),
            Change::Updated(json) => Change::Updated(read(json)?),
            Change::Patched(json) => Change::Patched(read(json)?),
            Change::Deleted(json) => Change::Deleted(read(json)?),
        };
        announce(moment, change)
    })
}
