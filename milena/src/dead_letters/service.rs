//! The resource `/management/deadletters` of a service, asked over HTTP. What it says against a request is put into words
//! that tell a person what to do.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use chassis::Secret;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, header};
use serde_json::Value;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// A service that has dead letters.
pub(super) struct Service {
    at: Url,
    client: Client,
    token: Secret<String>,
}

/// A page of dead letters, and how many there are in all.
pub(super) struct Listing {
    pub(super) letters: Value,
    pub(super) total: u64,
}

impl Service {
    pub(super) fn new(at: Url, token: Secret<String>) -> anyhow::Result<Self> {
        let client = chassis::client(&at, PATIENCE).build().context("prepare requests")?;
        Ok(Service { at, client, token })
    }

    pub(super) async fn list(&self, query: &[(&str, &str)]) -> anyhow::Result<Listing> {
        let answer = self.send(Method::GET, &[], query, None).await?;
        let total = answer.headers().get("x-total-count");
        let total = total.and_then(|total| total.to_str().ok()?.parse().ok());
        let total = total.with_context(|| self.strange())?;
        Ok(Listing { letters: self.json(answer, Value::is_array).await?, total })
    }

    pub(super) async fn reasons(&self) -> anyhow::Result<Value> {
        let answer = self.send(Method::GET, &["reasons"], &[], None).await?;
        self.json(answer, Value::is_array).await
    }

    pub(super) async fn show(&self, id: &str) -> anyhow::Result<Value> {
        let answer = self.send(Method::GET, &[id], &[], None).await?;
        self.json(answer, Value::is_object).await
    }

    pub(super) async fn replay(&self, id: &str) -> anyhow::Result<()> {
        self.send(Method::POST, &[id, "replay"], &[], None).await.map(drop)
    }

    /// Replays all that a query selects, or as many as the service does at a time; answers how many, and how many such
    /// letters there are still.
    pub(super) async fn replay_some(&self, query: &[(&str, &str)]) -> anyhow::Result<(u64, u64)> {
        let answer = self.send(Method::POST, &["replay"], query, None).await?;
        let outcome = self.json(answer, Value::is_object).await?;
        let number = |name: &str| outcome[name].as_u64().with_context(|| self.strange());
        Ok((number("replayed")?, number("left")?))
    }

    pub(super) async fn edit(&self, id: &str, change: &Value) -> anyhow::Result<()> {
        self.send(Method::PUT, &[id], &[], Some(change)).await.map(drop)
    }

    pub(super) async fn discard(&self, id: &str) -> anyhow::Result<()> {
        self.send(Method::DELETE, &[id], &[], None).await.map(drop)
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        change: Option<&Value>,
    ) -> anyhow::Result<Response> {
        let mut url = self.at.clone();
        url.path_segments_mut()
            .map_err(|()| anyhow!("{} has no path", self.at))?
            .pop_if_empty()
            .extend(["management", "deadletters"])
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.client.request(method, url).bearer_auth(self.token.expose());
        let request = match change {
            Some(change) => request.json(change),
            None => request,
        };
        let answer = self.answer(request.header(header::ACCEPT, "application/json")).await?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            status => Err(self.refusal(status, answer, path.is_empty()).await),
        }
    }

    async fn answer(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let at = &self.at;
        request.send().await.map_err(|error| {
            let said = match &error {
                error if error.is_connect() => {
                    format!(
                        "nobody answers at {at}: is the service running? --at names another one"
                    )
                }
                error if error.is_timeout() => format!("{at} has not answered within {PATIENCE:?}"),
                _ => format!("{at} cannot be asked"),
            };
            anyhow::Error::new(error.without_url()).context(said)
        })
    }

    /// Why a request was refused, in words that say what to do.
    async fn refusal(&self, status: StatusCode, answer: Response, is_list: bool) -> anyhow::Error {
        let at = &self.at;
        match status {
            StatusCode::UNAUTHORIZED => {
                anyhow!(
                    "{at} does not take the access token: it is not good, or not any more; sign in again"
                )
            }
            StatusCode::FORBIDDEN => {
                anyhow!(
                    "you are signed in at {at}, but dead letters are for administrators (ROLE_ADMIN)"
                )
            }
            StatusCode::NOT_FOUND if is_list => {
                anyhow!(
                    "{at} has no dead letters to show: is it the address of a service of this program?"
                )
            }
            StatusCode::NOT_FOUND => {
                anyhow!("there is no such dead letter at {at}, or not any more")
            }
            _ => {
                let body = body(answer).await.unwrap_or_default();
                let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
                let detail = problem["detail"].as_str().unwrap_or("no reason is given");
                let detail: String = detail.chars().take(500).collect();
                anyhow!("{at} refuses ({status}): {detail}")
            }
        }
    }

    async fn json(&self, answer: Response, is_it: fn(&Value) -> bool) -> anyhow::Result<Value> {
        let read = serde_json::from_slice(&body(answer).await?).with_context(|| self.strange())?;
        ensure!(is_it(&read), self.strange());
        Ok(read)
    }

    fn strange(&self) -> String {
        format!("{} answers as no service of this program does", self.at)
    }
}

/// Reads an answer within bounds.
pub(super) async fn body(mut answer: Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.context("read the answer")? {
        if body.len() + part.len() > LARGEST {
            bail!("the answer is larger than {LARGEST} bytes");
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}
