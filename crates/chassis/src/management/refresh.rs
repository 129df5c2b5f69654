//! `POST /management/refresh`, as Spring Cloud has it: the configuration is read again, and the keys that have changed
//! are the answer.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{Watched, media};
use crate::Problem;

/// Reads the configuration again, and tells which keys have changed.
pub(super) type Refresh =
    Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<Vec<String>>> + Send + Sync>;

pub(super) async fn refresh(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = media::kind(&headers)?;
    let Some(refresh) = &watched.refresh else { return Err(Problem::not_found()) };
    let changed = refresh().await.map_err(Problem::internal)?;
    Ok(media::answer(kind, &changed.into_iter().map(Value::String).collect()))
}
