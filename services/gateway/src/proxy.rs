//! The routes to the services (contract §5.1): `/services/<id>/…` leads to an instance of the service, with the
//! visitor's token.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header, uri::PathAndQuery},
    response::Response,
    routing::any,
};
use chassis::Problem;
use discovery::{Directory, Forwarder};
use identity::login::{SignedIn, Visitor};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::doors::{administrator, not_authenticated};

/// The largest OpenAPI document that is handed on.
const DOCUMENT_LIMIT: usize = 4 * 1024 * 1024;
/// Where a service describes itself.
const DOCUMENT: &str = "/v3/api-docs";

/// Where requests to services go.
pub(crate) struct Proxy {
    pub(crate) directory: Arc<Directory>,
    pub(crate) forwarder: Arc<Forwarder>,
}

pub(crate) fn routes(proxy: Proxy) -> Router {
    Router::new()
        .route("/services/{service}/", any(forward))
        .route("/services/{service}/{*rest}", any(forward))
        .with_state(Arc::new(proxy))
}

async fn forward(
    State(proxy): State<Arc<Proxy>>,
    visitor: Visitor,
    mut request: Request,
) -> Result<Response, Problem> {
    let signed_in = visitor.signed_in().ok_or_else(not_authenticated)?;
    let target = Target::of(request.uri())?.ok_or_else(Problem::not_found)?;
    if target.is_document() {
        administrator(&visitor)?;
    }
    if !proxy.knows(&target.service).await {
        return Err(Problem::not_found());
    }
    *request.uri_mut() = Uri::from(target.rest.clone());
    request.headers_mut().insert(header::AUTHORIZATION, authorization(signed_in)?);
    if target.rest.path().contains(DOCUMENT) {
        // The document's addresses are changed on the way, for which it has to arrive as plain text.
        request.headers_mut().remove(header::ACCEPT_ENCODING);
        let response = proxy.forwarder.forward(&target.service, request, &target.prefix()).await?;
        return with_server(response, &target.prefix()).await;
    }
    proxy.forwarder.forward(&target.service, request, &target.prefix()).await
}

fn authorization(signed_in: &SignedIn) -> Result<HeaderValue, Problem> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", signed_in.access_token()?.expose()))
        .map_err(|_| {
            Problem::internal(anyhow::anyhow!("the access token cannot be sent in a header"))
        })?;
    value.set_sensitive(true);
    Ok(value)
}

impl Proxy {
    /// Tells whether the registry knows a service. One that came up a moment ago is asked for at once.
    async fn knows(&self, service: &str) -> bool {
        self.directory.apps().await.iter().any(|app| app == service)
            || self.directory.pick(service).await.is_some()
    }
}

/// A service, and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    service: String,
    rest: PathAndQuery,
}

impl Target {
    /// Reads `/services/<id>/<rest>?<query>`; rest and query go on as they came. `None` when no service can have that
    /// name: ids are in lower case.
    ///
    /// # Errors
    /// 400 for a path with `.` or `..` in any disguise: the service might resolve it, and then the rules for paths
    /// here would have judged another path than the one that is served.
    fn of(uri: &Uri) -> Result<Option<Self>, Problem> {
        let Some((service, rest)) =
            uri.path().strip_prefix("/services/").and_then(|path| path.split_once('/'))
        else {
            return Ok(None);
        };
        if segments(rest).iter().any(|segment| matches!(segment.as_str(), "." | "..")) {
            return Err(Problem::bad_request("The path must not contain . or .. as a segment"));
        }
        let is_name =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        if service.is_empty() || !service.chars().all(is_name) {
            return Ok(None);
        }
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let rest = PathAndQuery::try_from(format!("/{rest}{query}"))
            .map_err(|_| Problem::bad_request("The path cannot be handed on"))?;
        Ok(Some(Target { service: service.to_owned(), rest }))
    }

    fn prefix(&self) -> String {
        format!("/services/{}", self.service)
    }

    /// Tells whether this is the service's own description, however the path spells it.
    fn is_document(&self) -> bool {
        segments(self.rest.path()).join("/") == DOCUMENT.trim_start_matches('/')
    }
}

/// The segments of a path as a lenient server would see them: decoded, without parameters, without empty ones.
fn segments(path: &str) -> Vec<String> {
    let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let segments = decoded.split(['/', '\\']).filter_map(|segment| segment.split(';').next());
    segments.filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

/// Puts the gateway's address into an OpenAPI document, so that its readers call the service through the gateway.
async fn with_server(response: Response, prefix: &str) -> Result<Response, Problem> {
    let content_type =
        response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if response.status() != StatusCode::OK
        || !content_type.is_some_and(|value| value.contains("json"))
    {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, DOCUMENT_LIMIT).await.map_err(|error| {
        let detail = format!(
            "The description of {prefix} broke off or is larger than {DOCUMENT_LIMIT} bytes"
        );
        Problem::unavailable(detail, error)
    })?;
    let Ok(Value::Object(mut document)) = serde_json::from_slice(&bytes) else {
        return Ok(Response::from_parts(parts, Body::from(bytes)));
    };
    document.insert(
        "servers".to_owned(),
        json!([{ "url": prefix, "description": "added by global filter" }]),
    );
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(Value::Object(document).to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Result<Option<Target>, StatusCode> {
        Target::of(&uri.parse().unwrap()).map_err(|problem| problem.status())
    }

    #[test]
    fn paths_lead_to_services_unchanged() {
        for (uri, service, rest) in [
            ("/services/library/api/books", "library", "/api/books"),
            (
                "/services/library/api/books?page=0&x=a%20b&z",
                "library",
                "/api/books?page=0&x=a%20b&z",
            ),
            ("/services/library/a%252Fb/%C3%BC", "library", "/a%252Fb/%C3%BC"),
            ("/services/library/", "library", "/"),
            ("/services/library/?x", "library", "/?x"),
            ("/services/library/api//books", "library", "/api//books"),
            ("/services/two-words_1.x/...", "two-words_1.x", "/..."),
        ] {
            let expected = Target { service: service.into(), rest: rest.parse().unwrap() };
            assert_eq!(target(uri), Ok(Some(expected)), "{uri}");
        }
    }

    #[test]
    fn no_service_has_such_a_name() {
        for uri in [
            "/services/library",
            "/services/LIBRARY/x",
            "/services//library/x",
            "/services/a%2Fb/x",
            "/services/",
        ] {
            assert_eq!(target(uri), Ok(None), "{uri}");
        }
    }

    #[test]
    fn paths_that_climb_are_refused() {
        for uri in [
            "/services/a/../x",
            "/services/a/%2e%2E/x",
            "/services/a/x/..;p=1/y",
            "/services/a/x%2F..%2Fy",
            "/services/a/.",
        ] {
            assert_eq!(target(uri), Err(StatusCode::BAD_REQUEST), "{uri}");
        }
    }

    #[test]
    fn a_description_is_known_in_every_spelling() {
        let check = |uri: &str, expected: bool| {
            assert_eq!(target(uri).unwrap().unwrap().is_document(), expected, "{uri}")
        };
        check("/services/a/v3/api-docs", true);
        check("/services/a/v3/api-docs/", true);
        check("/services/a//v3/api%2Ddocs?x=1", true);
        check("/services/a/v3;x/api-docs", true);
        check("/services/a/v3/api-docs/group", false);
        check("/services/a/api/v3", false);
    }

    #[tokio::test]
    async fn a_description_names_the_gateway_as_its_server() {
        let document = Response::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, "47")
            .body(Body::from(r#"{"servers":[{"url":"http://10.0.0.1"}],"x":1}"#))
            .unwrap();
        let changed = with_server(document, "/services/a").await.unwrap();
        assert_eq!(changed.headers().get(header::CONTENT_LENGTH), None);
        let body = to_bytes(changed.into_body(), 1000).await.unwrap();
        assert_eq!(
            body,
            r#"{"servers":[{"url":"/services/a","description":"added by global filter"}],"x":1}"#
        );
    }
}
