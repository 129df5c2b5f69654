//! Instances and events as they are shown.

use ::pages::{Time, brief};
use discovery::{Instance, Status};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::history::{Event, Kind};

/// A state at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) text: String,
    /// A class of the style sheet.
    pub(super) tone: &'static str,
}

/// An instance in a table.
pub(super) struct Line {
    pub(super) app: String,
    pub(super) id: String,
    pub(super) href: String,
    pub(super) status: Badge,
    pub(super) is_overridden: bool,
    pub(super) address: String,
    pub(super) version: String,
    pub(super) profile: String,
}

/// An event in a table.
pub(super) struct Past {
    pub(super) at: Time,
    pub(super) what: &'static str,
    pub(super) app: String,
    pub(super) id: String,
    pub(super) status: Badge,
    pub(super) address: String,
    pub(super) by: String,
}

impl Badge {
    pub(super) fn of(status: Status) -> Self {
        Badge { text: status.name().to_owned(), tone: tone(status.name()) }
    }

    pub(super) fn named(status: &str) -> Self {
        Badge { text: brief(status), tone: tone(status) }
    }
}

fn tone(status: &str) -> &'static str {
    match status {
        "UP" => "tone-0",
        "DOWN" => "tone-1",
        "OUT_OF_SERVICE" => "tone-2",
        "STARTING" => "tone-3",
        _ => "",
    }
}

impl Line {
    pub(super) fn of(instance: &Instance) -> Self {
        let told = |name: &str| instance.metadata.get(name).map(|value| brief(&text(value)));
        Line {
            app: brief(&instance.app),
            id: brief(instance.id()),
            href: format!("/instance{}", query(&instance.app, instance.id())),
            status: Badge::of(instance.status),
            is_overridden: instance.overridden_status != Status::Unknown,
            address: brief(&address(instance)),
            version: told("version").unwrap_or_default(),
            profile: told("profile").unwrap_or_default(),
        }
    }
}

impl Past {
    pub(super) fn of(event: &Event) -> Self {
        let what = match event.kind {
            Kind::Registered => "registered",
            Kind::Status => "changed its status",
            Kind::Overridden => "status set by an operator",
            Kind::OverrideRemoved => "operator's status removed",
            Kind::Metadata => "changed its metadata",
            Kind::Cancelled => "left",
            Kind::Evicted => "was silent for too long",
            Kind::Replicated => "told by another registry",
            Kind::Configuration => "new configuration",
        };
        Past {
            at: Time::of(event.at),
            what,
            app: brief(&event.app),
            id: brief(&event.id),
            status: Badge::of(event.status),
            address: brief(&event.address),
            by: brief(&event.by),
        }
    }
}

/// Names an instance in a page's address.
pub(super) fn query(app: &str, id: &str) -> String {
    format!("?app={}&id={}", encoded(app), encoded(id))
}

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(super) fn address(instance: &Instance) -> String {
    let host = &instance.host_name;
    match instance.authority() {
        Some(authority) => authority,
        None if instance.secure_port.enabled => format!("{host}:{}", instance.secure_port.number),
        None => host.clone(),
    }
}

/// The plain text of a value.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
