//! The address of this service as the caller sees it, for links in answers.

use axum::http::{HeaderMap, header};

/// `http://shop.example:8080`, or with a prefix `https://gate.example/services/shop`; empty when the request names no
/// host, so that what is appended is an address without one. A proxy's `X-Forwarded-*` count before `Host`: whoever sends
/// them receives the answer.
pub(crate) fn base(headers: &HeaderMap) -> String {
    let first = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?.split(',').next()?.trim();
        (!value.is_empty()).then_some(value)
    };
    let host = first("x-forwarded-host").filter(|host| is_host(host));
    let host = host.or_else(|| first(header::HOST.as_str()).filter(|host| is_host(host)));
    let Some(host) = host else { return String::new() };
    let scheme = first("x-forwarded-proto").filter(|scheme| matches!(*scheme, "http" | "https"));
    let prefix = first("x-forwarded-prefix").filter(|prefix| is_prefix(prefix)).unwrap_or("");
    format!("{}://{host}{}", scheme.unwrap_or("http"), prefix.trim_end_matches('/'))
}

fn is_host(text: &str) -> bool {
    text.len() <= 255 && text.bytes().all(|c| c.is_ascii_alphanumeric() || b".-_:[]".contains(&c))
}

fn is_prefix(text: &str) -> bool {
    text.len() <= 255
        && text.starts_with('/')
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"/.-_~%".contains(&c))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn check(headers: &[(&str, &str)], expected: &str) {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        assert_eq!(base(&map), expected, "{headers:?}");
    }

    #[test]
    fn an_address_is_the_one_that_the_caller_used() {
        check(&[], "");
        check(&[("host", "shop:8082")], "http://shop:8082");
        check(&[("host", "[::1]:8082")], "http://[::1]:8082");
        let forwarded = [
            ("host", "10.0.0.7:8082"),
            ("x-forwarded-host", "gate.example, other"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", "/services/shop/"),
        ];
        check(&forwarded, "https://gate.example/services/shop");
    }

    #[test]
    fn what_is_no_address_is_left_out() {
        check(&[("host", "a b")], "");
        check(&[("host", "shop"), ("x-forwarded-host", "x\"><script>")], "http://shop");
        check(&[("host", "shop"), ("x-forwarded-proto", "javascript")], "http://shop");
        check(&[("host", "shop"), ("x-forwarded-prefix", "/a>; rel=next")], "http://shop");
        check(&[("host", "shop"), ("x-forwarded-prefix", "services")], "http://shop");
    }
}
