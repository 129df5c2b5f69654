//! An instance in the two forms of the wire, read and written.

use std::sync::Arc;

use serde::de::Error;
use serde_json::{Map, Value};

use super::{Instance, xml};

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Xml,
}

/// Why a body is not a registration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Xml(#[from] xml::Malformed),
}

/// What the compact form of Netflix's codec leaves out (`MiniInstanceInfoMixIn`).
const LEFT_OUT: [&str; 12] = [
    "appGroupName",
    "overriddenStatus",
    "sid",
    "countryId",
    "homePageUrl",
    "statusPageUrl",
    "healthCheckUrl",
    "secureHealthCheckUrl",
    "isCoordinatingDiscoveryServer",
    "lastDirtyTimestamp",
    "leaseInfo",
    "metadata",
];
/// What the compact form keeps of Amazon's description of a machine.
const KEPT_OF_AMAZON: [&str; 5] =
    ["instance-id", "public-ipv4", "public-hostname", "local-ipv4", "availability-zone"];

impl Instance {
    /// Reads the body of a registration in JSON: `{"instance":{…}}`.
    ///
    /// # Errors
    /// When it is no JSON or a member has another type than it should.
    pub(crate) fn from_registration(body: &[u8]) -> Result<Self, Unreadable> {
        let Value::Object(mut body) = serde_json::from_slice(body)? else {
            return Err(missing("instance").into());
        };
        let instance = body.remove("instance").ok_or_else(|| missing("instance"))?;
        Ok(Instance::from_value(instance)?)
    }

    /// Reads the body of a registration in XML: `<instance>…</instance>`.
    ///
    /// # Errors
    /// When it is no XML within bounds or an element has another type than it should.
    pub(crate) fn from_xml(body: &[u8]) -> Result<Self, Unreadable> {
        let (name, mut value) = xml::read(body)?;
        if name != "instance" {
            return Err(missing("instance").into());
        }
        // An empty element says nothing; only metadata has values that are empty.
        if let Value::Object(members) = &mut value {
            members.retain(|_, value| value != "");
        }
        Ok(Instance::from_value(value)?)
    }

    /// Reads an instance's members, with the spellings of older clients.
    ///
    /// # Errors
    /// When a member has another type than it should.
    pub(crate) fn from_value(value: Value) -> Result<Self, serde_json::Error> {
        let Value::Object(mut members) = value else { return Err(missing("members")) };
        members.retain(|_, value| !value.is_null());
        // XML, and older clients also in JSON, write the member in lower case.
        if let Some(legacy) = members.shift_remove("overriddenstatus") {
            let newer = members.entry("overriddenStatus").or_insert_with(|| "UNKNOWN".into());
            if newer == "UNKNOWN" {
                *newer = legacy;
            }
        }
        if let Some(Value::Object(lease)) = members.get_mut("leaseInfo") {
            read_old_duration(lease);
        }
        serde_json::from_value(Value::Object(members))
    }

    /// The instance in JSON.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The instance in XML, as deep in other elements as told. What only a newer client would know is left out.
    pub(crate) fn push_xml(&self, target: &mut String, depth: usize) {
        let known = match self.others.is_empty() {
            true => self.to_value(),
            false => Instance { others: Arc::default(), ..self.clone() }.to_value(),
        };
        let Value::Object(members) = known else { return };
        // The one member that is called differently in XML.
        let members = members.into_iter().map(|(name, value)| match name.as_str() {
            "overriddenStatus" => ("overriddenstatus".to_owned(), value),
            _ => (name, value),
        });
        xml::write(target, depth, "instance", &Value::Object(members.collect()));
    }

    /// The members that a client needs to reach the instance.
    pub(crate) fn to_compact_value(&self) -> Value {
        let mut value = self.to_value();
        let Value::Object(members) = &mut value else { return value };
        members.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
        let center =
            members.get_mut("dataCenterInfo").and_then(|center| center.get_mut("metadata"));
        if let Some(Value::Object(machine)) = center {
            machine.retain(|name, _| KEPT_OF_AMAZON.contains(&name.as_str()));
        }
        value
    }
}

/// Whether a value and all that is in it is text of which `refused` is true for no character.
pub(crate) fn text_without(value: &Value, refused: impl Fn(char) -> bool + Copy) -> bool {
    let is_good = |text: &str| !text.chars().any(refused);
    match value {
        Value::String(text) => is_good(text),
        Value::Array(items) => items.iter().all(|item| text_without(item, refused)),
        Value::Object(members) => {
            members.iter().all(|(name, value)| is_good(name) && text_without(value, refused))
        }
        _ => true,
    }
}

/// The duration of a lease as the first description of the interface called it.
fn read_old_duration(lease: &mut Map<String, Value>) {
    let seconds = lease.shift_remove("evictionDurationInSecs");
    let millis = lease.shift_remove("evictionDurationInMs").and_then(|value| {
        let millis = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        Some(Value::from(millis.div_ceil(1000)))
    });
    if let (false, Some(duration)) = (lease.contains_key("durationInSecs"), seconds.or(millis)) {
        lease.insert("durationInSecs".to_owned(), duration);
    }
}

fn missing(what: &str) -> serde_json::Error {
    serde_json::Error::custom(format!("the body has no {what}"))
}
