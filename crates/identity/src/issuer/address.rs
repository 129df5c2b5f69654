//! Which addresses the development identity provider trusts: only those of this machine itself.

use axum::http::{HeaderMap, header};
use reqwest::Url;

/// Where the client takes the browser back to after a sign-in.
const SIGNED_IN_PATH: &str = "/login/oauth2/code/oidc";
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Reads an HTTP address on loopback.
pub(super) fn loopback(address: &str) -> Result<Url, String> {
    let url = Url::parse(address).map_err(|_| format!("{address} is not an address"))?;
    if !matches!(url.scheme(), "http" | "https")
        || !url.host_str().is_some_and(|host| LOOPBACK.contains(&host))
    {
        return Err(format!("{address} is not an HTTP address on localhost, 127.0.0.1 or [::1]"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(format!("{address} must have no user and no fragment"));
    }
    Ok(url)
}

/// Reads the address that a sign-in returns to. It must be spelt exactly as it will be used, so that nothing that
/// looks like a trusted address can be another one.
pub(super) fn signed_in(address: &str) -> Result<Url, String> {
    let url = loopback(address)?;
    if url.path() != SIGNED_IN_PATH || url.query().is_some() || url.as_str() != address {
        return Err(format!(
            "{address} is not an address on this machine with exactly the path {SIGNED_IN_PATH}"
        ));
    }
    Ok(url)
}

/// The place as a content security policy names it; policies have no word for an IPv6 address.
pub(super) fn policy_source(url: &Url) -> String {
    match url.host_str() {
        Some("[::1]") => format!("{}:", url.scheme()),
        _ => url.origin().ascii_serialization(),
    }
}

/// Whether a `Host` header names this machine.
pub(super) fn is_loopback_host(host: &str) -> bool {
    let port =
        host.rfind(':').filter(|colon| host[colon + 1..].bytes().all(|byte| byte.is_ascii_digit()));
    LOOPBACK.contains(&port.map_or(host, |colon| &host[..colon]))
}

/// Whether a form was sent from a page of the same server, or by a program that is no browser.
pub(super) fn from_own_page(headers: &HeaderMap) -> bool {
    let text =
        |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    match (headers.contains_key(header::ORIGIN), text(header::ORIGIN), text(header::HOST)) {
        (false, ..) => true,
        (true, Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority == host)
        }
        (true, ..) => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(address: &str, accepted: bool) {
        assert_eq!(signed_in(address).is_ok(), accepted, "{address}");
    }

    #[test]
    fn returns_only_to_a_client_on_this_machine() {
        check("http://localhost:8081/login/oauth2/code/oidc", true);
        check("https://127.0.0.1/login/oauth2/code/oidc", true);
        check("http://[::1]:8081/login/oauth2/code/oidc", true);
        check("http://localhost.example:8081/login/oauth2/code/oidc", false);
        check("http://example.com/login/oauth2/code/oidc", false);
        check("http://localhost:8081@example.com/login/oauth2/code/oidc", false);
        check("http://localhost:8081/login/oauth2/code/oidc?next=x", false);
        check("http://localhost:8081/login/oauth2/code/oidc#x", false);
        check("http://localhost:8081/login/oauth2/code/oidc/", false);
        check("http://localhost:8081/elsewhere/../login/oauth2/code/oidc", false);
        check("http:\\\\localhost:8081/login/oauth2/code/oidc", false);
        check("javascript://localhost/login/oauth2/code/oidc", false);
    }

    #[test]
    fn knows_the_names_of_this_machine() {
        for host in ["localhost", "localhost:9080", "127.0.0.1:9080", "[::1]", "[::1]:9080"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in ["", "example.com", "localhost.example:9080", "localhost:x", "127.0.0.2"] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    fn check_origin(origin: Option<&'static str>, own: bool) {
        let mut headers =
            HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost:9080"))]);
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        assert_eq!(from_own_page(&headers), own, "{origin:?}");
    }

    #[test]
    fn tells_its_own_pages_from_others() {
        check_origin(None, true);
        check_origin(Some("http://localhost:9080"), true);
        check_origin(Some("http://localhost:8081"), false);
        check_origin(Some("null"), false);
    }
}
