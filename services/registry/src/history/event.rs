//! What happened to an instance or to the configuration.

use discovery::Status;
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
    Configuration,
}

impl Kind {
    const ALL: [Kind; 8] = [
        Kind::Registered,
        Kind::Status,
        Kind::Overridden,
        Kind::OverrideRemoved,
        Kind::Metadata,
        Kind::Cancelled,
        Kind::Evicted,
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
