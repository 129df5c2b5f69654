//! The bodies of the registry's answers. Underscores in two names are doubled, as the Java codec does.

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

pub(super) use crate::hash_code::hash_code;
use crate::instance::Instance;

#[derive(Serialize)]
struct Applications<'a> {
    #[serde(rename = "versions__delta")]
    version: &'a str,
    #[serde(rename = "apps__hashcode")]
    hash_code: &'a str,
    application: Vec<Application<'a>>,
}

#[derive(Serialize)]
struct Application<'a> {
    name: &'a str,
    instance: Vec<&'a Instance>,
}

/// `{"instance":{…}}`
pub(super) fn instance(instance: &Instance) -> Response {
    wrapped("instance", instance)
}

/// `{"application":{…}}`, or 404 without an instance.
pub(super) fn application(instances: &[&Instance]) -> Response {
    match grouped(instances).pop() {
        Some(application) => wrapped("application", &application),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `{"applications":{…}}`, the instances grouped by application; they come in its order.
pub(super) fn applications(version: &str, hash_code: &str, instances: &[&Instance]) -> Response {
    wrapped("applications", &Applications { version, hash_code, application: grouped(instances) })
}

/// The bytes that an instance takes.
pub(super) fn size(instance: &Instance) -> usize {
    serde_json::to_vec(instance).map_or(usize::MAX, |json| json.len())
}

/// An answer whose body is JSON already.
pub(super) fn json(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}

fn grouped<'a>(instances: &[&'a Instance]) -> Vec<Application<'a>> {
    let groups = instances.chunk_by(|one, next| one.app == next.app);
    groups
        .filter_map(|group| {
            Some(Application { name: &group.first()?.app, instance: group.to_vec() })
        })
        .collect()
}

fn wrapped(name: &str, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(value) => json(format!("{{\"{name}\":{value}}}")),
        Err(error) => {
            chassis::Problem::internal(anyhow::Error::new(error).context("write an answer"))
                .into_response()
        }
    }
}
