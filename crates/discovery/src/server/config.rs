//! The configuration server: what the files of a folder say for an application and its profiles.
//!
//! The wire is Spring Cloud Config's with its native back end. Files are read at each request, so a change counts at once.

mod folder;
mod properties;

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chassis::Problem;
use serde_json::{Map, Value, json};

use folder::{Folder, Property, Source};

/// The media type whose values carry their origins.
const WITH_ORIGINS: &str = "application/vnd.spring-cloud.config-server.v2+json";
/// The longest application name, profile or label.
const NAME_LIMIT: usize = 128;
/// The most profiles that one request may name.
const PROFILES_LIMIT: usize = 16;

/// Serves what the files of a folder say. A clone is another handle to the same server.
#[derive(Clone, Debug)]
pub struct ConfigServer {
    folder: Arc<Folder>,
}

impl ConfigServer {
    /// A server over this folder, which is read at each request and need not exist.
    pub fn new(folder: PathBuf) -> Self {
        ConfigServer { folder: Arc::new(Folder::new(folder)) }
    }

    /// Config's interface, to be nested below `/config` and guarded: configuration holds secrets.
    pub fn routes(&self) -> Router {
        Router::new()
            .route("/{app}/{profiles}", get(unlabelled))
            .route("/{app}/{profiles}/{label}", get(labelled))
            .with_state(self.folder.clone())
    }
}

async fn unlabelled(
    State(folder): State<Arc<Folder>>,
    Path((app, profiles)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    environment(&folder, &app, &profiles, None, &headers).await
}

async fn labelled(
    State(folder): State<Arc<Folder>>,
    Path((app, profiles, label)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // A slash inside a label is written so, because a path would end at it. The label names no file here.
    let label = label.replace("(_)", "/");
    if label.len() > NAME_LIMIT || label.chars().any(char::is_control) {
        return Err(Problem::bad_request(format!(
            "The label must be printable and at most {NAME_LIMIT} bytes long"
        )));
    }
    environment(&folder, &app, &profiles, Some(&label), &headers).await
}

async fn environment(
    folder: &Folder,
    app: &str,
    profiles: &str,
    label: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let active: Vec<&str> = profiles.split(',').map(str::trim).collect();
    if active.len() > PROFILES_LIMIT
        || !is_name(app)
        || !active.iter().all(|profile| is_name(profile))
    {
        return Err(Problem::bad_request(format!(
            "An application and at most {PROFILES_LIMIT} profiles are named by letters, digits, '_', '.' and '-', without '..'"
        )));
    }
    let sources = folder.sources(app, &active).await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let with_origins = accept.is_some_and(|accept| accept.contains(WITH_ORIGINS));
    let body = json!({
        "name": app,
        // The profiles come back in one piece, as the original gives them.
        "profiles": [profiles],
        "label": label,
        "version": null,
        "state": null,
        "propertySources": sources.iter().map(|source| listed(source, with_origins)).collect::<Value>(),
    });
    let kind = if with_origins { WITH_ORIGINS } else { "application/json" };
    Ok(([(header::CONTENT_TYPE, kind)], body.to_string()).into_response())
}

/// Names become file names, so nothing that could lead out of the folder passes.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (1..=NAME_LIMIT).contains(&text.len()) && text.chars().all(allowed) && !text.contains("..")
}

fn listed(source: &Source, with_origins: bool) -> Value {
    let value = |property: &Property| {
        if !with_origins {
            return property.value.clone();
        }
        json!({ "value": property.value, "origin": format!("{}:{}", property.line, property.column) })
    };
    let values: Map<String, Value> =
        source.properties.iter().map(|property| (property.key.clone(), value(property))).collect();
    json!({ "name": source.name, "source": values })
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let check = |name: &str, expected: bool| assert_eq!(is_name(name), expected, "{name:?}");
        check("library-2.b_C", true);
        check("", false);
        check("..", false);
        check("a..b", false);
        check("a/b", false);
        check("a\\b", false);
        check("a\0", false);
        check("ä", false);
        check(&"a".repeat(129), false);
    }
}
