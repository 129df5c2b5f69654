//! The calls that a client makes to the registry.

use std::time::Duration;

use anyhow::{Context, anyhow};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, header};
use serde_json::json;

use super::Address;
use crate::{
    answer::{self, List},
    instance::Instance,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long the registry is asked to wait for a change.
const WAIT: Duration = Duration::from_secs(20);
const FETCH: &str = "fetch the instances";
/// The largest list of instances that is read, in bytes.
const LIST_LIMIT: usize = 16 * 1024 * 1024;

/// A registry's client.
#[derive(Clone, Debug)]
pub(super) struct Eureka {
    http: Client,
    address: Address,
}

/// Whether the registry knows who sent a heartbeat.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Renewed {
    Known,
    Forgotten,
}

/// A list of instances.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) list: List,
    /// The name of the list, with which a registry of ours can be asked for the next one.
    pub(super) tag: Option<String>,
}

impl Eureka {
    pub(super) fn new(address: Address) -> anyhow::Result<Self> {
        // The registry is a neighbour: no proxy knows it, and a redirect would carry the password elsewhere.
        let http = chassis::client(&address.url(&[]), TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .build()
            .context("prepare the client for the registry")?;
        Ok(Eureka { http, address })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) async fn register(&self, instance: &Instance) -> anyhow::Result<()> {
        let request = self
            .request(Method::POST, self.address.url(&["apps", &instance.app]))
            .json(&json!({ "instance": instance }));
        self.send(request, "register").await?;
        Ok(())
    }

    pub(super) async fn renew(&self, instance: &Instance) -> anyhow::Result<Renewed> {
        let dirty = instance.last_dirty_timestamp.to_string();
        let mut url = self.address.url(&["apps", &instance.app, instance.id()]);
        url.query_pairs_mut()
            .append_pair("status", instance.status.name())
            .append_pair("lastDirtyTimestamp", &dirty);
        let request = self.request(Method::PUT, url);
        let answer = request.send().await.context("send a heartbeat")?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(Renewed::Forgotten);
        }
        self.accepted(answer, "send a heartbeat")?;
        Ok(Renewed::Known)
    }

    pub(super) async fn cancel(&self, instance: &Instance) -> anyhow::Result<()> {
        let request =
            self.request(Method::DELETE, self.address.url(&["apps", &instance.app, instance.id()]));
        self.send(request, "cancel the registration").await?;
        Ok(())
    }

    /// Every instance that the registry knows; one that cannot be understood is left out.
    pub(super) async fn instances(&self) -> anyhow::Result<Listed> {
        let request = self.request(Method::GET, self.address.url(&["apps", ""]));
        listed(self.send(request, FETCH).await?).await
    }

    /// What has changed lately, as soon as the list is no longer the one of this name; `None` when it still is after
    /// twenty seconds. Only a registry of ours waits.
    pub(super) async fn changes(&self, tag: &str) -> anyhow::Result<Option<Listed>> {
        let request = self
            .request(Method::GET, self.address.url(&["apps", "delta"]))
            .header(header::IF_NONE_MATCH, tag)
            .header("prefer", format!("wait={}", WAIT.as_secs()))
            .timeout(WAIT + TIMEOUT);
        let answer = request.send().await.context(FETCH)?;
        if answer.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        listed(self.accepted(answer, FETCH)?).await.map(Some)
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url).header(header::ACCEPT, "application/json");
        if self.address.user().is_empty() {
            return request;
        }
        request.basic_auth(self.address.user(), Some(self.address.password()))
    }

    async fn send(&self, request: RequestBuilder, what: &'static str) -> anyhow::Result<Response> {
        let answer = request.send().await.context(what)?;
        self.accepted(answer, what)
    }

    fn accepted(&self, answer: Response, what: &str) -> anyhow::Result<Response> {
        let address = &self.address;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            StatusCode::UNAUTHORIZED => Err(anyhow!(
                "{what}: the registry at {address} does not know the user or the password; correct them in its address"
            )),
            status => Err(anyhow!("{what}: the registry at {address} answered {status}")),
        }
    }
}

async fn listed(answer: Response) -> anyhow::Result<Listed> {
    let tag = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let tag = tag.map(str::to_owned);
    let list = answer::list(&answer::body(answer, LIST_LIMIT).await.context(FETCH)?)?;
    Ok(Listed { list, tag })
}
