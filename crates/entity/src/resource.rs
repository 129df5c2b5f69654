//! The REST resource of an entity (contract §2.2, §3.2), driven by its description.

mod query;
mod request;

use std::sync::Arc;

use anyhow::Context;
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chassis::{Outside, Problem};
use database::{Changes, CommitError, DatabaseRef, Id, Message, Row, Table, Value, Write};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value as JsonValue;
use tracing::info;

use crate::{Entity, Ids, codec, encode, validate::validate};
use query::Query;

/// A change that a caller has made to an entity.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<T> {
    /// A new one, as it is now.
    Created(T),
    /// Replaced as a whole; as it is now.
    Updated(T),
    /// Changed in some of its fields; as it is now.
    Patched(T),
    /// Removed; as it was.
    Deleted(T),
}

/// When a change happens, and the id for the message that tells of it: given to decisions, which have no clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The id for a message.
    pub id: String,
    /// The time.
    pub at: Timestamp,
}

/// A decision: which messages a change sends. They are committed together with it.
pub type Announce =
    Arc<dyn Fn(Moment, Change<JsonValue>) -> anyhow::Result<Vec<Message>> + Send + Sync>;

/// The decision to tell nobody.
pub fn announce_nothing() -> Announce {
    Arc::new(|_, _| Ok(Vec::new()))
}

/// Turns a decision over a typed entity into one over any; this is the door between description and types.
pub fn typed<T: DeserializeOwned>(
    announce: impl Fn(Moment, Change<T>) -> anyhow::Result<Vec<Message>> + Send + Sync + 'static,
) -> Announce {
    Arc::new(move |moment, change| {
        let read = |json| serde_json::from_value(json).context("read an entity into its type");
        let change = match change {
            Change::Created(json) => Change::Created(read(json)?),
            Change::Updated(json) => Change::Updated(read(json)?),
            Change::Patched(json) => Change::Patched(read(json)?),
            Change::Deleted(json) => Change::Deleted(read(json)?),
        };
        announce(moment, change)
    })
}

/// Serves an entity below `/api/<collection>`.
pub struct Resource {
    entity: Entity,
    table: Table,
    application: &'static str,
    database: DatabaseRef,
    ids: Ids,
    outside: Outside,
    announce: Announce,
}

/// How often a patch is tried when others change the same entity at the same moment.
const TRIES: u32 = 32;

fn away(cause: anyhow::Error) -> Problem {
    Problem::unavailable("The database does not answer", cause)
}

type Shared = State<Arc<Resource>>;

impl Resource {
    /// Builds the resource of an entity of an application, whose name stands in its headers. Does no I/O.
    pub fn new(
        application: &'static str,
        entity: Entity,
        database: DatabaseRef,
        outside: Outside,
        announce: Announce,
    ) -> Self {
        let (table, ids) = (entity.table(), Ids::new(entity.id, database.clone(), outside.clone()));
        Resource { entity, table, application, database, ids, outside, announce }
    }

    /// The routes of the resource.
    pub fn routes(self) -> Router {
        let collection = format!("/api/{}", self.entity.collection);
        let item = format!("{collection}/{{id}}");
        Router::new()
            .route(&collection, get(list).post(create))
            .route(&item, get(read).put(replace).patch(patch).delete(remove))
            .with_state(Arc::new(self))
    }

    async fn find(&self, id: &Id) -> Result<Option<Row>, Problem> {
        self.database.get(&self.table, id).await.map_err(away)
    }

    fn json(&self, id: &Id, values: &[Value]) -> JsonValue {
        encode(&self.entity, id, values)
    }

    /// Commits a write together with the messages that the change sends. False when the row is not as the write expects.
    async fn commit(&self, write: Write, change: Change<JsonValue>) -> Result<bool, Problem> {
        let moment = Moment { id: self.outside.uuid(), at: self.outside.now() };
        let messages = (self.announce)(moment, change).map_err(Problem::internal)?;
        match self.database.commit(Changes::new().write(write).send_all(messages)).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict | CommitError::AlreadyHandled) => Ok(false),
            Err(CommitError::Unavailable(cause)) => Err(away(cause)),
        }
    }

    /// What the body of a POST or PUT says, if it keeps to the rules.
    async fn submitted(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Option<Id>, Vec<Value>), Problem> {
        request::acceptable(headers)?;
        request::json(headers, &[])?;
        let (id, values) = request::decode(&self.entity, body).await?;
        let errors = validate(&self.entity, &values);
        if errors.is_empty() { Ok((id, values)) } else { Err(Problem::fields(errors)) }
    }

    /// The id that path and body agree on.
    fn same_id(&self, path: &str, id: Option<Id>) -> Result<Id, Problem> {
        let id = id.ok_or_else(|| self.business("idnull", "Invalid id".to_owned()))?;
        match codec::path_id(self.entity.id, path) {
            Some(of_path) if of_path == id => Ok(id),
            _ => Err(self.business("idinvalid", "Invalid ID".to_owned())),
        }
    }

    fn unknown(&self) -> Problem {
        self.business("idnotfound", "Entity not found".to_owned())
    }

    fn updated(&self, id: &Id, json: JsonValue) -> Response {
        self.log("updated", id);
        (self.told("updated", id), Json(json)).into_response()
    }

    fn business(&self, key: &'static str, title: String) -> Problem {
        Problem::business(
            &format!("{}App", self.application),
            &self.entity.qualified_name(self.application),
            key,
            title,
        )
    }

    /// The headers by which pages tell what happened: `X-shopApp-alert`, `X-shopApp-params`.
    fn told(&self, what: &str, id: &Id) -> HeaderMap {
        let name = self.entity.qualified_name(self.application);
        let id = request::url_encoded(&id.to_string());
        let values = [("alert", format!("{}App.{name}.{what}", self.application)), ("params", id)];
        let mut headers = HeaderMap::new();
        for (kind, value) in values {
            let header = format!("x-{}app-{kind}", self.application.to_lowercase());
            if let (Ok(header), Ok(value)) =
                (HeaderName::try_from(header), HeaderValue::try_from(value))
            {
                headers.insert(header, value);
            }
        }
        headers
    }

    fn log(&self, what: &str, id: &Id) {
        let name = self.entity.object_name();
        info!(target: "Resource", { entity.id = %id }, "{name} {id} {what}");
    }
}

async fn list(
    State(resource): Shared,
    RawQuery(text): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    request::acceptable(&headers)?;
    let query = Query::parse(&resource.entity, text.as_deref().unwrap_or_default());
    let listing = resource.database.list(&resource.table, &query.page()).await;
    let listing = listing.map_err(away)?;
    let body: Vec<JsonValue> =
        listing.rows.iter().map(|row| resource.json(&row.id, &row.values)).collect();
    let path = format!("/api/{}", resource.entity.collection);
    Ok((query.headers(&path, listing.total), Json(body)).into_response())
}

async fn read(
    State(resource): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    request::acceptable(&headers)?;
    let id = request::id(&resource.entity, &id)?;
    let row = resource.find(&id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(resource.json(&row.id, &row.values)).into_response())
}

async fn create(
    State(resource): Shared,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (id, values) = resource.submitted(&headers, body).await?;
    if id.is_some() {
        let title = format!("A new {} cannot already have an ID", resource.entity.object_name());
        return Err(resource.business("idexists", title));
    }
    let id = resource.ids.next().await.map_err(away)?;
    let json = resource.json(&id, &values);
    let write = Write::Insert { table: resource.table.clone(), id: id.clone(), values };
    if !resource.commit(write, Change::Created(json.clone())).await? {
        return Err(Problem::concurrency());
    }
    resource.log("created", &id);
    let id_text = request::url_encoded(&id.to_string());
    let location = format!("/api/{}/{id_text}", resource.entity.collection);
    let told = resource.told("created", &id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], told, Json(json)).into_response())
}

/// The last writer wins, as in the Java services: what is replaced was not looked at.
async fn replace(
    State(resource): Shared,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (id, values) = resource.submitted(&headers, body).await?;
    let id = resource.same_id(&path, id)?;
    let json = resource.json(&id, &values);
    let write = Write::Overwrite { table: resource.table.clone(), id: id.clone(), values };
    match resource.commit(write, Change::Updated(json.clone())).await? {
        true => Ok(resource.updated(&id, json)),
        false => Err(resource.unknown()),
    }
}

/// Changes what the body names and keeps the rest, also when somebody else is changing it at the same time.
async fn patch(
    State(resource): Shared,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    request::acceptable(&headers)?;
    request::json(&headers, &["application/merge-patch+json"])?;
    let (id, values) = request::decode(&resource.entity, body).await?;
    let id = resource.same_id(&path, id)?;
    for _ in 0..TRIES {
        let row = resource.find(&id).await?.ok_or_else(|| resource.unknown())?;
        let both = values.iter().zip(&row.values);
        let values: Vec<Value> =
            both.map(|(new, old)| if *new == Value::Null { old } else { new }).cloned().collect();
        let errors = validate(&resource.entity, &values);
        if !errors.is_empty() {
            return Err(Problem::violations(errors));
        }
        let json = resource.json(&id, &values);
        let (table, version) = (resource.table.clone(), row.version);
        let write = Write::Replace { table, id: id.clone(), version, values };
        if resource.commit(write, Change::Patched(json.clone())).await? {
            return Ok(resource.updated(&id, json));
        }
    }
    Err(Problem::concurrency())
}

async fn remove(State(resource): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = request::id(&resource.entity, &id)?;
    if let Some(row) = resource.find(&id).await? {
        let write = Write::Delete { table: resource.table.clone(), id: id.clone() };
        let json = resource.json(&id, &row.values);
        resource.commit(write, Change::Deleted(json)).await?;
        resource.log("deleted", &id);
    }
    Ok((StatusCode::NO_CONTENT, resource.told("deleted", &id)).into_response())
}
