//! Describes an entity and serves it as a REST resource: codec, validation, paging, OpenAPI.
//! Knows no broker: a decision that announces a change returns messages, and they are committed with it.

mod codec;
mod description;
mod ids;
mod instant;
mod openapi;
mod resource;
mod validate;

pub use codec::{CodecError, decode, encode};
pub use description::{Entity, Field, FieldKind, Rule};
pub use ids::Ids;
pub use instant::instant_text;
pub use openapi::document;
pub use resource::{Announce, Change, Moment, Resource, announce_nothing, typed};
