//! What the configuration server tells an application, key by key, with where each value comes from and what it overrides.

use std::{collections::BTreeMap, sync::Arc};

use ::pages::{Frame, page, shortened};
use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use chassis::Problem;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Pages, frame,
    query::Query,
    request,
    shown::{disclosed, encoded, text},
    visit::Administrator,
};

/// Asks for values with their origins.
const WITH_ORIGINS: &str = "application/vnd.spring-cloud.config-server.v2+json";
/// How many keys are shown.
const KEYS: usize = 2000;

#[derive(Template)]
#[template(path = "configuration.html")]
struct Page {
    frame: Frame,
    asked: Asked,
    wrong: Option<String>,
    version: Option<String>,
    sources: Vec<String>,
    keys: Vec<Key>,
    total: usize,
}

/// A key, its value, where it comes from, and which sources it overrides.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    name: String,
    value: Option<String>,
    origin: String,
    overrides: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    application: String,
    profile: String,
    label: String,
}

impl Default for Asked {
    fn default() -> Self {
        let [application, profile, label] = ["application", "prod", "main"].map(str::to_owned);
        Asked { application, profile, label }
    }
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let answered = pages.configured(asked.request()?).await?;
    let (environment, wrong) = match &answered {
        Ok(body) => (serde_json::from_slice(body).unwrap_or_default(), None),
        Err(problem) => (Value::Null, Some(problem.detail().to_owned())),
    };
    let sources: Vec<(String, &Map<String, Value>)> = environment["propertySources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|source| Some((text(&source["name"]), source["source"].as_object()?)))
        .collect();
    let mut keys = effective(&sources);
    let total = keys.len();
    keys.truncate(KEYS);
    page(&Page {
        frame: frame("Configuration", &visit),
        asked,
        wrong,
        version: environment["version"].as_str().map(shortened),
        sources: sources.iter().map(|(name, _)| shortened(name)).collect(),
        keys,
        total,
    })
}

impl Asked {
    fn request(&self) -> Result<Request, Problem> {
        let label = self.label.trim().replace('/', "(_)");
        let mut path =
            format!("/{}/{}", encoded(self.application.trim()), encoded(self.profile.trim()));
        if !label.is_empty() {
            path.push('/');
            path.push_str(&encoded(&label));
        }
        request(Request::get(path).header("accept", WITH_ORIGINS), String::new())
    }
}

/// Every key once, by name: the first source that has it decides.
fn effective(sources: &[(String, &Map<String, Value>)]) -> Vec<Key> {
    let mut keys: BTreeMap<&str, Key> = BTreeMap::new();
    for (source, values) in sources {
        for (name, value) in *values {
            if let Some(key) = keys.get_mut(name.as_str()) {
                key.overrides.push(shortened(source));
                continue;
            }
            let (value, line) = match value.get("origin") {
                Some(origin) => (&value["value"], format!(", {}", text(origin))),
                None => (value, String::new()),
            };
            let key = Key {
                name: shortened(name),
                value: disclosed(name, &text(value)).map(|value| shortened(&value)),
                origin: shortened(&format!("{source}{line}")),
                overrides: Vec::new(),
            };
            keys.insert(name, key);
        }
    }
    keys.into_values().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_source_decides_and_the_others_are_named() {
        let specific = json!({ "a": { "value": 1, "origin": "2:3" } });
        let general =
            json!({ "a": { "value": 2, "origin": "1:1" }, "b.password": "hunter2", "c": true });
        let sources = [
            ("app.yml".to_owned(), specific.as_object().unwrap()),
            ("all.yml".to_owned(), general.as_object().unwrap()),
        ];
        let key = |name: &str, value: Option<&str>, origin: &str, overrides: &[&str]| Key {
            name: name.into(),
            value: value.map(str::to_owned),
            origin: origin.into(),
            overrides: overrides.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(
            effective(&sources),
            [
                key("a", Some("1"), "app.yml, 2:3", &["all.yml"]),
                key("b.password", None, "all.yml", &[]),
                key("c", Some("true"), "all.yml", &[]),
            ]
        );
    }
}
