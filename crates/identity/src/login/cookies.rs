//! The few things that are done with cookies here: read one, set one, take one away.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use cookie::{Cookie, CookieBuilder, SameSite};

/// Reads the first cookie of this name.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(Cookie::split_parse)
        .flatten()
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

/// A cookie for the whole site that other sites' forms and pictures do not send, gone when the browser closes.
pub(crate) fn cookie(name: &'static str, value: String, secure: bool) -> CookieBuilder<'static> {
    Cookie::build((name, value)).path("/").same_site(SameSite::Lax).secure(secure)
}

/// Adds a cookie to an answer.
pub(crate) fn set(response: &mut Response, cookie: &Cookie<'_>) {
    match HeaderValue::from_str(&cookie.to_string()) {
        Ok(value) => {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        Err(_) => tracing::error!(
            "cookie {} has a value that no header can carry and was not set",
            cookie.name()
        ),
    }
}

/// Takes a cookie away from the browser.
pub(crate) fn remove(response: &mut Response, mut cookie: Cookie<'static>) {
    cookie.make_removal();
    set(response, &cookie);
}

/// Whether a value looks like a token that was made here: long enough not to be guessed, nothing that needs quoting.
pub(crate) fn is_token(value: &str) -> bool {
    (32..=128).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_cookies_counts() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; SESSION=first; b=2"));
        headers.append(header::COOKIE, HeaderValue::from_static("SESSION=second"));
        assert_eq!(read(&headers, "SESSION").as_deref(), Some("first"));
        assert_eq!(read(&headers, "session"), None);
    }

    #[test]
    fn a_token_has_no_room_for_anything_else() {
        assert!(is_token("daf105b5-bb84-4220-aa05-e1d42e48534e"));
        for value in ["", "short", "daf105b5-bb84-4220-aa05-e1d42e48534e;", &"x".repeat(129)] {
            assert!(!is_token(value), "{value}");
        }
    }
}
