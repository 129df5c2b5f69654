//! The figures for Prometheus.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::{
    Watched, gauges, health,
    metrics::{Format, Source, families, write},
};
use crate::{Problem, http::accepted};

pub(super) async fn show(
    State(watched): State<Arc<Watched>>,
    Query(parameters): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (format, kind) = match accepted(&headers, &["text/plain", "application/openmetrics-text"]) {
        Some("text/plain") => (Format::Prometheus, "text/plain;version=0.0.4;charset=utf-8"),
        Some(_) => {
            (Format::OpenMetrics, "application/openmetrics-text;version=1.0.0;charset=utf-8")
        }
        None => return Err(Problem::not_acceptable()),
    };
    let included: Vec<&str> = parameters
        .iter()
        .filter(|(name, _)| name == "includedNames")
        .flat_map(|(_, names)| names.split(','))
        .collect();
    let source = Source {
        requests: watched.observed.requests.measured(),
        process: watched.process.figures(),
        disk: health::space(&watched.disk).ok(),
        lines: watched.loggers.as_ref().map(|loggers| loggers.counts()),
        pools: watched.pools.iter().map(|(name, figures)| (name.as_str(), figures())).collect(),
        caches: watched
            .caches
            .iter()
            .map(|cache| (cache.name.as_str(), (cache.figures)()))
            .collect(),
        gauges: gauges::all(&watched.gauges).await,
    };
    let text = write(&families(&source), &watched.about.name, &included, format);
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
