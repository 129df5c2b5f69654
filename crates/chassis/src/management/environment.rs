//! The configuration with its origins and without its secrets, in Spring's two forms: sources of properties, and beans.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{Watched, media};
use crate::{Problem, config::Shown};

pub(super) async fn all(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let settings = watched.settings.get();
    let mut sources: Vec<(String, Map<String, Value>)> = Vec::new();
    for shown in settings.shown() {
        let property = property(&shown);
        match sources.iter_mut().find(|(name, _)| *name == shown.source) {
            Some((_, properties)) => drop(properties.insert(shown.key.to_owned(), property)),
            None => {
                let properties = Map::from_iter([(shown.key.to_owned(), property)]);
                sources.push((shown.source, properties));
            }
        }
    }
    sources.sort_by_key(|(name, _)| rank(name));
    let sources: Vec<Value> = sources
        .into_iter()
        .map(|(name, properties)| json!({ "name": name, "properties": properties }))
        .collect();
    let body = json!({ "activeProfiles": watched.about.profiles, "propertySources": sources });
    media::json(&headers, &body)
}

pub(super) async fn one(
    State(watched): State<Arc<Watched>>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let settings = watched.settings.get();
    let mut names: Vec<String> = Vec::new();
    for shown in settings.shown() {
        if !names.contains(&shown.source) {
            names.push(shown.source);
        }
    }
    names.sort_by_key(|name| rank(name));
    let Some(found) = settings.shown().find(|shown| shown.key == key) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let source = |name: String| match name == found.source {
        true => json!({ "name": name, "property": property(&found) }),
        false => json!({ "name": name }),
    };
    let sources: Vec<Value> = names.into_iter().map(source).collect();
    let body = json!({
        "property": { "source": found.source, "value": found.value },
        "activeProfiles": watched.about.profiles,
        "propertySources": sources,
    });
    media::json(&headers, &body)
}

fn property(shown: &Shown<'_>) -> Value {
    json!({ "value": shown.value, "origin": shown.origin })
}

/// The layers in the order in which they win.
fn rank(source: &str) -> u8 {
    match source {
        "commandLineArgs" => 0,
        _ if source.starts_with("bootstrapProperties-") => 1,
        "systemEnvironment" => 2,
        "defaultProperties" => 4,
        _ => 3,
    }
}

pub(super) async fn beans(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers, &contexts(&watched, beans_under(&watched, "")))
}

pub(super) async fn beans_of(
    State(watched): State<Arc<Watched>>,
    Path(prefix): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let beans = beans_under(&watched, &prefix);
    match beans.is_empty() {
        true => Ok(StatusCode::NOT_FOUND.into_response()),
        false => media::json(&headers, &contexts(&watched, beans)),
    }
}

fn contexts(watched: &Watched, beans: Map<String, Value>) -> Value {
    let name = format!("{}-1", watched.about.name);
    json!({ "contexts": { name: { "beans": beans, "parentId": null } } })
}

/// Keys that have all but their last segment in common are one bean.
fn beans_under(watched: &Watched, wanted: &str) -> Map<String, Value> {
    let settings = watched.settings.get();
    let mut beans = Map::new();
    for shown in settings.shown() {
        let (prefix, name) = shown.key.rsplit_once('.').unwrap_or(("", shown.key));
        let rest = prefix.strip_prefix(wanted);
        if !rest.is_some_and(|rest| wanted.is_empty() || rest.is_empty() || rest.starts_with('.')) {
            continue;
        }
        let empty = || json!({ "prefix": prefix, "properties": {}, "inputs": {} });
        let bean = beans.entry(prefix).or_insert_with(empty);
        let name = camel_case(name);
        bean["properties"][&name] = shown.value.clone();
        bean["inputs"][&name] = property(&shown);
    }
    beans
}

fn camel_case(name: &str) -> String {
    let mut upper = false;
    let mut camel = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '-' => upper = true,
            letter if upper => {
                camel.extend(letter.to_uppercase());
                upper = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}
