//! A shop that keeps orders in a database of its own, and a caller.

use std::{
    borrow::Cow::Borrowed,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use chassis::{Outside, Service, http::CallerName};
use database::{
    Changes, CommitError, Database, DatabaseRef, Durability, Id, IdKind, Listing, Message, Page,
    Row, Sqlite, Table,
};
use entity::{
    Announce, Change, Entity, Field, FieldKind, Resource, ResourceOptions, Rule, idempotency,
};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

const fn field(
    name: &'static str,
    kind: FieldKind,
    rules: &'static [Rule],
    width: Option<u32>,
) -> Field {
    let (name, column, rules) = (Borrowed(name), Borrowed(name), Borrowed(rules));
    Field { name, column, kind, rules, width }
}

pub(crate) const ORDER: Entity = Entity {
    name: Borrowed("Order"),
    collection: Borrowed("orders"),
    table: Borrowed("order"),
    class: Borrowed("com.example.shop.domain.Order"),
    id: IdKind::Sequence,
    fields: Borrowed(&[
        field("title", FieldKind::String, &[Rule::Required], Some(10)),
        field("state", FieldKind::Enum(Borrowed(&[Borrowed("NEW"), Borrowed("PAID")])), &[], None),
        field("count", FieldKind::Integer, &[Rule::Max(9)], None),
        field("placed", FieldKind::Instant, &[], None),
    ]),
};

/// What was announced, in order.
pub(crate) type Announced = Arc<Mutex<Vec<Change<Value>>>>;

pub(crate) struct Shop {
    pub(crate) database: DatabaseRef,
    pub(crate) announced: Announced,
    router: Router,
    _folder: tempfile::TempDir,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Shop::with(ResourceOptions::default()).await
    }

    pub(crate) async fn with(options: ResourceOptions) -> Self {
        let (folder, database) = kept(&ORDER).await;
        let announced = Announced::default();
        let router = resource(database.clone(), &announced, options);
        Shop { database, announced, router, _folder: folder }
    }

    /// Another instance of the service on the same database.
    pub(crate) fn another(&self) -> Router {
        resource(self.database.clone(), &self.announced, ResourceOptions::default())
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        send(&self.router, None, method, path, headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// Reads something with its tag.
    pub(crate) async fn seen(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[("if-match", "*")], "").await
    }

    /// Sends JSON.
    pub(crate) async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[JSON], &body.to_string()).await
    }

    /// Makes an order and answers its path.
    pub(crate) async fn order(&self, title: &str) -> String {
        let body = json!({ "title": title, "state": "NEW", "count": 1 });
        let created = self.json(Method::POST, "/api/orders", &body).await.expect(201);
        created.header("location").to_owned()
    }

    /// Takes what was announced since the last time, in one word each.
    pub(crate) fn news(&self) -> Vec<&'static str> {
        let changes = std::mem::take(&mut *self.announced.lock().unwrap());
        let word = |change: &Change<Value>| match change {
            Change::Created(_) => "created",
            Change::Updated(_) => "updated",
            Change::Patched(_) => "patched",
            Change::Deleted(_) => "deleted",
        };
        changes.iter().map(word).collect()
    }
}

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
pub(crate) const MERGE: (&str, &str) = ("content-type", "application/merge-patch+json");

/// A database with the tables that an entity needs.
pub(crate) async fn kept(entity: &Entity) -> (tempfile::TempDir, DatabaseRef) {
    let folder = tempfile::tempdir().unwrap();
    let tables = [entity.table(), idempotency::TABLE];
    let path = folder.path().join("shop.db");
    let database = Sqlite::open(&path, &tables, Durability::ProcessCrash).await.unwrap();
    (folder, database)
}

fn resource(database: DatabaseRef, announced: &Announced, options: ResourceOptions) -> Router {
    let announced = announced.clone();
    let announce: Announce = Arc::new(move |_, change| {
        announced.lock().unwrap().push(change);
        Ok(Vec::new())
    });
    let outside = Outside::fixed("2026-11-24T12:00:00Z".parse().unwrap(), 1);
    let orders = Resource::new("shop", ORDER, database, outside, announce).with(options);
    Service::new("shop").routes(orders.routes()).into_router()
}

pub(crate) async fn send(
    router: &Router,
    caller: Option<&str>,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(caller) = caller {
        request = request.extension(CallerName(caller.to_owned()));
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    match response.into_body().collect().await {
        Ok(body) => {
            let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            Answer { status, headers, body, complete: true }
        }
        Err(_) => Answer { status, headers, body: String::new(), complete: false },
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// Whether the body came to its end.
    pub(crate) complete: bool,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Fails unless it is a problem with this status and these words in it.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, words: &str) {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.body.contains(words), "{words}: {answer:?}");
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A header's value, empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A database that goes away after some lists, or that others are always faster at.
pub(crate) struct Troubled {
    pub(crate) inner: DatabaseRef,
    /// How many more lists it answers.
    pub(crate) lists: Mutex<u32>,
    /// Whether every commit is a conflict.
    pub(crate) conflicts: bool,
}

impl Troubled {
    pub(crate) fn router(self) -> Router {
        resource(Arc::new(self), &Announced::default(), ResourceOptions::default())
    }
}

#[async_trait::async_trait]
impl Database for Troubled {
    async fn get(&self, table: &Table, id: &Id) -> anyhow::Result<Option<Row>> {
        self.inner.get(table, id).await
    }

    async fn list(&self, table: &Table, page: &Page) -> anyhow::Result<Listing> {
        {
            let mut left = self.lists.lock().unwrap();
            *left = left.checked_sub(1).ok_or_else(|| anyhow::anyhow!("gone"))?;
        }
        self.inner.list(table, page).await
    }

    async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        match self.conflicts {
            true => Err(CommitError::Conflict),
            false => self.inner.commit(changes).await,
        }
    }

    async fn unsent(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>> {
        self.inner.unsent(channel, after, limit).await
    }

    async fn waiting(&self) -> anyhow::Result<Vec<(String, u64)>> {
        self.inner.waiting().await
    }

    async fn lease(
        &self,
        channel: &str,
        holder: &str,
        time: Duration,
    ) -> anyhow::Result<Option<i64>> {
        self.inner.lease(channel, holder, time).await
    }

    async fn release(&self, channel: &str, lease: i64) -> anyhow::Result<()> {
        self.inner.release(channel, lease).await
    }

    async fn sent(&self, channel: &str, positions: &[i64], lease: i64) -> anyhow::Result<bool> {
        self.inner.sent(channel, positions, lease).await
    }

    async fn reserve(&self, sequence: &str, start: i64, count: i64) -> anyhow::Result<i64> {
        self.inner.reserve(sequence, start, count).await
    }

    async fn forget_handled(&self, before: Timestamp) -> anyhow::Result<u64> {
        self.inner.forget_handled(before).await
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn check(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        self.inner.check().await
    }

    fn added(&self, channel: &str) -> watch::Receiver<u64> {
        self.inner.added(channel)
    }
}
