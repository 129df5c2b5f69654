//! The state of one part of a service.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// How a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It does not work.
    Down,
    /// It was taken out of service.
    OutOfService,
    /// It works.
    Up,
    /// Nobody can tell.
    Unknown,
}

impl Status {
    /// What several come to: the first in the order down, out of service, up, unknown.
    pub fn worst(all: impl IntoIterator<Item = Status>) -> Status {
        all.into_iter().min().unwrap_or(Status::Unknown)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Status::Down => "DOWN",
            Status::OutOfService => "OUT_OF_SERVICE",
            Status::Up => "UP",
            Status::Unknown => "UNKNOWN",
        }
    }

    /// Whether who asks is told with 503.
    pub(super) fn is_failure(self) -> bool {
        matches!(self, Status::Down | Status::OutOfService)
    }
}

/// What a part of a service says of itself; only administrators see more of it than the status.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    status: Status,
    description: Option<String>,
    details: Map<String, Value>,
    components: BTreeMap<String, Component>,
}

impl Component {
    /// A component with a status and nothing else.
    pub fn new(status: Status) -> Self {
        let (details, components) = (Map::new(), BTreeMap::new());
        Component { status, description: None, details, components }
    }

    /// A component that works.
    pub fn up() -> Self {
        Component::new(Status::Up)
    }

    /// A component that does not work, and why; the reason must hold no secret.
    pub fn down(reason: impl Into<String>) -> Self {
        Component::new(Status::Down).with_detail("error", reason.into())
    }

    /// Adds a detail after those that are there.
    pub fn with_detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a component inside of this one, whose status is from then on what those inside come to.
    pub fn with_component(mut self, name: &str, component: Component) -> Self {
        self.components.insert(name.to_owned(), component);
        self.status = Status::worst(self.components.values().map(|inner| inner.status));
        self
    }

    /// Says what this component is.
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// How it is.
    pub fn status(&self) -> Status {
        self.status
    }

    pub(super) fn is_composite(&self) -> bool {
        !self.components.is_empty()
    }

    pub(super) fn inner(&self, name: &str) -> Option<&Component> {
        self.components.get(name)
    }

    /// The wire's form; what is inside stands under `inside`.
    pub(super) fn json(&self, inside: &str) -> Map<String, Value> {
        let mut members = Map::new();
        if let Some(description) = &self.description {
            members.insert("description".into(), json!(description));
        }
        members.insert("status".into(), json!(self.status.name()));
        if self.is_composite() {
            let inner = self.components.iter();
            let inner = inner.map(|(name, inner)| (name.clone(), inner.json(inside).into()));
            members.insert(inside.into(), Value::Object(inner.collect()));
        } else if !self.details.is_empty() {
            members.insert("details".into(), Value::Object(self.details.clone()));
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_counts() {
        use Status::{Down, OutOfService, Unknown, Up};
        for (all, expected) in [
            (vec![Up, Unknown], Up),
            (vec![Up, OutOfService, Unknown], OutOfService),
            (vec![OutOfService, Down, Up], Down),
            (vec![], Unknown),
        ] {
            assert_eq!(Status::worst(all.clone()), expected, "{all:?}");
        }
    }

    #[test]
    fn a_composite_is_what_its_parts_are() {
        let inner = Component::down("gone").with_detail("queue", "parcels");
        let outer = Component::up().with_component("b", Component::up()).with_component("a", inner);
        assert_eq!(
            Value::Object(outer.json("components")).to_string(),
            r#"{"status":"DOWN","components":{"a":{"status":"DOWN","details":{"error":"gone","queue":"parcels"}},"b":{"status":"UP"}}}"#
        );
    }
}
