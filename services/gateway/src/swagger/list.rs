//! Which documents there are: asked of every service in the name of an administrator, as the Java gateway's page does
//! (contract §5.5). The shape is springdoc's.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{Method, StatusCode},
    routing::get,
};
use chassis::{Problem, Secret};
use discovery::{Directory, Forwarder};
use futures_util::future::join_all;
use identity::login::Visitor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::debug;

use crate::{description, doors};

/// How long a service may take to name its documents.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many services are asked, and how many documents of one are listed.
const SERVICES: usize = 200;
const GROUPS: usize = 20;
/// How much of a text of a service is shown.
const TEXT: usize = 100;
/// Where a service names its documents, and where its only one is otherwise.
const NAMES: &str = "/management/jhiopenapigroups";
const DOCUMENT: &str = "/v3/api-docs";

/// Who is asked.
struct Services {
    directory: Arc<Directory>,
    forwarder: Arc<Forwarder>,
}

/// A document and what it is called.
#[derive(Debug, PartialEq, Eq)]
struct Document {
    name: String,
    url: String,
}

/// The list, for administrators. Needs the sessions around it.
pub(crate) fn routes(directory: Arc<Directory>, forwarder: Arc<Forwarder>) -> Router {
    Router::new()
        .route("/v3/api-docs/swagger-config", get(show))
        .with_state(Arc::new(Services { directory, forwarder }))
}

async fn show(
    State(services): State<Arc<Services>>,
    visitor: Visitor,
) -> Result<Json<Value>, Problem> {
    let token = doors::administrator(&visitor)?.access_token()?;
    let mut names = services.directory.apps().await;
    names.retain(|name| name != description::NAME);
    names.sort();
    names.truncate(SERVICES);
    let answers = join_all(names.iter().map(|name| services.documents(name, token))).await;
    let (mut urls, mut silent) = (Vec::new(), Vec::new());
    for (name, documents) in names.iter().zip(answers) {
        match documents {
            Some(documents) => urls.extend(documents),
            None => silent.push(name),
        }
    }
    // Our own come last: who opens the page wants to see the services.
    urls.extend(description::GROUPS.map(|(group, what)| Document {
        name: format!("{} ({what})", description::NAME),
        url: format!("{DOCUMENT}/{group}"),
    }));
    let urls: Vec<Value> =
        urls.iter().map(|Document { name, url }| json!({ "name": name, "url": url })).collect();
    Ok(Json(json!({ "urls": urls, "silent": silent })))
}

impl Services {
    /// The documents of a service; `None` when it does not answer.
    async fn documents(&self, service: &str, token: &Secret<String>) -> Option<Vec<Document>> {
        let asked = async {
            let named = self.ask(service, NAMES, token).await?;
            let documents = documents(service, &named);
            if !documents.is_empty() {
                return Some(documents);
            }
            let document = self.ask(service, DOCUMENT, token).await?;
            Some(only(service, &document).into_iter().collect())
        };
        timeout(PATIENCE, asked).await.ok().flatten()
    }

    /// What a service answers, null where it does not answer with JSON and success; `None` when it does not answer.
    async fn ask(&self, service: &str, path: &str, token: &Secret<String>) -> Option<Value> {
        match self.forwarder.call(service, Method::GET, path, Some(token.expose()), None).await {
            Ok((StatusCode::OK, _, body)) => {
                Some(serde_json::from_slice(&body).unwrap_or_default())
            }
            Ok(_) => Some(Value::Null),
            Err(cause) => {
                debug!(service.name = service, "ask {service} for its documents: {cause:#}");
                None
            }
        }
    }
}

/// The documents that a service names.
fn documents(service: &str, named: &Value) -> Vec<Document> {
    let groups = named.as_array().into_iter().flatten().take(GROUPS);
    let document = |group: &Value| {
        let id = group["group"].as_str().filter(|id| (1..=TEXT).contains(&id.len()))?;
        let described = group["description"].as_str().filter(|text| !text.is_empty());
        let name = described
            .map_or_else(|| format!("{service} ({id})"), |text| text.chars().take(TEXT).collect());
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
        Some(Document { name, url: format!("/services/{service}{DOCUMENT}/{id}") })
    };
    groups.filter_map(document).collect()
}

/// The document of a service that does not know groups, if it is one.
fn only(service: &str, document: &Value) -> Option<Document> {
    let is_one = document.get("openapi").or_else(|| document.get("swagger")).is_some();
    let url = format!("/services/{service}{DOCUMENT}");
    is_one.then(|| Document { name: service.to_owned(), url })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(named: Value, expected: &[(&str, &str)]) {
        let found = documents("library", &named);
        let found: Vec<_> =
            found.iter().map(|document| (&*document.name, &*document.url)).collect();
        assert_eq!(found, expected, "{named}");
    }

    #[test]
    fn documents_are_found_by_their_groups() {
        let plain = "/services/library/v3/api-docs/lending";
        check(
            json!([{ "group": "lending", "description": "library (lending)" }]),
            &[("library (lending)", plain)],
        );
        check(json!([{ "group": "lending" }]), &[("library (lending)", plain)]);
        check(
            json!([{ "group": "../x y", "description": "odd" }]),
            &[("odd", "/services/library/v3/api-docs/%2E%2E%2Fx%20y")],
        );
        check(json!([{ "group": "" }, { "name": "x" }, 7]), &[]);
        check(json!({ "group": "lending" }), &[]);
        check(Value::Null, &[]);
    }

    #[test]
    fn a_service_without_groups_may_have_one_document() {
        assert!(only("library", &json!({ "openapi": "3.0.1" })).is_some());
        assert!(only("library", &json!({ "swagger": "2.0" })).is_some());
        assert!(only("library", &json!({ "title": "Not found" })).is_none());
        assert!(only("library", &Value::Null).is_none());
    }
}
