//! What a Config server says for a service (contract §7.2), asked at the start and followed afterwards.

use std::time::Duration;

use anyhow::{Context, bail};
use chassis::{Outside, Stop, config::RemoteSource};
use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::{sync::Mutex, time::sleep};
use tracing::warn;

use super::{Address, contact::Contact};
use crate::answer;

/// The media type whose values carry their origins, which is what Spring's own client asks for.
const WITH_ORIGINS: &str = "application/vnd.spring-cloud.config-server.v2+json, application/json";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A server that fetches from far away may take its time.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a Config server of ours is asked to wait for a change.
const WAIT: Duration = Duration::from_secs(20);
const ASK: &str = "ask the Config server";
/// The largest answer that is read, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;

/// Whose configuration is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The service's name.
    pub application: String,
    /// Its profiles, the later ones more important.
    pub profiles: Vec<String>,
    /// The branch, tag or other label; empty for the server's own choice.
    pub label: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    #[serde(default)]
    property_sources: Vec<PropertySource>,
}

#[derive(Deserialize)]
struct PropertySource {
    name: String,
    #[serde(default)]
    source: Map<String, Value>,
}

/// What a Config server has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// The properties, the most important source first.
    pub sources: Vec<RemoteSource>,
    /// The name of what was said, if it has one: then [`Configuration::follow`] waits for something else.
    pub tag: Option<String>,
}

/// Asks the Config server at `address` (for example `http://admin:secret@host:8761/config`) for the properties of a
/// service.
///
/// # Errors
/// When it does not answer within half a minute, does not let us in, or answers something else than properties.
pub async fn configuration(address: &Address, question: &Question) -> anyhow::Result<Configured> {
    let request = request(address, question)?;
    said(address, request.send().await.context(ASK)?).await
}

/// The configuration of a service after its start.
#[derive(Debug)]
pub struct Configuration {
    address: Address,
    question: Question,
    /// The name of what was applied last. Whoever holds it applies something.
    last: Mutex<Option<String>>,
}

impl Configuration {
    /// What the Config server at `address` says to a question, after it has said what is called `tag`.
    pub fn new(address: Address, question: Question, tag: Option<String>) -> Self {
        Configuration { address, question, last: Mutex::new(tag) }
    }

    /// Asks now, and applies what is said.
    ///
    /// # Errors
    /// As [`configuration`], and those of `apply`.
    pub async fn now<T>(
        &self,
        apply: impl FnOnce(&[RemoteSource]) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut last = self.last.lock().await;
        let said = configuration(&self.address, &self.question).await?;
        let applied = apply(&said.sources)?;
        *last = said.tag;
        Ok(applied)
    }

    /// Applies, until `stop`, what a Config server of ours says as soon as it says something else. Another one cannot be
    /// followed: nothing happens then.
    pub async fn follow(
        &self,
        outside: &Outside,
        stop: Stop,
        apply: impl Fn(&[RemoteSource]) -> anyhow::Result<()>,
    ) {
        let followed = async {
            let mut contact =
                Contact::new(format!("the Config server at {}", self.address), outside);
            // Not while it waits: it may be asked at any time.
            while let Some(known) = { self.last.lock().await.clone() } {
                match configuration_after(&self.address, &self.question, &known).await {
                    Err(error) => sleep(contact.failed(&error)).await,
                    Ok(None) => contact.made(),
                    Ok(Some(said)) => {
                        contact.made();
                        let mut last = self.last.lock().await;
                        *last = said.tag;
                        if let Err(error) = apply(&said.sources) {
                            warn!("the Config server says what cannot be used: {error:#}");
                        }
                    }
                }
            }
            std::future::pending::<()>().await;
        };
        stop.run_until_cancelled(followed).await;
    }
}

/// Asks a Config server of ours for what it says once that is no longer what has this name; `None` when it still is
/// after twenty seconds.
async fn configuration_after(
    address: &Address,
    question: &Question,
    tag: &str,
) -> anyhow::Result<Option<Configured>> {
    let request = request(address, question)?
        .header(header::IF_NONE_MATCH, tag)
        .header("prefer", format!("wait={}", WAIT.as_secs()));
    let answer = request.send().await.context(ASK)?;
    if answer.status() == StatusCode::NOT_MODIFIED {
        return Ok(None);
    }
    said(address, answer).await.map(Some)
}

fn request(address: &Address, question: &Question) -> anyhow::Result<RequestBuilder> {
    let profiles = question.profiles.join(",");
    let label = question.label.replace('/', "(_)");
    let mut segments = vec![question.application.as_str(), profiles.as_str()];
    segments.extend((!label.is_empty()).then_some(label.as_str()));
    let url = address.url(&segments);
    let client = chassis::client(&url, TIMEOUT).connect_timeout(CONNECT_TIMEOUT).build();
    let request = client
        .context("prepare the client for the Config server")?
        .get(url)
        .header(header::ACCEPT, WITH_ORIGINS);
    if address.user().is_empty() {
        return Ok(request);
    }
    Ok(request.basic_auth(address.user(), Some(address.password())))
}

async fn said(address: &Address, answer: Response) -> anyhow::Result<Configured> {
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => bail!(
            "the Config server at {address} does not know the user or the password; correct them in spring.cloud.config.uri"
        ),
        status => bail!("the Config server at {address} answered {status}"),
    }
    let tag = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let tag = tag.map(str::to_owned);
    let body = answer::body(answer, LIMIT).await.context(ASK)?;
    let environment: Environment =
        serde_json::from_slice(&body).context("read the Config server's answer")?;
    let sources = environment.property_sources.into_iter().map(source).collect();
    Ok(Configured { sources, tag })
}

fn source(source: PropertySource) -> RemoteSource {
    let properties =
        source.source.into_iter().map(|(key, value)| (key, text(plain(value)))).collect();
    RemoteSource { name: source.name, properties }
}

/// The value itself, with its origin or without.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(mut members) => members.remove("value").unwrap_or(Value::Null),
        value => value,
    }
}

fn text(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_with_their_origin_or_without() {
        for (value, expected) in [
            (r#"{"value":"a","origin":"file.yml:1:2"}"#, "a"),
            (r#"{"value":8761,"origin":"file.yml:1:2"}"#, "8761"),
            (r#""b""#, "b"),
            ("true", "true"),
            ("null", ""),
        ] {
            let json = serde_json::from_str(&format!(
                r#"{{"propertySources":[{{"name":"file.yml","source":{{"key":{value}}}}}]}}"#
            ))
            .unwrap();
            let environment: Environment = serde_json::from_value(json).unwrap();
            let read: Vec<_> = environment.property_sources.into_iter().map(source).collect();
            let properties = vec![("key".to_owned(), expected.to_owned())];
            assert_eq!(read, [RemoteSource { name: "file.yml".into(), properties }]);
        }
    }
}
