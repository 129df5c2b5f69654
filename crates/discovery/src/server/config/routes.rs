//! The interface over HTTP: which path asks for what, and in which form it is answered.

mod combined;
mod encryption;
mod plain;

use axum::{
    Router,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chassis::Problem;

use super::{
    ConfigServer,
    json::{self, Head, Origins},
    question::Question,
};
use combined::Form;

/// The media type whose values carry their origins.
pub(super) const WITH_ORIGINS: &str = "application/vnd.spring-cloud.config-server.v2+json";
const JSON: &str = "application/json";

/// Every route, relative to `/config`.
pub(super) fn all(server: ConfigServer) -> Router {
    let encrypt = || post(encryption::encrypt);
    let decrypt = || post(encryption::decrypt);
    Router::new()
        .route("/encrypt", encrypt().get(not_found))
        .route("/encrypt/{app}/{profiles}", encrypt())
        .route("/encrypt/status", get(encryption::status))
        .route("/decrypt", decrypt().get(not_found))
        .route("/decrypt/{app}/{profiles}", decrypt())
        .route("/key", get(encryption::key))
        .route("/key/{app}/{profiles}", get(encryption::key_for))
        .route("/{file}", get(one_part))
        .route("/{app}/{profiles}", get(two_parts))
        .route("/{app}/{profiles}/", get(two_parts))
        .route("/{app}/{profiles}/{label}", get(three_parts))
        .route("/{app}/{profiles}/{label}/", get(three_parts))
        .route("/{app}/{profiles}/{label}/{*path}", get(file))
        .method_not_allowed_fallback(|request: axum::extract::Request| async move {
            Problem::method_not_allowed(request.method().as_str())
        })
        .with_state(server)
}

async fn not_found() -> Problem {
    Problem::not_found()
}

/// `/{app}-{profiles}.yml` and the like.
async fn one_part(
    State(server): State<ConfigServer>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::of(&file).ok_or_else(Problem::not_found)?;
    combined::answer(&server, &form, None, query.as_deref()).await
}

/// `/{app}/{profiles}`, or `/{label}/{app}-{profiles}.yml` and the like.
async fn two_parts(
    State(server): State<ConfigServer>,
    Path((first, second)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(form) = Form::of(&second) {
        return combined::answer(&server, &form, Some(&first), query.as_deref()).await;
    }
    if Form::is_file(&second) {
        return Err(Problem::not_found());
    }
    environment(&server, &Question::new(&first, &second, None)?, &headers).await
}

/// `/{app}/{profiles}/{label}`, or `/{app}/{profile}/{path}?useDefaultLabel`.
async fn three_parts(
    State(server): State<ConfigServer>,
    Path((app, profiles, last)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    if query.split('&').any(|pair| pair.split('=').next() == Some("useDefaultLabel")) {
        let question = Question::new(&app, &profiles, None)?;
        return plain::answer(&server, &question, &last, &query, &headers).await;
    }
    environment(&server, &Question::new(&app, &profiles, Some(&last))?, &headers).await
}

/// `/{app}/{profile}/{label}/{path}`.
async fn file(
    State(server): State<ConfigServer>,
    Path((app, profiles, label, path)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = Question::new(&app, &profiles, Some(&label))?;
    plain::answer(&server, &question, &path, &query.unwrap_or_default(), &headers).await
}

async fn environment(
    server: &ConfigServer,
    question: &Question,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let (kind, origins) = match best(headers, &[JSON, WITH_ORIGINS]) {
        Some(WITH_ORIGINS) => (WITH_ORIGINS, Origins::With),
        Some(_) => (JSON, Origins::Without),
        None => return Err(Problem::not_acceptable()),
    };
    let answer = server.answer(question).await?;
    let head = Head {
        name: &question.application,
        profiles: &question.profiles,
        label: question.label.as_deref(),
        version: answer.version.as_deref(),
    };
    let body = json::environment(&head, &answer.sources, origins);
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

/// The media type of these that the caller likes best (RFC 9110 §12.5.1); the first when all are the same to it.
fn best<'a>(headers: &HeaderMap, offered: &[&'a str]) -> Option<&'a str> {
    let accepted: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    if accepted.is_empty() {
        return offered.first().copied();
    }
    let weight = |kind: &str| {
        let matching = accepted.iter().filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?.to_ascii_lowercase();
            let exact = match name.strip_suffix("/*") {
                Some("*") => 0,
                Some(family) if kind.split('/').next() == Some(family) => 1,
                None if name == kind => 2,
                _ => return None,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            Some((exact, quality.unwrap_or(1.0)))
        });
        let best = matching.max_by_key(|(exact, _)| *exact);
        best.filter(|(_, quality)| *quality > 0.0).map(|(exact, quality)| (quality, exact))
    };
    let mut found: Option<(&str, (f32, i32))> = None;
    for kind in offered {
        if let Some(weight) = weight(kind)
            && found.is_none_or(|(_, best)| weight > best)
        {
            found = Some((kind, weight));
        }
    }
    found.map(|(kind, _)| kind)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_caller_chooses_the_media_type() {
        for (accept, expected) in [
            ("", Some(JSON)),
            ("*/*", Some(JSON)),
            ("application/*", Some(JSON)),
            (WITH_ORIGINS, Some(WITH_ORIGINS)),
            (
                "application/json;q=0.5, application/vnd.spring-cloud.config-server.v2+json",
                Some(WITH_ORIGINS),
            ),
            (
                "application/vnd.spring-cloud.config-server.v2+json, application/json, */*",
                Some(JSON),
            ),
            ("text/html, */*;q=0.1", Some(JSON)),
            ("text/html", None),
            ("application/json;q=0", None),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(best(&headers, &[JSON, WITH_ORIGINS]), expected, "{accept}");
        }
    }
}
