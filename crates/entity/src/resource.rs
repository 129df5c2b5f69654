//! The REST resource of an entity (contract §2.2, §3.2), driven by its description.

mod announce;
mod array;
mod create;
mod criteria;
mod links;
mod precondition;
mod query;
mod read;
mod request;
mod write;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use chassis::{
    Outside, Problem,
    http::{traced, traceparent},
};
use database::{Changes, CommitError, DatabaseRef, Id, Row, Table, Value};
use serde_json::Value as Json;
use tracing::info;

use crate::{Entity, Ids, codec, encode, idempotency::Keys, tag::Tag};

/// What the OpenAPI document tells of filters.
pub(crate) mod filters {
    pub(crate) use super::criteria::{Operator, VALUES};
}

pub use announce::{Announce, Change, Moment, announce_nothing, typed};

/// Serves an entity below `/api/<collection>`.
///
/// Beyond what the Java services do, and only for those who ask: pages, orders and filters of the list, entity tags with
/// `If-Match` and `If-None-Match`, and `Idempotency-Key` for `POST`, whose table is [`idempotency::TABLE`](crate::idempotency::TABLE).
pub struct Resource {
    entity: Entity,
    table: Table,
    application: &'static str,
    options: ResourceOptions,
    database: DatabaseRef,
    ids: Ids,
    keys: Keys,
    outside: Outside,
    announce: Announce,
}

/// What may be chosen of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceOptions {
    /// How many entities a list has at most when the caller does not ask for pages; one at least, and rounded down to a
    /// multiple of 2,000 when there are more, so that `Link` can lead to the rest in pages of that size.
    pub bare_list: u32,
}

impl Default for ResourceOptions {
    fn default() -> Self {
        ResourceOptions { bare_list: 10_000 }
    }
}

/// How often a change is tried when others change the same entity at the same moment.
const TRIES: u32 = 32;

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
        let keys = Keys::new(&entity.collection, database.clone());
        let options = ResourceOptions::default();
        Resource { entity, table, application, options, database, ids, keys, outside, announce }
    }

    /// Chooses other options than the default ones.
    pub fn with(mut self, options: ResourceOptions) -> Self {
        self.options = options;
        self
    }

    /// The routes of the resource.
    pub fn routes(self) -> Router {
        let collection = self.path();
        let item = format!("{collection}/{{id}}");
        let one = get(read::one).put(write::replace).patch(write::patch).delete(write::remove);
        Router::new()
            .route(&collection, get(read::list).post(create::create))
            .route(&item, one)
            .layer(middleware::from_fn(precondition::tags_for_who_asks))
            .layer(middleware::from_fn(traced))
            .with_state(Arc::new(self))
    }

    fn path(&self) -> String {
        format!("/api/{}", self.entity.collection)
    }

    async fn find(&self, id: &Id) -> Result<Option<Row>, Problem> {
        self.database.get(&self.table, id).await.map_err(away)
    }

    fn json(&self, id: &Id, values: &[Value]) -> Json {
        encode(&self.entity, id, values)
    }

    fn text(&self, id: &Id, values: &[Value]) -> Vec<u8> {
        let mut text = Vec::with_capacity(256);
        codec::write(&self.entity, id, values, &mut text);
        text
    }

    fn tag(&self, row: &Row) -> Tag {
        Tag::of(&self.text(&row.id, &row.values))
    }

    /// Commits changes together with the messages that they send. False when a row is not as the changes expect.
    async fn commit(&self, changes: Changes, change: Change<Json>) -> Result<bool, Problem> {
        let moment = Moment {
            id: self.outside.uuid(),
            at: self.outside.now(),
            traceparent: traceparent(&self.outside),
        };
        let messages = (self.announce)(moment, change).map_err(Problem::internal)?;
        match self.database.commit(changes.send_all(messages)).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict | CommitError::AlreadyHandled) => Ok(false),
            Err(CommitError::Refused(reason)) => Err(Problem::bad_request(reason)),
            Err(CommitError::Unavailable(cause)) => Err(away(cause)),
        }
    }

    fn unknown(&self) -> Problem {
        self.business("idnotfound", "Entity not found".to_owned())
    }

    fn business(&self, key: &'static str, title: String) -> Problem {
        Problem::business(
            &format!("{}App", self.application),
            &self.entity.qualified_name(self.application),
            key,
            title,
        )
    }

    /// Answers with an entity as a change has left it. The tag is missing where a database may keep less than was given,
    /// which can be fractions of a millisecond: then what is read later is something else (RFC 9110 §9.3.4).
    fn changed(&self, status: StatusCode, what: &str, id: &Id, values: &[Value]) -> Response {
        let text = self.text(id, values);
        let exact = |value: &Value| match value {
            Value::Instant(instant) => instant.subsec_nanosecond() % 1_000_000 == 0,
            _ => true,
        };
        let tag = values.iter().all(exact).then(|| Tag::of(&text));
        (status, self.told(what, id), represented(text, tag)).into_response()
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

fn away(cause: anyhow::Error) -> Problem {
    Problem::unavailable("The database does not answer", cause)
}

/// A JSON body, and the tag of what it represents.
fn represented(text: Vec<u8>, tag: Option<Tag>) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag.header());
    }
    response
}
