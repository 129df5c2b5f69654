//! What happens in the registry, told to whoever keeps its history.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::instance::Status;

/// Something that happened to an instance. Signs of life that change nothing are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: Kind,
    /// The service, in upper case.
    pub app: String,
    /// The instance.
    pub id: String,
    /// The status that counts since then; for one that is gone, its last.
    pub status: Status,
    /// `host:port`; empty when the instance has no open port for HTTP.
    pub address: String,
    /// Who did it.
    pub by: Author,
}

/// What can happen to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It registered, for the first time or again.
    Registered,
    /// Its status changed by a registration or a sign of life.
    StatusChanged,
    /// An operator put a status in place of its own.
    StatusOverridden,
    /// An operator took that away.
    OverrideRemoved,
    /// Its metadata changed.
    MetadataChanged,
    /// It, or an operator, took it out.
    Cancelled,
    /// It was silent for longer than its lease.
    Evicted,
    /// Another registry passed its registration on.
    Replicated,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// Whoever asked.
    Origin(Origin),
    /// An operator of this name, in the process of the registry.
    Operator(String),
}

impl From<Origin> for Author {
    fn from(origin: Origin) -> Self {
        Author::Origin(origin)
    }
}

/// Who asks for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client, at this address as far as it is known.
    Client(Option<IpAddr>),
    /// Another registry.
    Peer,
    /// The registry itself.
    Registry,
}
