//! The caches of a service.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{CacheFigures, Figures, Watched, media};
use crate::Problem;

/// One cache.
pub(super) struct Cache {
    pub(super) name: String,
    /// What it is made of.
    pub(super) target: &'static str,
    pub(super) figures: Figures<CacheFigures>,
}

pub(super) async fn all(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caches = watched.caches.iter();
    let caches: Map<String, Value> =
        caches.map(|cache| (cache.name.clone(), json!({ "target": cache.target }))).collect();
    media::json(&headers, &json!({ "cacheManagers": { "cacheManager": { "caches": caches } } }))
}

pub(super) async fn one(
    State(watched): State<Arc<Watched>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match watched.caches.iter().find(|cache| cache.name == name) {
        Some(cache) => {
            let shown =
                json!({ "target": cache.target, "name": name, "cacheManager": "cacheManager" });
            media::json(&headers, &shown)
        }
        None => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}
