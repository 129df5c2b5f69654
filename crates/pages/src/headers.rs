//! The security headers of every answer of a service with pages (contract §5.2), with a stricter content security policy:
//! the pages need no script, so none is allowed.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

const REFERRER_POLICY: &str = "strict-origin-when-cross-origin";
const PERMISSIONS_POLICY: &str = "camera=(), fullscreen=(self), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), sync-xhr=()";

const STRICT: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The content security policy. `issuer` is the origin of the identity provider: signing out is a form whose answer
/// leads there, and browsers hold such redirects against `form-action` too.
pub fn content_security_policy(issuer: &str) -> HeaderValue {
    let policy = origin(issuer).map(|origin| {
        STRICT.replace("form-action 'self'", &format!("form-action 'self' {origin}"))
    });
    policy.and_then(|policy| policy.parse().ok()).unwrap_or(HeaderValue::from_static(STRICT))
}

/// The scheme, host and port of an address; `None` when it holds anything that could end the directive.
fn origin(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let fits = matches!(scheme, "http" | "https")
        && !authority.is_empty()
        && authority.chars().all(is_plain);
    fits.then(|| &address[..scheme.len() + 3 + authority.len()])
}

/// Adds the headers where the handler, or the service behind it, did not set its own.
pub async fn add(State(policy): State<HeaderValue>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    add_to(&policy, response.headers_mut());
    response
}

/// Adds the headers to those of an answer that has not set its own.
pub fn add_to(policy: &HeaderValue, headers: &mut HeaderMap) {
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| policy.clone());
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static(REFERRER_POLICY));
    headers
        .entry(HeaderName::from_static("permissions-policy"))
        .or_insert(HeaderValue::from_static(PERMISSIONS_POLICY));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_cut_from_addresses() {
        for (address, expected) in [
            ("http://localhost:9080/realms/x", Some("http://localhost:9080")),
            ("https://id.example", Some("https://id.example")),
            ("http://[::1]:9080/", Some("http://[::1]:9080")),
            ("https://id.example; script-src *", None),
            ("javascript://x", None),
            ("https://", None),
            ("id.example", None),
        ] {
            assert_eq!(origin(address), expected, "{address}");
        }
    }

    #[test]
    fn the_policy_lets_forms_lead_to_the_issuer_only() {
        let policy = |issuer| content_security_policy(issuer).to_str().unwrap().to_owned();
        assert!(
            policy("http://localhost:9080/realms/x")
                .contains("form-action 'self' http://localhost:9080; ")
        );
        assert!(policy("nonsense; script-src *").contains("form-action 'self'; "));
    }
}
