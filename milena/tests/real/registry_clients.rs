//! Clients of registries that others have written, unmodified, live with our registry. The same is asked of Spring Cloud's own
//! registry, so that a wrong expectation shows.

mod configuration;
mod discovery;
mod link;
mod ours;
mod peers;
mod recorder;
mod registries;
mod strangers;

use std::time::Duration;

use reqwest::{Client, ClientBuilder};

/// How long a registry of Java may take to start, on a busy machine.
const STARTING: Duration = Duration::from_secs(120);

/// A client of this machine only: no proxy, and no certificates, which a bare machine may lack.
fn client() -> ClientBuilder {
    Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(15))
}
