//! An instance of a service as Eureka has it: the members, their order and their types.
//!
//! They are those of the Java codec: some numbers are written as text, and what has no value is left out. The XML is made
//! from the JSON (`xml`), so that this description serves both.

mod forms;
mod lenient;
pub(crate) mod xml;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use forms::{Form, text_without};

/// What an instance says of itself, or what an operator has put in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Takes requests.
    #[default]
    Up,
    /// Takes none, because it is broken.
    Down,
    /// Takes none yet.
    Starting,
    /// Takes none, because somebody wants it so.
    OutOfService,
    /// Anything else; as an override: none.
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Reads a status that the protocol names.
    pub(crate) fn named(text: &str) -> Option<Self> {
        match text {
            "UP" => Some(Status::Up),
            "DOWN" => Some(Status::Down),
            "STARTING" => Some(Status::Starting),
            "OUT_OF_SERVICE" => Some(Status::OutOfService),
            "UNKNOWN" => Some(Status::Unknown),
            _ => None,
        }
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Status::Up => "UP",
            Status::Down => "DOWN",
            Status::Starting => "STARTING",
            Status::OutOfService => "OUT_OF_SERVICE",
            Status::Unknown => "UNKNOWN",
        }
    }
}

/// One running copy of a service. Members that are not known here are kept and given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Tells the copies of a service apart.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "String::is_empty")]
    pub instance_id: String,
    /// The host that callers use.
    #[serde(default, deserialize_with = "lenient::text")]
    pub host_name: String,
    /// The service's name; upper case in the registry.
    pub app: String,
    /// The numeric address.
    #[serde(default, deserialize_with = "lenient::text")]
    pub ip_addr: String,
    /// The status that counts.
    #[serde(default)]
    pub status: Status,
    /// The status that an operator has set; [`Status::Unknown`] for none.
    #[serde(default = "Instance::no_override")]
    pub overridden_status: Status,
    /// The port for plain HTTP.
    #[serde(default = "Port::plain")]
    pub port: Port,
    /// The port for HTTPS.
    #[serde(default = "Port::secure")]
    pub secure_port: Port,
    /// A number that all clients send and nobody reads.
    #[serde(default = "Instance::country", deserialize_with = "lenient::number")]
    pub country_id: i64,
    /// Where the instance runs: `{"@class":…,"name":"MyOwn"}`, for Amazon with more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_center_info: Option<Arc<Value>>,
    /// How long the registration is good for without a sign of life.
    #[serde(default)]
    pub lease_info: Lease,
    /// Whatever the instance wants others to know, mostly text.
    #[serde(default, with = "lenient::metadata")]
    pub metadata: Arc<Map<String, Value>>,
    /// The group that the service belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_group_name: Option<String>,
    /// A page for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_page_url: Option<String>,
    /// What the instance tells about itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_page_url: Option<String>,
    /// Where its health can be asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_url: Option<String>,
    /// Where its health can be asked for by HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secure_health_check_url: Option<String>,
    /// The names by which callers ask for the service, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vip_address: Option<String>,
    /// The names by which callers ask for the service by HTTPS, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secure_vip_address: Option<String>,
    /// Whether this is the registry that answers.
    #[serde(default, with = "lenient::truth")]
    pub is_coordinating_discovery_server: bool,
    /// When the registry last changed this entry, in milliseconds since 1970.
    #[serde(default, with = "lenient::millis")]
    pub last_updated_timestamp: i64,
    /// When the instance last changed its own description, by its own clock, in milliseconds since 1970.
    #[serde(default, with = "lenient::millis")]
    pub last_dirty_timestamp: i64,
    /// What happened last to the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_type: Option<Action>,
    /// Members that are not known here.
    #[serde(flatten)]
    pub others: Arc<Map<String, Value>>,
}

/// A port and whether it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The port.
    #[serde(rename = "$", deserialize_with = "lenient::number")]
    pub number: u16,
    /// Whether the instance listens there.
    #[serde(rename = "@enabled", with = "lenient::truth")]
    pub enabled: bool,
}

/// How long a registration is good for, and when it last changed; times in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lease {
    /// How often the instance wants to send a sign of life.
    #[serde(deserialize_with = "lenient::number")]
    pub renewal_interval_in_secs: u32,
    /// For how long the registration is good without one.
    #[serde(deserialize_with = "lenient::number")]
    pub duration_in_secs: u32,
    /// When the instance last registered.
    #[serde(deserialize_with = "lenient::number")]
    pub registration_timestamp: i64,
    /// When the registry last heard of the instance.
    #[serde(deserialize_with = "lenient::number")]
    pub last_renewal_timestamp: i64,
    /// When the instance was taken out; 0 while it is in.
    #[serde(deserialize_with = "lenient::number")]
    pub eviction_timestamp: i64,
    /// When the instance was first up; 0 before.
    #[serde(deserialize_with = "lenient::number")]
    pub service_up_timestamp: i64,
}

/// What happened last to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// It registered.
    Added,
    /// An operator changed it.
    Modified,
    /// It is gone.
    Deleted,
}

impl Instance {
    /// The name by which the registry knows the instance: its id, or its host's name when it has none.
    pub fn id(&self) -> &str {
        if self.instance_id.is_empty() { &self.host_name } else { &self.instance_id }
    }

    /// `host:port` for plain HTTP; none when the instance does not listen there.
    pub fn authority(&self) -> Option<String> {
        if !self.port.enabled {
            return None;
        }
        let host = if self.host_name.contains(':') && !self.host_name.starts_with('[') {
            format!("[{}]", self.host_name)
        } else {
            self.host_name.clone()
        };
        Some(format!("{host}:{}", self.port.number))
    }

    /// Whether the instance takes requests.
    pub fn is_up(&self) -> bool {
        self.status == Status::Up
    }

    /// Keeps once what another instance says too: those of a service say much the same.
    pub(crate) fn share_with(&mut self, other: &Instance) {
        fn share<T: PartialEq>(own: &mut Arc<T>, others: &Arc<T>) {
            if own == others {
                *own = others.clone();
            }
        }
        share(&mut self.metadata, &other.metadata);
        share(&mut self.others, &other.others);
        if let (Some(own), Some(others)) = (&mut self.data_center_info, &other.data_center_info) {
            share(own, others);
        }
    }

    fn no_override() -> Status {
        Status::Unknown
    }

    fn country() -> i64 {
        1
    }
}

impl Port {
    pub(crate) fn open(number: u16) -> Self {
        Port { number, enabled: true }
    }

    fn plain() -> Self {
        Port::open(7001)
    }

    pub(crate) fn secure() -> Self {
        Port { number: 443, enabled: false }
    }
}

impl Default for Lease {
    /// Eureka's own defaults, for a client that says nothing.
    fn default() -> Self {
        Lease {
            renewal_interval_in_secs: 30,
            duration_in_secs: 90,
            registration_timestamp: 0,
            last_renewal_timestamp: 0,
            eviction_timestamp: 0,
            service_up_timestamp: 0,
        }
    }
}

#[cfg(test)]
mod tests;
