//! Where a service answers, and the bytes of requests to it.

use std::{fmt::Write, net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use hyper::{Uri, http::uri::Scheme};
use tokio::{net::lookup_host, time::timeout};

/// How long to wait for the addresses of a name, and for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A service, by its base address.
pub(crate) struct Peer {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) authority: String,
    /// What every path begins with.
    prefix: String,
}

impl Peer {
    /// Looks the name in a base address up, which may have a path.
    ///
    /// # Errors
    /// When it is no plain HTTP address, or nobody knows the name.
    pub(crate) async fn find(base: &str) -> anyhow::Result<Peer> {
        let uri: Uri = base.parse().with_context(|| format!("{base} is no URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            bail!("{base} is no address: http://host:port is needed");
        };
        if *scheme != Scheme::HTTP {
            bail!("{base}: only plain http:// is spoken here");
        }
        let port = authority.port_u16().unwrap_or(80);
        let looked_up = timeout(PATIENCE, lookup_host(format!("{}:{port}", authority.host())))
            .await
            .with_context(|| format!("{base}: the name was not found in {} s", PATIENCE.as_secs()))?
            .with_context(|| format!("find {authority}"))?;
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Peer { addresses: looked_up.collect(), authority: authority.to_string(), prefix })
    }

    /// A request with these headers besides those that every request has; `accept` replaces the usual one.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Vec<u8> {
        let Peer { authority, prefix, .. } = self;
        let mut head = format!("{method} {prefix}{path} HTTP/1.1\r\nhost: {authority}\r\n");
        if headers.iter().all(|(name, _)| *name != "accept") {
            head.push_str("accept: */*\r\n");
        }
        // Writing to a string cannot fail.
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !body.is_empty() {
            let _ = write!(head, "content-length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        [head.as_bytes(), body].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(base: &str, method: &str, body: &str, expected: &str) {
        let peer = Peer::find(base).await.unwrap();
        let request = peer.request(method, "/a", &[("x-one", "1")], body.as_bytes());
        assert_eq!(String::from_utf8(request).unwrap(), expected, "{base}");
    }

    #[tokio::test]
    async fn a_request_is_what_the_protocol_asks_for() {
        check(
            "http://127.0.0.1:8082/",
            "GET",
            "",
            "GET /a HTTP/1.1\r\nhost: 127.0.0.1:8082\r\naccept: */*\r\nx-one: 1\r\n\r\n",
        )
        .await;
        check(
            "http://[::1]/services/b",
            "PUT",
            "{}",
            "PUT /services/b/a HTTP/1.1\r\nhost: [::1]\r\naccept: */*\r\nx-one: 1\r\ncontent-length: 2\r\n\r\n{}",
        )
        .await;
    }

    #[tokio::test]
    async fn what_is_accepted_can_be_chosen() {
        let peer = Peer::find("http://127.0.0.1:1").await.unwrap();
        let request = peer.request("GET", "/", &[("accept", "application/json")], b"");
        let expected = "GET / HTTP/1.1\r\nhost: 127.0.0.1:1\r\naccept: application/json\r\n\r\n";
        assert_eq!(String::from_utf8(request).unwrap(), expected);
    }

    #[tokio::test]
    async fn what_is_no_address_is_named() {
        for (base, expected) in [
            ("https://127.0.0.1:1", "only plain http://"),
            ("127.0.0.1:1", "is no address"),
            ("http://a b", "is no URL"),
        ] {
            let cause = format!("{:#}", Peer::find(base).await.err().unwrap());
            assert!(cause.contains(expected) && cause.contains(base), "{base}: {cause}");
        }
    }
}
