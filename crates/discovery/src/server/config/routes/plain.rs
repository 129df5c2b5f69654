//! Files as they are: `/{app}/{profile}/{label}/{path}`, text with its placeholders filled in, other files byte for byte.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::Problem;
use jiff::{Timestamp, fmt::rfc2822};

use super::{best, combined::resolves};
use crate::server::config::{
    ConfigServer, ConfigServerError, backend::Plain, expand::expand, question::Question,
};

/// The longest path, in bytes.
const PATH_LIMIT: usize = 512;
const BYTES: &str = "application/octet-stream";
const TEXT: &str = "text/plain;charset=UTF-8";

pub(super) async fn answer(
    server: &ConfigServer,
    question: &Question,
    path: &str,
    query: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    if !is_path(path) {
        return Err(Problem::bad_request(format!(
            "A path names a file below the configuration folder, in at most {PATH_LIMIT} bytes"
        )));
    }
    let names = names(path, &question.active);
    let Some(plain) = server.plain(question, &names).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    if is_known(&plain, headers) {
        return Ok((StatusCode::NOT_MODIFIED, last_modified(&plain)).into_response());
    }
    let wanted = best(headers, &["text/plain", BYTES, super::JSON]);
    if wanted == Some(BYTES) {
        let kind = [(header::CONTENT_TYPE, BYTES)];
        return Ok((kind, last_modified(&plain), plain.bytes.to_vec()).into_response());
    }
    let text = String::from_utf8_lossy(&plain.bytes);
    let text = match resolves(query)? {
        true => {
            let sources = server.answer(question).await?.sources;
            expand(&text, &sources).map_err(ConfigServerError::Invalid)?
        }
        false => text.into_owned(),
    };
    // The original says JSON of any text, when the caller asks for it.
    let kind = if wanted == Some(super::JSON) { super::JSON } else { TEXT };
    Ok(([(header::CONTENT_TYPE, kind)], last_modified(&plain), text).into_response())
}

/// The names to look for: `hello-prod.txt` for each profile, then `hello.txt`.
fn names(path: &str, profiles: &[String]) -> Vec<String> {
    let file = path.rfind('/').map_or(0, |at| at + 1);
    let dot = path[file..].rfind('.').map_or(path.len(), |at| file + at);
    let (stem, extension) = path.split_at(dot);
    let special = profiles.iter().filter(|profile| *profile != "default");
    let mut names: Vec<String> =
        special.map(|profile| format!("{stem}-{profile}{extension}")).collect();
    names.push(path.to_owned());
    names
}

/// No part of a path leads up, is hidden, or is encoded once more; a path is no address and has no drive.
fn is_path(path: &str) -> bool {
    path.len() <= PATH_LIMIT
        && !path.contains(['\\', '%', ':', '#'])
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
        && !["WEB-INF", "META-INF"].iter().any(|name| path.contains(name))
}

/// Whether the caller has this version already (RFC 9110 §13.1.3).
fn is_known(plain: &Plain, headers: &HeaderMap) -> bool {
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let since = since.and_then(|text| rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
    since.is_some_and(|since| since.as_second() >= plain.modified)
}

fn last_modified(plain: &Plain) -> HeaderMap {
    let at = Timestamp::from_second(plain.modified).ok();
    let text =
        at.and_then(|at| rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok());
    let value = text.and_then(|text| HeaderValue::try_from(text).ok());
    value.into_iter().map(|value| (header::LAST_MODIFIED, value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        for path in ["a.txt", "sub/a.txt", "a-b_c/d..e"] {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a//b",
            ".git/config",
            "a/.ssh",
            "a\\..\\b",
            "..%2fa",
            "a%2e",
            "file:/a",
            "a\0b",
            "WEB-INF/web.xml",
            "a#b",
            &"a".repeat(513),
        ] {
            assert!(!is_path(path), "{path}");
        }
    }

    #[test]
    fn a_file_for_a_profile_comes_before_the_one_for_all() {
        let profiles = ["default", "prod"].map(str::to_owned);
        assert_eq!(names("a.b/hello", &profiles), ["a.b/hello-prod", "a.b/hello"]);
        assert_eq!(names("x/hello.txt", &profiles), ["x/hello-prod.txt", "x/hello.txt"]);
    }
}
