//! The OpenAPI documents of a microservice: of its resources, and of its management endpoints.

use chassis::management;
use entity::{ApiGroup, OpenApi};
use serde_json::Value;

use crate::{Description, dead_letters};

/// The groups, the default one first, and what each is.
pub(crate) const GROUPS: [(&str, &str); 2] =
    [("springdocDefault", "default"), ("management", "management")];

/// The documents of a service that does not have these management endpoints.
pub(crate) fn all(description: &Description, left_out: &[&str]) -> Vec<ApiGroup> {
    let name = title(description.name);
    // The documents name the release that is being made.
    let version = description.version.trim_end_matches("-SNAPSHOT");
    let tag = format!("{}-kafka-resource", description.name);
    let more =
        [feed::operations(&description.feed_prefix(), &tag), identity::accounts::operations()];
    let default = OpenApi {
        title: &format!("{name} API"),
        description: &format!("{name} API documentation"),
        version,
        entities: &[&description.entity],
        more: &more,
    };
    let mut management = management::document(&name, version, left_out);
    add(&mut management, dead_letters::operations());
    let documents = [default.document(), management];
    let group = |((name, _), document): ((&'static str, &str), Value)| ApiGroup {
        name: name.into(),
        document,
    };
    GROUPS.into_iter().zip(documents).map(group).collect()
}

/// Adds paths and schemas to a document that has none of these names.
fn add(document: &mut Value, part: Value) {
    for place in ["/paths", "/components/schemas"] {
        let known = document.pointer_mut(place).and_then(Value::as_object_mut);
        if let (Some(known), Some(more)) = (known, part.pointer(place).and_then(Value::as_object)) {
            known.extend(more.clone());
        }
    }
}

pub(crate) fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
