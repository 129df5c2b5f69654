//! Generated from apps.jdl: replaced whole by the generator, never edited. Data only.

use std::borrow::Cow::Borrowed;

use database::IdKind;
use entity::{Entity, Field, FieldKind, Rule};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The entity `Store`.
pub const STORE: Entity = Entity {
    name: Borrowed("Store"),
    collection: Borrowed("stores"),
    table: Borrowed("store"),
    class: Borrowed("com.okta.developer.store.domain.Store"),
    id: IdKind::ObjectId,
    fields: Borrowed(&[
        Field {
            name: Borrowed("name"),
            column: Borrowed("name"),
            kind: FieldKind::String,
            rules: Borrowed(&[Rule::Required]),
            width: None,
        },
        Field {
            name: Borrowed("address"),
            column: Borrowed("address"),
            kind: FieldKind::String,
            rules: Borrowed(&[Rule::Required]),
            width: None,
        },
        Field {
            name: Borrowed("status"),
            column: Borrowed("status"),
            kind: FieldKind::Enum(Borrowed(&[Borrowed("OPEN"), Borrowed("CLOSED")])),
            rules: Borrowed(&[]),
            width: None,
        },
        Field {
            name: Borrowed("createTimestamp"),
            column: Borrowed("create_timestamp"),
            kind: FieldKind::Instant,
            rules: Borrowed(&[Rule::Required]),
            width: None,
        },
        Field {
            name: Borrowed("updateTimestamp"),
            column: Borrowed("update_timestamp"),
            kind: FieldKind::Instant,
            rules: Borrowed(&[]),
            width: None,
        },
    ]),
};

/// A `Store`, for decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Store {
    pub id: String,
    pub name: String,
    pub address: String,
    pub status: Option<StoreStatus>,
    pub create_timestamp: Timestamp,
    pub update_timestamp: Option<Timestamp>,
}

/// The enum `StoreStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StoreStatus {
    Open,
    Closed,
}
