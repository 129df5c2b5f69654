//! The levels of log lines, shown and changed.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use tracing::level_filters::LevelFilter;

use super::{Watched, media};
use crate::{
    Problem, http,
    telemetry::{LEVELS, Loggers, level_name},
};

/// Names for several loggers at once, as Spring has them.
const GROUPS: [(&str, &[&str]); 2] =
    [("web", &["chassis.http", "discovery.forward"]), ("sql", &["database"])];

pub(super) async fn all(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = media::kind(&headers)?;
    let loggers = levels(&watched)?;
    let mut names = loggers.names();
    // The package of a Java service stands for the crate of ours.
    names.push(watched.about.group.clone());
    let shown: Map<String, Value> = names
        .into_iter()
        .filter_map(|name| {
            let shown = logger(loggers, alias(&watched, &name))?;
            Some((name, shown))
        })
        .collect();
    let names = LEVELS.map(|(name, _)| name);
    let groups = GROUPS.iter().map(|(name, _)| ((*name).to_owned(), group(loggers, name)));
    let groups: Map<String, Value> = groups.collect();
    Ok(media::answer(kind, &json!({ "levels": names, "loggers": shown, "groups": groups })))
}

pub(super) async fn one(
    State(watched): State<Arc<Watched>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = media::kind(&headers)?;
    let loggers = levels(&watched)?;
    if members(&name).is_some() {
        return Ok(media::answer(kind, &group(loggers, &name)));
    }
    match logger(loggers, alias(&watched, &name)) {
        Some(shown) => Ok(media::answer(kind, &shown)),
        None => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}

pub(super) async fn set(
    State(watched): State<Arc<Watched>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let level = wanted(&headers, body).await?;
    let loggers = levels(&watched)?;
    let alias = alias(&watched, &name);
    for name in members(&name).unwrap_or(&[&alias]) {
        loggers.set(name, level).map_err(|cause| Problem::bad_request(format!("{cause:#}")))?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The level that a body asks for; none when it asks for that of the parent.
async fn wanted(headers: &HeaderMap, body: Body) -> Result<Option<LevelFilter>, Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.unwrap_or("application/octet-stream");
    let kind = given.split(';').next().unwrap_or_default().trim();
    if !media::KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(Problem::unsupported_media_type(given, &media::KINDS.join(", ")));
    }
    let body = http::body(body).await?;
    if body.is_empty() {
        return Ok(None);
    }
    let unreadable = |_| Problem::bad_request("Unable to convert http message");
    let body: Map<String, Value> = serde_json::from_slice(&body).map_err(unreadable)?;
    match body.get("configuredLevel") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => level(name).map(Some),
        Some(_) => Err(unknown_level()),
    }
}

fn level(name: &str) -> Result<LevelFilter, Problem> {
    if name.eq_ignore_ascii_case("FATAL") {
        return Ok(LevelFilter::ERROR);
    }
    let known = LEVELS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    known.map(|(_, level)| *level).ok_or_else(unknown_level)
}

/// In the words of the Java services.
fn unknown_level() -> Problem {
    Problem::bad_request("Unexpected runtime exception")
}

fn levels(watched: &Watched) -> Result<&Loggers, Problem> {
    watched.loggers.as_ref().ok_or_else(Problem::not_found)
}

fn alias(watched: &Watched, name: &str) -> String {
    let about = &watched.about;
    match name.strip_prefix(&about.group) {
        Some(rest) if rest.is_empty() || rest.starts_with('.') => format!("{}{rest}", about.name),
        _ => name.to_owned(),
    }
}

fn logger(loggers: &Loggers, name: String) -> Option<Value> {
    let logger = loggers.get(&name)?;
    Some(json!({
        "configuredLevel": logger.configured.map(level_name),
        "effectiveLevel": level_name(logger.effective),
    }))
}

fn members(group: &str) -> Option<&'static [&'static str]> {
    GROUPS.iter().find(|(name, _)| *name == group).map(|(_, members)| *members)
}

/// A group has a level when all of its members have the same one of their own.
fn group(loggers: &Loggers, name: &str) -> Value {
    let members = members(name).unwrap_or_default();
    let mut levels = members.iter().map(|name| loggers.get(name)?.configured);
    let first = levels.next().flatten();
    let common = first.filter(|first| levels.all(|level| level == Some(*first)));
    json!({ "configuredLevel": common.map(level_name), "members": members })
}
