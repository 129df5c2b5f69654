//! A person of the story who calls the system: opens stores and updates them.

use anyhow::Context;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, header::HeaderValue};
use serde_json::{Value, json};

use crate::{http::Http, token::Bearer};

/// Calls the store resource with a token.
pub(crate) struct Caller {
    http: Http,
    base: String,
    stores: String,
    bearer: Bearer,
}

impl Caller {
    /// A caller of the resource `/api/stores` below `base`.
    pub(crate) fn new(http: Http, base: &str, bearer: Bearer) -> Caller {
        let base = base.trim_end_matches('/').to_owned();
        Caller { http, stores: format!("{base}/api/stores"), base, bearer }
    }

    /// Opens a store and returns its id.
    pub(crate) async fn open(&self, name: &str) -> anyhow::Result<String> {
        let request = self.request(Request::post(&self.stores), &store(None, name, "OPEN"))?;
        let answer = self.http.send_for_json(request).await.context("open a store")?;
        let id = answer.get("id").and_then(Value::as_str);
        Ok(id.context("open a store: the answer has no id")?.to_owned())
    }

    /// Closes a store under a new name; returns when the whole answer is here.
    pub(crate) async fn close(&self, id: &str, name: &str) -> anyhow::Result<()> {
        let request = Request::put(format!("{}/{id}", self.stores));
        let request = self.request(request, &store(Some(id), name, "CLOSED"))?;
        self.http.send(request).await?;
        Ok(())
    }

    /// Removes a store.
    pub(crate) async fn remove(&self, id: &str) -> anyhow::Result<()> {
        let request = Request::delete(format!("{}/{id}", self.stores))
            .header("authorization", self.bearer.header())
            .body(Full::default())
            .with_context(|| format!("the address {} is no URL", self.stores))?;
        self.http.send(request).await.context("remove a store")?;
        Ok(())
    }

    /// How many entities there are at `/api/` and this name.
    pub(crate) async fn count(&self, entities: &str) -> anyhow::Result<u64> {
        let url = format!("{}/api/{entities}?page=0&size=1", self.base);
        let request = Request::get(&url)
            .header("authorization", self.bearer.header())
            .body(Full::default())
            .with_context(|| format!("the address {url} is no URL"))?;
        let answer = self.http.answer(request).await?;
        let total = answer.headers().get("x-total-count").and_then(|total| total.to_str().ok());
        let total = total.and_then(|total| total.parse().ok());
        total.with_context(|| format!("GET {url}: {} without X-Total-Count", answer.status()))
    }

    /// What the service says of its health, well or not.
    pub(crate) async fn health(&self) -> anyhow::Result<Value> {
        let url = format!("{}/management/health", self.base);
        let request = Request::get(&url)
            .header("authorization", self.bearer.header())
            .body(Full::default())
            .with_context(|| format!("the address {url} is no URL"))?;
        let (status, body) = self.http.ask(request).await?;
        serde_json::from_slice(&body).with_context(|| format!("GET {url}: {status} without JSON"))
    }

    /// The `Authorization` header as it is now.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.bearer.header()
    }

    fn request(
        &self,
        builder: hyper::http::request::Builder,
        body: &Value,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        builder
            .header("authorization", self.bearer.header())
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .with_context(|| format!("the address {} is no URL", self.stores))
    }
}

/// A store as it is sent.
pub(crate) fn store(id: Option<&str>, name: &str, status: &str) -> Value {
    let mut body = json!({
        "name": name,
        "address": "1 Main Street, Springfield",
        "status": status,
        "createTimestamp": "2026-01-01T00:00:00Z",
    });
    if let Some(id) = id {
        body["id"] = json!(id);
    }
    body
}
