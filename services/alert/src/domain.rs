//! Generated from apps.jdl: replaced whole by the generator, never edited. Data only.

use std::borrow::Cow::Borrowed;

use database::IdKind;
use entity::{Entity, Field, FieldKind, Rule};

/// The entity `StoreAlert`.
pub const STORE_ALERT: Entity = Entity {
    name: Borrowed("StoreAlert"),
    collection: Borrowed("store-alerts"),
    table: Borrowed("store_alert"),
    class: Borrowed("com.okta.developer.alert.domain.StoreAlert"),
    id: IdKind::Sequence,
    fields: Borrowed(&[
        Field {
            name: Borrowed("storeName"),
            column: Borrowed("store_name"),
            kind: FieldKind::String,
            rules: Borrowed(&[Rule::Required]),
            width: Some(255),
        },
        Field {
            name: Borrowed("storeStatus"),
            column: Borrowed("store_status"),
            kind: FieldKind::String,
            rules: Borrowed(&[Rule::Required]),
            width: Some(255),
        },
        Field {
            name: Borrowed("timestamp"),
            column: Borrowed("timestamp"),
            kind: FieldKind::Instant,
            rules: Borrowed(&[Rule::Required]),
            width: None,
        },
    ]),
};
