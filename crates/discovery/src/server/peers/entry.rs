//! What registries tell one another about an instance (`com.netflix.eureka.cluster.protocol.ReplicationInstance`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::instance::{Instance, Status};

/// One entry of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(crate) app_name: String,
    pub(crate) id: String,
    /// A number; some write it as text.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    last_dirty_timestamp: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overridden_status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance_info: Option<Value>,
    pub(crate) action: Action,
}

/// What an entry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    Register,
    Heartbeat,
    Cancel,
    StatusUpdate,
    DeleteStatusOverride,
}

impl Entry {
    pub(super) fn cancel(app: &str, id: &str) -> Self {
        Entry {
            app_name: app.to_owned(),
            id: id.to_owned(),
            last_dirty_timestamp: Value::Null,
            overridden_status: None,
            status: None,
            instance_info: None,
            action: Action::Cancel,
        }
    }

    pub(super) fn register(instance: &Instance) -> Self {
        let instance_info = Some(instance.to_value());
        Entry { instance_info, ..Entry::about(instance, Action::Register) }
    }

    pub(super) fn heartbeat(instance: &Instance) -> Self {
        Entry::about(instance, Action::Heartbeat)
    }

    pub(super) fn status(instance: &Instance, action: Action, status: Status) -> Self {
        Entry { status: Some(status.name().to_owned()), ..Entry::about(instance, action) }
    }

    fn about(instance: &Instance, action: Action) -> Self {
        Entry {
            app_name: instance.app.clone(),
            id: instance.id().to_owned(),
            last_dirty_timestamp: instance.last_dirty_timestamp.into(),
            overridden_status: Some(instance.overridden_status.name().to_owned()),
            status: Some(instance.status.name().to_owned()),
            instance_info: None,
            action,
        }
    }

    /// When the instance changed its description, in milliseconds since 1970.
    pub(crate) fn dirty(&self) -> Option<i64> {
        let dirty = &self.last_dirty_timestamp;
        dirty.as_i64().or_else(|| dirty.as_str()?.parse().ok())
    }

    pub(crate) fn status_named(&self) -> Option<Status> {
        self.status.as_deref().and_then(Status::named)
    }

    pub(crate) fn overridden(&self) -> Option<Status> {
        self.overridden_status.as_deref().and_then(Status::named)
    }
}
