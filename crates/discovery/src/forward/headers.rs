//! Which headers pass a proxy, and which it adds.

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Headers about one connection (RFC 9110 §7.6.1), whoever names them.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Takes off the headers about one connection, and those that `Connection` names.
pub(super) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    // Whoever announces both is read by the encoding; a length that contradicts it must not travel on.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Takes off what is not meant for the service.
pub(super) fn for_the_service(headers: &mut HeaderMap) {
    drop_hop_by_hop(headers);
    // The host is the instance's. Our own server answers the expectation as soon as somebody reads the body.
    for name in
        [header::HOST, header::EXPECT, header::COOKIE, HeaderName::from_static("x-xsrf-token")]
    {
        headers.remove(name);
    }
}

/// Adds who asked for what. As in the original, what is there already stays in front: only the last value of each is ours,
/// anything before it is the caller's word.
pub(super) fn forwarded(headers: &mut HeaderMap, caller: Option<SocketAddr>, prefix: &str) {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let host =
        host.filter(|host| host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c)));
    let mut trace = "proto=http".to_owned();
    if let Some(host) = &host {
        trace.push_str(&format!(";host=\"{host}\""));
    }
    if let Some(caller) = caller {
        trace.push_str(&format!(";for=\"{caller}\""));
        append(headers, FORWARDED_FOR, &caller.ip().to_string());
    }
    if let Ok(trace) = HeaderValue::try_from(trace) {
        headers.append(header::FORWARDED, trace);
    }
    append(headers, FORWARDED_PROTO, "http");
    append(headers, FORWARDED_PREFIX, prefix);
    if let Some(host) = &host {
        let port =
            host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).unwrap_or(80);
        append(headers, FORWARDED_PORT, &port.to_string());
        append(headers, FORWARDED_HOST, host);
    }
}

/// Adds a value to a comma-separated list; an empty one and one that no header can carry are left out.
fn append(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if value.is_empty() {
        return;
    }
    let before: Vec<&str> =
        headers.get_all(&name).iter().filter_map(|value| value.to_str().ok()).collect();
    let all = before.into_iter().chain([value]).collect::<Vec<_>>().join(",");
    if let Ok(all) = HeaderValue::try_from(all) {
        headers.insert(name, all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    fn check(headers: &HeaderMap, expected: &[(&str, &str)]) {
        let mut found: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_belongs_to_one_connection_stays_there() {
        let mut map = headers(&[
            ("Connection", "close, X-Private"),
            ("Keep-Alive", "timeout=5"),
            ("X-Private", "1"),
            ("TE", "trailers"),
            ("Upgrade", "h2c"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "5"),
            ("X-Public", "2"),
        ]);
        drop_hop_by_hop(&mut map);
        check(&map, &[("x-public", "2")]);
    }

    #[test]
    fn cookies_stay_here_and_the_token_goes_on() {
        let mut map = headers(&[
            ("Host", "a"),
            ("Cookie", "SESSION=1"),
            ("X-XSRF-TOKEN", "2"),
            ("Authorization", "Bearer x"),
            ("Content-Length", "5"),
        ]);
        for_the_service(&mut map);
        check(&map, &[("authorization", "Bearer x"), ("content-length", "5")]);
    }

    #[test]
    fn the_service_learns_who_asked_for_what() {
        let mut map = headers(&[("Host", "localhost:9000")]);
        forwarded(&mut map, Some("127.0.0.1:42266".parse().unwrap()), "/services/library");
        let expected = [
            ("forwarded", "proto=http;host=\"localhost:9000\";for=\"127.0.0.1:42266\""),
            ("host", "localhost:9000"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-host", "localhost:9000"),
            ("x-forwarded-port", "9000"),
            ("x-forwarded-prefix", "/services/library"),
            ("x-forwarded-proto", "http"),
        ];
        check(&map, &expected);
    }

    #[test]
    fn what_the_caller_claims_stays_in_front() {
        let mut map = headers(&[
            ("X-Forwarded-For", "1.2.3.4"),
            ("Forwarded", "for=1.2.3.4"),
            ("Host", "bad\"host"),
        ]);
        forwarded(&mut map, Some("[::1]:5".parse().unwrap()), "");
        let expected = [
            ("forwarded", "for=1.2.3.4"),
            ("forwarded", "proto=http;for=\"[::1]:5\""),
            ("host", "bad\"host"),
            ("x-forwarded-for", "1.2.3.4,::1"),
            ("x-forwarded-proto", "http"),
        ];
        check(&map, &expected);
    }
}
