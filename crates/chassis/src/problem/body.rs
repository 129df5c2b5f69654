//! The bodies of problems: which members each kind has, and in which order.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

const WITH_MESSAGE: &str = "https://www.jhipster.tech/problem/problem-with-message";
const CONSTRAINT_VIOLATION: &str = "https://www.jhipster.tech/problem/constraint-violation";

/// What a problem's answer says.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Generic { title: Option<String>, detail: String },
    Fields(Vec<FieldError>),
    Violations(Vec<FieldError>),
    Concurrency,
    Business { entity: String, key: &'static str, title: String },
    Empty,
}

/// A field of a request body that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The entity's name as the wire has it, for example `order`.
    pub object_name: String,
    /// The member's name.
    pub field: String,
    /// What is wrong, for example `must not be null`.
    pub message: String,
}

impl Body {
    pub(super) fn json(&self, answered: StatusCode, path: &str) -> Option<Value> {
        let status = answered.as_u16();
        let mut members = Map::new();
        match self {
            Body::Empty => return None,
            Body::Generic { title, detail } => {
                let title = title.as_deref().or(answered.canonical_reason()).unwrap_or_default();
                members.insert("type".into(), json!(WITH_MESSAGE));
                members.insert("title".into(), json!(title));
                members.insert("status".into(), json!(status));
                members.insert("detail".into(), json!(detail));
                members.insert("path".into(), json!(path));
                members.insert("message".into(), json!(format!("error.http.{status}")));
            }
            Body::Fields(errors) => {
                members.insert("type".into(), json!(CONSTRAINT_VIOLATION));
                members.insert("title".into(), json!("Method argument not valid"));
                members.insert("status".into(), json!(status));
                members.insert("path".into(), json!(path));
                members.insert("message".into(), json!("error.validation"));
                members.insert("fieldErrors".into(), errors.iter().map(FieldError::json).collect());
            }
            Body::Violations(errors) => {
                members.insert(
                    "type".into(),
                    json!("https://zalando.github.io/problem/constraint-violation"),
                );
                members.insert("title".into(), json!("Constraint Violation"));
                members.insert("status".into(), json!(status));
                members.insert("path".into(), json!(path));
                members.insert("message".into(), json!("error.validation"));
                let violation =
                    |error: &FieldError| json!({ "field": error.field, "message": error.message });
                members.insert("violations".into(), errors.iter().map(violation).collect());
            }
            Body::Concurrency => {
                members.insert("type".into(), json!(WITH_MESSAGE));
                let title = answered.canonical_reason().unwrap_or_default();
                members.insert("title".into(), json!(title));
                members.insert("status".into(), json!(status));
                members.insert("path".into(), json!(path));
                members.insert("message".into(), json!("error.concurrencyFailure"));
            }
            Body::Business { entity, key, title } => {
                members.insert("entityName".into(), json!(entity));
                members.insert("errorKey".into(), json!(key));
                members.insert("type".into(), json!(WITH_MESSAGE));
                members.insert("title".into(), json!(title));
                members.insert("status".into(), json!(status));
                members.insert("message".into(), json!(format!("error.{key}")));
                members.insert("params".into(), json!(entity));
            }
        }
        Some(Value::Object(members))
    }
}

impl FieldError {
    fn json(&self) -> Value {
        json!({ "objectName": self.object_name, "field": self.field, "message": self.message })
    }
}
