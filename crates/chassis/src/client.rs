//! HTTP clients for one address.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url, redirect};

/// Begins a client for requests to this address: each at most `timeout` long, without redirects.
///
/// An address without TLS needs no certificates, whose loading takes a tenth of a second and fails on a machine that has
/// none; a loopback address needs no proxy.
pub fn client(address: &Url, timeout: Duration) -> ClientBuilder {
    let mut client = Client::builder().timeout(timeout).redirect(redirect::Policy::none());
    if address.scheme() == "http" {
        client = client.tls_certs_only([]);
    }
    if matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        client = client.no_proxy();
    }
    client
}
