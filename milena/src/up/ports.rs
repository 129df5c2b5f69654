//! The listeners of all parts, bound before anything else happens, so that a taken port leaves nothing half-started.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, bail};
use chassis::config::ConfigError;
use tokio::net::TcpListener;

use crate::wanted::Wanted;

/// Which ports to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ports {
    /// The usual ones, moved by this much.
    Offset(i32),
    /// Any that are free.
    System,
}

/// The listeners, by role.
pub(super) struct Listeners {
    /// None when the registry is elsewhere.
    pub(super) registry: Option<TcpListener>,
    pub(super) store: TcpListener,
    pub(super) alert: TcpListener,
    pub(super) gateway: TcpListener,
    /// None when the identity provider is elsewhere.
    pub(super) issuer: Option<TcpListener>,
    /// None when the mail server is elsewhere.
    pub(super) smtp: Option<TcpListener>,
}

/// Which of the parts that may be elsewhere run in this process.
pub(super) struct Embedded {
    registry: bool,
    issuer: bool,
    smtp: bool,
}

impl Embedded {
    /// Those that nobody has named.
    pub(super) fn wanted(wanted: &Wanted) -> Self {
        Embedded {
            registry: wanted.found.named.is_none(),
            issuer: wanted.provider.is_none(),
            smtp: wanted.mail_server.is_none(),
        }
    }
}

impl Ports {
    pub(super) async fn bind(&self, embedded: &Embedded) -> anyhow::Result<Listeners> {
        Ok(Listeners {
            registry: self.listen_if(embedded.registry, "registry", 8761).await?,
            store: self.listen("store", 8082).await?,
            alert: self.listen("alert", 8083).await?,
            gateway: self.listen("gateway", 8081).await?,
            issuer: self.listen_if(embedded.issuer, "identity provider", 9080).await?,
            smtp: self.listen_if(embedded.smtp, "mail sink", 1025).await?,
        })
    }

    async fn listen_if(
        &self,
        wanted: bool,
        role: &str,
        usual: u16,
    ) -> anyhow::Result<Option<TcpListener>> {
        if wanted { self.listen(role, usual).await.map(Some) } else { Ok(None) }
    }

    async fn listen(&self, role: &str, usual: u16) -> anyhow::Result<TcpListener> {
        let port = match self {
            Ports::System => 0,
            Ports::Offset(offset) => {
                let moved =
                    i32::from(usual).checked_add(*offset).and_then(|port| u16::try_from(port).ok());
                match moved {
                    Some(port) if port > 0 => port,
                    _ => return Err(out_of_range(*offset, usual, role).into()),
                }
            }
        };
        match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await {
            Ok(listener) => Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                bail!(
                    "port {port} of the {role} is taken; move all ports with --port-offset N, or let the system choose with --ports 0"
                )
            }
            Err(error) => {
                Err(error).with_context(|| format!("listen on port {port} for the {role}"))
            }
        }
    }
}

fn out_of_range(offset: i32, usual: u16, role: &str) -> ConfigError {
    ConfigError::Invalid {
        key: "--port-offset".to_owned(),
        value: offset.to_string(),
        origin: "command line".to_owned(),
        reason: format!("moves port {usual} of the {role} out of the range from 1 to 65535"),
    }
}
