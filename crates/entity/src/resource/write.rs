//! Changing and removing one entity.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use chassis::Problem;
use database::{Changes, Id, Value, Write};

use super::{
    Change, Resource, TRIES,
    precondition::Precondition,
    request::{self, Nulls},
};
use crate::{codec::Given, validate::validate};

type Shared = State<Arc<Resource>>;

/// Without a condition the last writer wins, as in the Java services: what is replaced was not looked at.
pub(super) async fn replace(
    State(resource): Shared,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let path = request::id(&resource.entity, &path)?;
    let (id, values) = resource.submitted(&headers, body).await?;
    let id = resource.same_id(path, id)?;
    resource.fitting(&values)?;
    request::acceptable(&headers)?;
    let condition = Precondition::of(&headers);
    let table = resource.table.clone();
    if !condition.is_given() {
        let write = Write::Overwrite { table, id: id.clone(), values: values.clone() };
        return match resource.keep(write, Change::Updated, &id, &values).await? {
            true => Ok(resource.updated(&id, &values)),
            false => Err(resource.unknown()),
        };
    }
    for _ in 0..TRIES {
        let row = resource.find(&id).await?.ok_or_else(|| resource.unknown())?;
        condition.allows_change(Some(resource.tag(&row)))?;
        let (table, version) = (table.clone(), row.version);
        let write = Write::Replace { table, id: id.clone(), version, values: values.clone() };
        if resource.keep(write, Change::Updated, &id, &values).await? {
            return Ok(resource.updated(&id, &values));
        }
    }
    Err(Problem::concurrency())
}

/// Changes what the body names and keeps the rest, also when somebody else is changing it at the same time.
pub(super) async fn patch(
    State(resource): Shared,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let nulls = request::patch(&headers)?;
    let path = request::id(&resource.entity, &path)?;
    let Given { id, values: given } = request::given(&resource.entity, body).await?;
    let id = resource.same_id(path, id)?;
    let condition = Precondition::of(&headers);
    for _ in 0..TRIES {
        let row = resource.find(&id).await?.ok_or_else(|| resource.unknown())?;
        let values = merged(&given, &row.values, nulls);
        let errors = validate(&resource.entity, &values);
        if !errors.is_empty() {
            return Err(Problem::violations(errors));
        }
        resource.fitting(&values)?;
        request::acceptable(&headers)?;
        condition.allows_change(Some(resource.tag(&row)))?;
        let (table, version) = (resource.table.clone(), row.version);
        let write = Write::Replace { table, id: id.clone(), version, values: values.clone() };
        if resource.keep(write, Change::Patched, &id, &values).await? {
            return Ok(resource.updated(&id, &values));
        }
    }
    Err(Problem::concurrency())
}

fn merged(given: &[Option<Value>], kept: &[Value], nulls: Nulls) -> Vec<Value> {
    let both = given.iter().zip(kept);
    let merged = both.map(|(given, kept)| match given {
        None => kept,
        Some(Value::Null) if nulls == Nulls::Keep => kept,
        Some(given) => given,
    });
    merged.cloned().collect()
}

/// Removing what is not there is no mistake.
pub(super) async fn remove(
    State(resource): Shared,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = request::id(&resource.entity, &path)?;
    let condition = Precondition::of(&headers);
    for _ in 0..TRIES {
        let row = resource.find(&id).await?;
        condition.allows_change(row.as_ref().map(|row| resource.tag(row)))?;
        let Some(row) = row else { return Ok(resource.removed(&id)) };
        let version = condition.is_given().then_some(row.version);
        let write = Write::Delete { table: resource.table.clone(), id: id.clone(), version };
        if resource.keep(write, Change::Deleted, &id, &row.values).await? {
            resource.log("deleted", &id);
            return Ok(resource.removed(&id));
        }
    }
    Err(Problem::concurrency())
}

impl Resource {
    /// Makes a change to an entity, and tells of it. False when the row is not as the write expects.
    async fn keep(
        &self,
        write: Write,
        change: impl FnOnce(serde_json::Value) -> Change<serde_json::Value>,
        id: &Id,
        values: &[Value],
    ) -> Result<bool, Problem> {
        self.commit(Changes::new().write(write), change(self.json(id, values))).await
    }

    fn updated(&self, id: &Id, values: &[Value]) -> Response {
        self.log("updated", id);
        self.changed(StatusCode::OK, "updated", id, values)
    }

    fn removed(&self, id: &Id) -> Response {
        (StatusCode::NO_CONTENT, self.told("deleted", id)).into_response()
    }
}
