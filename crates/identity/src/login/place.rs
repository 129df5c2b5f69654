//! Where the browser is: the address under which it sees this program, and where it may be sent next.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use chassis::Problem;

/// The longest path that somebody is sent back to after signing in.
const LONGEST_PATH: usize = 1024;

/// Scheme and authority under which the browser sees this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    scheme: &'static str,
    authority: String,
}

impl Base {
    /// The address of a path here, as the browser has to write it.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.authority)
    }

    /// Whether the browser speaks to us, or to the proxy in front of us, over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.scheme == "https"
    }

    fn of(headers: &HeaderMap) -> Option<Base> {
        let authority = headers.get(header::HOST)?.to_str().ok()?;
        let scheme = if is_https(headers) { "https" } else { "http" };
        is_authority(authority).then(|| Base { scheme, authority: authority.to_owned() })
    }
}

impl<S: Sync> FromRequestParts<S> for Base {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Base::of(&parts.headers)
            .ok_or_else(|| Problem::bad_request("The Host header is missing or malformed"))
    }
}

/// Whether the browser's connection is encrypted.
///
/// This program speaks plain HTTP; the proxy that speaks TLS for it says so in `X-Forwarded-Proto`. Who lies there
/// only makes its own cookies unusable.
pub(crate) fn is_https(headers: &HeaderMap) -> bool {
    let forwarded =
        headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok()).unwrap_or_default();
    forwarded.split(',').next().is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}

/// Returns the path if it certainly leads to a page of ours, whatever a browser makes of odd characters.
pub(super) fn local_path(path: &str) -> Option<&str> {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_local = path.starts_with('/') && !path.starts_with("//");
    (path.len() <= LONGEST_PATH && is_plain && is_local).then_some(path)
}

/// Returns the origin if it is one that a browser can come from: scheme and authority, nothing behind.
pub(super) fn web_origin(origin: &str) -> Option<&str> {
    let (scheme, authority) = origin.split_once("://")?;
    (matches!(scheme, "http" | "https") && is_authority(authority)).then_some(origin)
}

/// Whether this is a name or an address, and perhaps a port (RFC 3986 §3.2, without user information).
fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = port.is_none_or(|port| {
        port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    };
    authority.len() <= 255 && is_host && is_port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_returned_to() {
        for path in ["/", "/books?page=2&sort=title,asc", "/a//b", "/x?next=https://elsewhere"] {
            assert_eq!(local_path(path), Some(path));
        }
        let long = format!("/{}", "x".repeat(LONGEST_PATH));
        for path in [
            "",
            "books",
            "//evil",
            "/\\evil",
            "\\\\evil",
            "https://evil",
            "/\t/evil",
            "/a b",
            "/é",
            &long,
        ] {
            assert_eq!(local_path(path), None, "{path}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in [
            "localhost",
            "localhost:8081",
            "gateway.example.org",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8081",
        ] {
            assert!(is_authority(host), "{host}");
        }
        for host in [
            "",
            ":80",
            "a b",
            "evil.org/x",
            "user@evil.org",
            "a:b",
            "a:+80",
            "a:70000",
            "[::1",
            "[x]:80",
            "a:1:2",
        ] {
            assert!(!is_authority(host), "{host}");
        }
    }

    #[test]
    fn an_origin_has_nothing_behind_the_authority() {
        assert_eq!(web_origin("http://localhost:9000"), Some("http://localhost:9000"));
        for origin in
            ["null", "", "localhost", "javascript://localhost", "http://localhost/", "https://a?b"]
        {
            assert_eq!(web_origin(origin), None, "{origin}");
        }
    }

    #[test]
    fn the_proxy_in_front_tells_the_scheme() {
        let check = |forwarded: Option<&str>, expected: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "books.example.org".parse().unwrap());
            if let Some(value) = forwarded {
                headers.insert("x-forwarded-proto", value.parse().unwrap());
            }
            assert_eq!(Base::of(&headers).unwrap().url("/x"), expected);
        };
        check(None, "http://books.example.org/x");
        check(Some("https"), "https://books.example.org/x");
        check(Some("HTTPS, http"), "https://books.example.org/x");
        check(Some("gopher"), "http://books.example.org/x");
    }
}
