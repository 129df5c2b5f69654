//! What happened to an instance or to the configuration.

use discovery::{
    Status,
    server::{self, Author, Origin},
};
use jiff::Timestamp;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// When.
    pub(crate) at: Timestamp,
    /// What.
    pub(crate) kind: Kind,
    /// The application's name; the configuration's name for a new version of it.
    pub(crate) app: String,
    /// The instance's id; the version for a new version of the configuration.
    pub(crate) id: String,
    /// The status that counts afterwards.
    pub(crate) status: Status,
    /// `host:port`, as the instance registered it.
    pub(crate) address: String,
    /// Who did it: the instance, an operator, another registry, this one.
    pub(crate) by: String,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Registered,
    Status,
    Overridden,
    OverrideRemoved,
    Metadata,
    Cancelled,
    Evicted,
    Replicated,
    Configuration,
}

impl From<server::Event> for Event {
    fn from(told: server::Event) -> Self {
        let kind = match told.kind {
            server::Kind::Registered => Kind::Registered,
            server::Kind::StatusChanged => Kind::Status,
            server::Kind::StatusOverridden => Kind::Overridden,
            server::Kind::OverrideRemoved => Kind::OverrideRemoved,
            server::Kind::MetadataChanged => Kind::Metadata,
            server::Kind::Cancelled => Kind::Cancelled,
            server::Kind::Evicted => Kind::Evicted,
            server::Kind::Replicated => Kind::Replicated,
        };
        let by = match told.by {
            Author::Operator(name) => name,
            Author::Origin(Origin::Client(Some(address))) => address.to_string(),
            Author::Origin(Origin::Client(None)) => String::new(),
            Author::Origin(Origin::Peer) => "another registry".to_owned(),
            Author::Origin(Origin::Registry) => "the registry".to_owned(),
        };
        let server::Event { at, app, id, status, address, .. } = told;
        Event { at, kind, app, id, status, address, by }
    }
}

impl Kind {
    const ALL: [Kind; 9] = [
        Kind::Registered,
        Kind::Status,
        Kind::Overridden,
        Kind::OverrideRemoved,
        Kind::Metadata,
        Kind::Cancelled,
        Kind::Evicted,
        Kind::Replicated,
        Kind::Configuration,
    ];

    /// The name under which it is kept and told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Registered => "registered",
            Kind::Status => "status",
            Kind::Overridden => "overridden",
            Kind::OverrideRemoved => "override-removed",
            Kind::Metadata => "metadata",
            Kind::Cancelled => "cancelled",
            Kind::Evicted => "evicted",
            Kind::Replicated => "replicated",
            Kind::Configuration => "configuration",
        }
    }

    pub(super) fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether the instance is registered afterwards.
    pub(super) fn leaves_it_there(self) -> bool {
        !matches!(self, Kind::Cancelled | Kind::Evicted | Kind::Configuration)
    }
}
