//! A plain HTTP/1.1 client with kept connections; every wait has a limit and every answer a size.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// How long one request may take, from sending to the last byte of the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that is read, unless another limit is asked for.
const ANSWER_LIMIT: usize = 1 << 20;

/// How much of a refusal's body is shown.
const EXCERPT: usize = 300;

/// The client; clones share the connections.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    limit: usize,
}

impl Http {
    pub(crate) fn new() -> Http {
        Http::for_answers_up_to(ANSWER_LIMIT)
    }

    /// A client that reads answers of at most so many bytes.
    pub(crate) fn for_answers_up_to(limit: usize) -> Http {
        let mut connector = HttpConnector::new();
        // Without this, a request that is written in two parts waits for the other side's delayed acknowledgement.
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(PATIENCE));
        Http { client: Client::builder(TokioExecutor::new()).build(connector), limit }
    }

    /// Sends a request and returns the body of a successful answer; any other status is an error that quotes it.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Bytes> {
        let what = format!("{} {}", request.method(), request.uri());
        let (status, body) = self.ask(request).await?;
        if !status.is_success() {
            let excerpt: String = String::from_utf8_lossy(&body).chars().take(EXCERPT).collect();
            bail!("{what}: {status}: {excerpt}");
        }
        Ok(body)
    }

    /// Sends a request and returns status and body of the answer, whatever it is.
    pub(crate) async fn ask(
        &self,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let (head, body) = self.answer(request).await?.into_parts();
        Ok((head.status, body))
    }

    /// As [`Http::ask`], with the headers.
    pub(crate) async fn answer(
        &self,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<Response<Bytes>> {
        let what = format!("{} {}", request.method(), request.uri());
        tokio::time::timeout(PATIENCE, self.exchange(request))
            .await
            .with_context(|| format!("{what}: no answer in {} s", PATIENCE.as_secs()))?
            .context(what)
    }

    /// As [`Http::send`], for an answer that is JSON.
    pub(crate) async fn send_for_json(
        &self,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<Value> {
        let what = format!("{} {}", request.method(), request.uri());
        let body = self.send(request).await?;
        serde_json::from_slice(&body).with_context(|| format!("{what}: the answer is not JSON"))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Bytes>> {
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = Limited::new(body, self.limit).collect().await;
        let body = body.map_err(|cause| anyhow::anyhow!("read the answer: {cause}"))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}
