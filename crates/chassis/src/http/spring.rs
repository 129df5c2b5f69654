//! What Spring's servlet services answer where no handler of theirs does, and the headers that they add to every answer
//! (contract §2.3, §2.4). Where they fail with 500 because a path looks like an attack, we answer 400.

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery},
    response::Response,
};
use serde_json::json;

use super::{answers::Asked, with_body};
use crate::{Outside, Problem};

/// The page for people who followed a wrong address.
const PAGE: &str = include_str!("spring/nowhere.html");

/// In the extensions of the answer to a path that does not exist.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nowhere;

/// The methods that `Allow` names, in the order in which it does.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The endings of a path under which a browser may keep an answer without harm.
const HARMLESS: [&str; 23] = [
    "txt",
    "text",
    "yml",
    "yaml",
    "properties",
    "csv",
    "json",
    "xml",
    "atom",
    "rss",
    "png",
    "jpe",
    "jpeg",
    "jpg",
    "gif",
    "wbmp",
    "bmp",
    "ico",
    "svg",
    "tif",
    "tiff",
    "mp3",
    "mp4",
];

/// Refuses a path that could mean one thing to a guard and another to a handler.
pub(super) fn refusal(path: &str) -> Option<Problem> {
    let suspicious = |byte| matches!(byte, b'%' | b';' | b'\\' | b'.');
    if !path.contains("//") && !path.bytes().any(suspicious) {
        return None;
    }
    let path = path.to_ascii_lowercase();
    let parts = ["//", ";", "\\", "%2f", "%5c", "%25", "%3b", "%2e", "%00", "/./", "/../"];
    let part = parts.iter().find(|part| path.contains(**part)).copied();
    let part = part.or_else(|| ["/.", "/.."].into_iter().find(|end| path.ends_with(end)))?;
    Some(Problem::bad_request(format!("The path must not contain {part}")))
}

/// Makes `/books/` the same as `/books`.
pub(super) fn strip_last_slash(request: &mut Request) {
    let uri = request.uri();
    let Some(path) = uri.path().strip_suffix('/').filter(|path| !path.is_empty()) else { return };
    let stripped = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = stripped.ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// Writes the answers to unknown paths and to `OPTIONS`, and puts `Allow` in order.
pub(super) fn shape(asked: Asked<'_>, outside: &Outside, response: &mut Response) {
    if response.extensions_mut().remove::<Nowhere>().is_some() {
        return nowhere(asked, outside, response);
    }
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        // The router names them even where a guard has refused to look.
        response.headers_mut().remove(header::ALLOW);
        return;
    }
    let Some(allowed) = response.headers().get(header::ALLOW).cloned() else { return };
    let allowed = allowed.to_str().unwrap_or_default();
    let options = *asked.method == Method::OPTIONS;
    if options {
        *response.status_mut() = StatusCode::OK;
        response.extensions_mut().remove::<Problem>();
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        let patches = match allowed.contains("PATCH") {
            true => "application/json,application/merge-patch+json",
            false => "",
        };
        response.headers_mut().insert("accept-patch", HeaderValue::from_static(patches));
    }
    if let Ok(value) = HeaderValue::from_str(&in_order(allowed, options)) {
        response.headers_mut().insert(header::ALLOW, value);
    }
}

/// What is allowed, as a refusal or as the answer to `OPTIONS` names it.
fn in_order(allowed: &str, options: bool) -> String {
    let has = |method: &str| allowed.split(',').any(|name| name.trim() == method);
    let mut names: Vec<&str> = METHODS.into_iter().filter(|name| has(name)).collect();
    match options {
        true => names.push("OPTIONS"),
        false => names.retain(|name| *name != "HEAD"),
    }
    names.join(",")
}

fn nowhere(asked: Asked<'_>, outside: &Outside, response: &mut Response) {
    if asked.prefers_page {
        with_body(response, "text/html;charset=UTF-8", PAGE.to_owned());
        response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static("en"));
        return;
    }
    let body = json!({
        "timestamp": outside.now().strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string(),
        "status": 404,
        "error": "Not Found",
        "path": asked.uri.path(),
    });
    with_body(response, "application/json", body.to_string());
}

/// Adds `Vary`, but not where Spring's guards answered before that, and keeps browsers from taking an answer for a
/// program that the path names.
pub(super) fn label(asked: Asked<'_>, response: &mut Response) {
    if !matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        for name in ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"] {
            response.headers_mut().append(header::VARY, HeaderValue::from_static(name));
        }
    }
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    if is_json && response.body().size_hint().lower() > 0 && names_a_program(asked.uri.path()) {
        let name = HeaderValue::from_static("inline;filename=f.txt");
        response.headers_mut().entry(header::CONTENT_DISPOSITION).or_insert(name);
    }
}

fn names_a_program(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((_, ending)) = name.rsplit_once('.') else { return false };
    !ending.is_empty() && !HARMLESS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_two_meanings_is_refused() {
        for (path, expected) in [
            ("/books/1", None),
            ("/books/a.b", None),
            ("/books/K%C3%BCche", None),
            ("//books", Some("//")),
            ("/books/1;x=y", Some(";")),
            ("/books/..%2Fx", Some("%2f")),
            ("/books/%252f", Some("%25")),
            ("/books/../x", Some("/../")),
            ("/books/..", Some("/..")),
            ("/books/%2e%2e", Some("%2e")),
        ] {
            let told = refusal(path).map(|problem| problem.detail().to_owned());
            let expected = expected.map(|part| format!("The path must not contain {part}"));
            assert_eq!(told, expected, "{path}");
        }
    }

    #[test]
    fn allowed_methods_have_an_order() {
        assert_eq!(in_order("DELETE,PATCH,GET,HEAD,PUT", false), "GET,PUT,PATCH,DELETE");
        assert_eq!(in_order("POST,GET,HEAD", true), "GET,HEAD,POST,OPTIONS");
    }

    #[test]
    fn only_an_ending_that_may_be_a_program_is_dangerous() {
        for (path, expected) in [
            ("/books/1.5", true),
            ("/index.html", true),
            ("/books/x.JSON", false),
            ("/books", false),
            ("/a.b/books", false),
            ("/books.", false),
        ] {
            assert_eq!(names_a_program(path), expected, "{path}");
        }
    }
}
