//! Describes an entity and serves it as a REST resource: codec, validation, paging, filters, OpenAPI.
//! Knows no broker: a decision that announces a change returns messages, and they are committed with it.

mod codec;
mod description;
pub mod idempotency;
mod ids;
mod instant;
mod openapi;
mod resource;
mod tag;
mod validate;

pub use codec::{CodecError, decode, encode};
pub use description::{Entity, Field, FieldKind, Rule};
pub use ids::Ids;
pub use instant::instant_text;
pub use openapi::{ApiGroup, OpenApi, api_docs};
pub use resource::{Announce, Change, Moment, Resource, ResourceOptions, announce_nothing, typed};
