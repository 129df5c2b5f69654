//! What registries and Config servers answer, read within bounds.

use anyhow::{Context, ensure};
use reqwest::Response;
use serde::Deserialize;
use serde_json::Value;
use tracing::debug;

use crate::instance::Instance;

/// Instances of all applications, as a registry lists them in JSON.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) instances: Vec<Instance>,
    /// How many instances the registry has in which status.
    pub(crate) hash_code: String,
}

#[derive(Deserialize)]
struct Body {
    applications: Applications,
}

#[derive(Deserialize)]
struct Applications {
    #[serde(rename = "apps__hashcode", default)]
    hash_code: String,
    #[serde(default)]
    application: Vec<Application>,
}

#[derive(Deserialize)]
struct Application {
    #[serde(default)]
    instance: Vec<Value>,
}

/// Reads a list; an instance that cannot be understood is left out.
///
/// # Errors
/// When it is no list.
pub(crate) fn list(body: &[u8]) -> anyhow::Result<List> {
    let Body { applications } =
        serde_json::from_slice(body).context("read the list of instances")?;
    let all = applications.application.into_iter().flat_map(|application| application.instance);
    let understood = all.filter_map(|instance| {
        let read = Instance::from_value(instance);
        read.inspect_err(|error| debug!("left out an instance: {error}")).ok()
    });
    Ok(List { instances: understood.collect(), hash_code: applications.hash_code })
}

/// The body of an answer.
///
/// # Errors
/// When it does not arrive, or is longer than `limit` bytes.
pub(crate) async fn body(mut answer: Response, limit: usize) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.context("read the answer")? {
        body.extend_from_slice(&chunk);
        ensure!(body.len() <= limit, "the answer is longer than {limit} bytes");
    }
    Ok(body)
}
