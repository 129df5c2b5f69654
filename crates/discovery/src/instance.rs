//! An instance of a service as Eureka's JSON has it: the members, their order and their types.
//!
//! Both are those of the Java codec: some numbers are written as text, and what has no value is left out.

mod lenient;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    #[serde(default = "Instance::country", deserialize_with = "lenient::number")]
    pub(crate) country_id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_center_info: Option<Value>,
    /// How long the registration is good for without a sign of life.
    #[serde(default)]
    pub lease_info: Lease,
    /// Whatever the instance wants others to know, mostly text.
    #[serde(default, with = "lenient::metadata")]
    pub metadata: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) app_group_name: Option<String>,
    /// A page for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_page_url: Option<String>,
    /// What the instance tells about itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_page_url: Option<String>,
    /// Where its health can be asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secure_health_check_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vip_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secure_vip_address: Option<String>,
    #[serde(default, with = "lenient::truth")]
    pub(crate) is_coordinating_discovery_server: bool,
    #[serde(default, with = "lenient::millis")]
    pub(crate) last_updated_timestamp: i64,
    #[serde(default, with = "lenient::millis")]
    pub(crate) last_dirty_timestamp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) action_type: Option<Action>,
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
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
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) renewal_interval_in_secs: u32,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) duration_in_secs: u32,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) registration_timestamp: i64,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) last_renewal_timestamp: i64,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) eviction_timestamp: i64,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) service_up_timestamp: i64,
}

/// What happened last to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Action {
    Added,
    Modified,
    Deleted,
}

impl Instance {
    /// Reads the body of a registration: `{"instance":{…}}`.
    pub(crate) fn from_registration(body: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Body {
            instance: Instance,
        }
        let mut instance = serde_json::from_slice::<Body>(body)?.instance;
        instance.others.retain(|_, value| !value.is_null());
        // Older clients write the member as XML has it.
        let legacy = instance
            .others
            .remove("overriddenstatus")
            .and_then(|value| Status::named(value.as_str()?));
        if instance.overridden_status == Status::Unknown {
            instance.overridden_status = legacy.unwrap_or(Status::Unknown);
        }
        Ok(instance)
    }

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
mod tests {
    use super::{Instance, Status};

    fn read(members: &str) -> Instance {
        Instance::from_registration(format!(r#"{{"instance":{{{members}}}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn numbers_and_truth_may_come_as_text() {
        let instance = read(
            r#""app":"BOOK","port":{"$":"81","@enabled":true},"leaseInfo":{"durationInSecs":"7"},"lastDirtyTimestamp":5"#,
        );
        assert_eq!((instance.port.number, instance.port.enabled), (81, true));
        assert_eq!(
            (instance.lease_info.duration_in_secs, instance.lease_info.renewal_interval_in_secs),
            (7, 30)
        );
        assert_eq!(instance.last_dirty_timestamp, 5);
    }

    #[test]
    fn unknown_members_are_kept_and_nulls_are_not() {
        let instance = read(r#""app":"BOOK","shelf":{"row":3},"asgName":null,"hostName":null"#);
        let json = serde_json::to_string(&instance).unwrap();
        assert!(json.ends_with(r#""shelf":{"row":3}}"#), "{json}");
        assert!(!json.contains("asgName"), "{json}");
    }

    #[test]
    fn an_unknown_status_is_unknown_and_the_old_spelling_of_the_override_is_read() {
        assert_eq!(read(r#""app":"BOOK","status":"SLEEPY""#).status, Status::Unknown);
        assert_eq!(
            read(r#""app":"BOOK","overriddenstatus":"DOWN""#).overridden_status,
            Status::Down
        );
    }

    #[test]
    fn empty_metadata_is_written_as_java_does() {
        let json = serde_json::to_string(&read(r#""app":"BOOK""#)).unwrap();
        assert!(
            json.contains(r#""metadata":{"@class":"java.util.Collections$EmptyMap"}"#),
            "{json}"
        );
        let again = read(r#""app":"BOOK","metadata":{"@class":"java.util.Collections$EmptyMap"}"#);
        assert!(again.metadata.is_empty());
    }

    #[test]
    fn an_address_of_version_6_is_bracketed_and_a_closed_port_has_none() {
        let instance = read(r#""app":"BOOK","hostName":"::1","port":{"$":80,"@enabled":"true"}"#);
        assert_eq!(instance.authority().as_deref(), Some("[::1]:80"));
        assert_eq!(read(r#""app":"BOOK","port":{"$":80,"@enabled":"false"}"#).authority(), None);
    }
}
