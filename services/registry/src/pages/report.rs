//! What an instance, ours or a Java one, tells of itself: health, figures, environment, properties, API. Names and values
//! come from outside: they are shown as text, and no more than fits a page.

use std::sync::Arc;

use ::pages::{Frame, Visit, page, shortened};
use askama::Template;
use axum::{extract::State, response::Response};
use chassis::Problem;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Pages, Which,
    flat::{Leaf, leaves},
    frame,
    instance::Head,
    query::Query,
    shown::{Badge, text},
    visit::Administrator,
};
use crate::call::{Endpoint, Failure};

/// How many values of one section, and how many sections, are shown.
const LEAVES: usize = 500;
const SECTIONS: usize = 100;

#[derive(Template)]
#[template(path = "report.html")]
struct Report {
    frame: Frame,
    head: Head,
    /// What the sections are narrowed to, where a page can be.
    wanted: Option<String>,
    app: String,
    id: String,
    failure: Option<Failure>,
    sections: Vec<Section>,
}

/// Values that belong together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Section {
    title: String,
    badge: Option<Badge>,
    leaves: Vec<Leaf>,
}

/// Which instance, and which names.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    which: Which,
    #[serde(default)]
    name: String,
}

/// What a page asks and how it shows the answer.
struct Kind {
    title: &'static str,
    endpoint: Endpoint,
    sections: fn(&Value) -> Vec<Section>,
    /// Whether names can be looked for.
    narrows: bool,
}

pub(super) async fn health(
    pages: State<Arc<Pages>>,
    visitor: Administrator,
    asked: Query<Asked>,
) -> Result<Response, Problem> {
    let (endpoint, sections) = (Endpoint::Health, components as fn(&Value) -> _);
    show(pages, visitor, asked, Kind { title: "Health", endpoint, sections, narrows: false }).await
}

pub(super) async fn metrics(
    pages: State<Arc<Pages>>,
    visitor: Administrator,
    asked: Query<Asked>,
) -> Result<Response, Problem> {
    let (endpoint, sections) = (Endpoint::Metrics, members as fn(&Value) -> _);
    show(pages, visitor, asked, Kind { title: "Metrics", endpoint, sections, narrows: true }).await
}

pub(super) async fn environment(
    pages: State<Arc<Pages>>,
    visitor: Administrator,
    asked: Query<Asked>,
) -> Result<Response, Problem> {
    let (endpoint, sections) = (Endpoint::Environment, property_sources as fn(&Value) -> _);
    show(pages, visitor, asked, Kind { title: "Environment", endpoint, sections, narrows: true })
        .await
}

pub(super) async fn properties(
    pages: State<Arc<Pages>>,
    visitor: Administrator,
    asked: Query<Asked>,
) -> Result<Response, Problem> {
    let (endpoint, sections) = (Endpoint::Properties, beans as fn(&Value) -> _);
    show(pages, visitor, asked, Kind { title: "Properties", endpoint, sections, narrows: true })
        .await
}

pub(super) async fn documents(
    pages: State<Arc<Pages>>,
    visitor: Administrator,
    asked: Query<Asked>,
) -> Result<Response, Problem> {
    let (endpoint, sections) = (Endpoint::Documents, operations as fn(&Value) -> _);
    show(pages, visitor, asked, Kind { title: "API", endpoint, sections, narrows: true }).await
}

async fn show(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Query(asked): Query<Asked>,
    kind: Kind,
) -> Result<Response, Problem> {
    let instance = pages.find(&asked.which)?;
    let answered = pages.calls.get(&instance, kind.endpoint, &visit).await;
    let (mut sections, failure) = match answered {
        Ok(answer) => ((kind.sections)(&answer), None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    if kind.narrows {
        narrow(&mut sections, asked.name.trim());
    }
    sections.truncate(SECTIONS);
    page(&Report {
        frame: titled(kind.title, instance.id(), &visit),
        head: Head::of(&instance, &visit),
        wanted: kind.narrows.then_some(asked.name),
        app: asked.which.app,
        id: asked.which.id,
        failure,
        sections,
    })
}

pub(super) fn titled(what: &str, id: &str, visit: &Visit) -> Frame {
    frame(format!("{what} of {}", shortened(id)), visit)
}

/// Leaves only the values whose names have this in them.
fn narrow(sections: &mut Vec<Section>, wanted: &str) {
    let wanted = wanted.to_lowercase();
    if wanted.is_empty() {
        return;
    }
    for section in sections.iter_mut() {
        section.leaves.retain(|leaf| leaf.name.to_lowercase().contains(&wanted));
    }
    sections.retain(|section| !section.leaves.is_empty());
}

/// The whole, then each component of health, those inside of others after them.
fn components(health: &Value) -> Vec<Section> {
    let mut found = Vec::new();
    component("All together", health, 8, &mut found);
    found
}

fn component(name: &str, health: &Value, depth: usize, found: &mut Vec<Section>) {
    if found.len() >= SECTIONS {
        return;
    }
    let details = health.get("details").unwrap_or(&Value::Null);
    found.push(Section {
        title: shortened(name),
        badge: health["status"].as_str().map(Badge::named),
        leaves: if details.is_object() { leaves(details, LEAVES) } else { Vec::new() },
    });
    let Some(inside) = health.get("components").and_then(Value::as_object) else { return };
    if depth == 0 {
        return;
    }
    for (inner, health) in inside {
        let name = if found.len() == 1 { inner.clone() } else { format!("{name} / {inner}") };
        let name = name.trim_start_matches("All together / ");
        component(name, health, depth - 1, found);
    }
}

/// A section for each member.
fn members(answer: &Value) -> Vec<Section> {
    let members = answer.as_object().into_iter().flatten();
    members
        .map(|(name, value)| Section {
            title: shortened(name),
            badge: None,
            leaves: leaves(value, LEAVES),
        })
        .collect()
}

/// A section for each source of the environment, the strongest first.
fn property_sources(answer: &Value) -> Vec<Section> {
    let sources = answer["propertySources"].as_array().into_iter().flatten();
    sources
        .map(|source| Section {
            title: shortened(&text(&source["name"])),
            badge: None,
            leaves: source["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .take(LEAVES)
                .map(|(name, property)| Leaf {
                    name: shortened(name),
                    value: shortened(&text(property.get("value").unwrap_or(property))),
                })
                .collect(),
        })
        .collect()
}

/// A section for each bean with properties, by its prefix.
fn beans(answer: &Value) -> Vec<Section> {
    let contexts = answer["contexts"].as_object().into_iter().flatten();
    let beans = contexts.filter_map(|(_, context)| context["beans"].as_object()).flatten();
    beans
        .map(|(_, bean)| Section {
            title: shortened(&text(&bean["prefix"])),
            badge: None,
            leaves: leaves(&bean["properties"], LEAVES)
                .into_iter()
                .filter(|leaf| !leaf.name.is_empty())
                .collect(),
        })
        .filter(|section| !section.leaves.is_empty())
        .collect()
}

/// A section for each path, with its operations.
fn operations(document: &Value) -> Vec<Section> {
    const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];
    let paths = document["paths"].as_object().into_iter().flatten();
    let operation = |method: &str, operation: &Value| {
        let told = operation.get("summary").or(operation.get("operationId"));
        Leaf {
            name: method.to_uppercase(),
            value: told.map(|told| shortened(&text(told))).unwrap_or_default(),
        }
    };
    let leaves = |path: &str, operations: &Value| {
        let known = METHODS.iter().filter_map(|method| Some((*method, operations.get(*method)?)));
        let named = |(method, told): (&str, &Value)| {
            let Leaf { name, value } = operation(method, told);
            Leaf { name: format!("{name} {}", shortened(path)), value }
        };
        known.map(named).collect::<Vec<_>>()
    };
    let info = &document["info"];
    let title = format!("{} {}", text(&info["title"]), text(&info["version"]));
    let all = paths.flat_map(|(path, operations)| leaves(path, operations)).take(LEAVES);
    vec![Section { title: shortened(&title), badge: None, leaves: all.collect() }]
}

#[cfg(test)]
mod tests;
