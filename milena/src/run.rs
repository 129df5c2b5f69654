//! `milena run SERVICE`: one service in a process of its own, configured by the variables of its Java twin.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::{Context, bail};
use chassis::{
    Outside, Service, Stop,
    config::{RemoteSource, Settings},
    telemetry::Loggers,
};
use discovery::{Address, Configuration, Configured, Directory, Registration};
use serde_json::{Value, json};
use tokio::net::{TcpListener, UdpSocket};
use tracing::{info, warn};

use crate::{
    arguments::Role,
    folder::Folder,
    layers::Layers,
    parts::Parts,
    patience::{Trouble, until_it_works},
    refresh::{Refresh, Source},
    wanted::{self, ConfigServer, Wanted},
};

/// The port of every service of the tutorial but the registry.
const PORT: u16 = 8082;
/// The port of the registry.
const REGISTRY_PORT: u16 = 8761;

/// What `run` was asked for.
pub struct Options {
    /// Which service.
    pub role: Role,
    /// Where everything is kept that no database was named for.
    pub data_dir: PathBuf,
    /// What was said about the configuration.
    pub layers: Layers,
    /// What changes log levels while the program runs; none where another program logs.
    pub loggers: Option<Loggers>,
    /// The time and randomness.
    pub outside: Outside,
}

/// A service whose port is bound and whose database answers; nothing runs yet.
pub struct Process {
    role: Role,
    stages: Vec<Vec<Service>>,
    address: SocketAddr,
    _folder: Option<Folder>,
}

impl Process {
    /// Asks the Config server, binds the port, and connects to what was named, waiting for whatever is not up yet.
    ///
    /// # Errors
    /// Names the port, folder, file or key that cannot be used; nothing is started then.
    pub async fn prepare(options: Options) -> anyhow::Result<Self> {
        let Options { role, data_dir, layers, loggers, outside } = options;
        let (settings, told) = configured(role, &layers).await?;
        let wanted = Wanted::read(&settings)?;
        let provider = wanted::provider(&settings)?;
        crate::unused::warn_of(&settings, &layers.variables, Some(role));
        let listener = listen(&wanted, role).await?;
        let address = listener.local_addr().context("read the listener's address")?;
        let registration = registration(&wanted, role, address).await?;
        let member = format!("{}-{}", role.name(), address.port());
        let refresh = told.as_ref().map(|(server, said)| {
            let ConfigServer { address, question, .. } = server.clone();
            let source = Source::Remote(Configuration::new(address, question, said.tag.clone()));
            Refresh::new(layers, source, &wanted, loggers.clone())
        });
        let mut parts = Parts::new(wanted, provider, data_dir, &member, loggers, outside.clone());
        let directory = match &registration {
            Some((registry, _)) if role != Role::Registry => {
                Some(Directory::new(registry.clone(), outside.clone())?)
            }
            _ => None,
        };
        parts.directory.clone_from(&directory);
        parts.config_sources = told.map(|(_, said)| names(&said.sources));
        parts.refresh = refresh;
        let service = match role {
            Role::Store => parts.store(registration).await?,
            Role::Alert => parts.alert(registration).await?,
            Role::Registry => parts.registry(registration).await?,
        };
        let service = match directory {
            Some(directory) => service.background("directory", move |stop| directory.watch(stop)),
            None => service,
        };
        let service = parts.following(service);
        let stages = vec![vec![service.on(listener)], parts.embedded()];
        Ok(Process { role, stages, address, _folder: parts.into_folder() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The line for machines.
    pub fn json(&self) -> Value {
        let address = format!("http://127.0.0.1:{}", self.address.port());
        json!({ self.role.name(): address, "pid": std::process::id() })
    }

    /// The line for a person.
    pub fn greeting(&self) -> String {
        format!("The {} service listens on {}.", self.role.name(), self.address)
    }

    /// Runs until `stop`.
    ///
    /// # Errors
    /// When a part of it fails.
    pub async fn run(self, stop: Stop) -> anyhow::Result<()> {
        chassis::run(self.stages, stop).await
    }
}

/// The settings, with what the Config server says if there is one, which one that is, and what it said.
async fn configured(
    role: Role,
    layers: &Layers,
) -> anyhow::Result<(Settings, Option<(ConfigServer, Configured)>)> {
    let settings = layers.settings(&[])?;
    // The registry is the Config server.
    let server = match role {
        Role::Registry => None,
        Role::Store | Role::Alert => ConfigServer::read(&settings, role.name())?,
    };
    let Some(server) = server else { return Ok((settings, None)) };
    let ConfigServer { address, question, required } = &server;
    let ask = async || discovery::configuration(address, question).await;
    let said = match required {
        true => {
            let what = format!("the Config server at {address}");
            until_it_works(&what, async || ask().await.map_err(Trouble::Later)).await?
        }
        false => match ask().await {
            Ok(sources) => sources,
            Err(cause) => {
                info!("going on without a Config server: {cause:#}");
                return Ok((settings, None));
            }
        },
    };
    info!("configured by the Config server at {address}: {}", names(&said.sources).join(", "));
    Ok((layers.settings(&said.sources)?, Some((server, said))))
}

fn names(sources: &[RemoteSource]) -> Vec<String> {
    sources.iter().map(|source| source.name.clone()).collect()
}

async fn listen(wanted: &Wanted, role: Role) -> anyhow::Result<TcpListener> {
    let settings = wanted.settings.get();
    let port: u16 = match (settings.text("server.port"), role) {
        ("", Role::Registry) => REGISTRY_PORT,
        ("", Role::Store | Role::Alert) => PORT,
        _ => settings.parse("server.port", "a port, for example 8082")?,
    };
    let address: IpAddr = match settings.text("server.address") {
        "" => Ipv4Addr::UNSPECIFIED.into(),
        _ => settings.parse("server.address", "a numeric address, for example 127.0.0.1")?,
    };
    match TcpListener::bind((address, port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!("port {port} is taken; name another with --port or SERVER_PORT")
        }
        Err(error) => Err(error).with_context(|| format!("listen on {address}, port {port}")),
    }
}

/// The registry, and what it is told of the service. The registry itself is the one that it tells.
async fn registration(
    wanted: &Wanted,
    role: Role,
    listener: SocketAddr,
) -> anyhow::Result<Option<(Address, Registration)>> {
    let found = &wanted.found;
    if !found.enabled {
        return Ok(None);
    }
    let named = found.named.as_ref().unwrap_or(&found.usual);
    let registry = match role {
        Role::Registry => itself(listener, wanted)?,
        Role::Store | Role::Alert => named.clone(),
    };
    let here = match own_address(named).await {
        Ok(address) => address.to_string(),
        Err(cause) => {
            warn!(
                "registering with a loopback address, name a better one with EUREKA_INSTANCE_IP_ADDRESS: {cause:#}"
            );
            Ipv4Addr::LOCALHOST.to_string()
        }
    };
    Ok(Some((registry, found.registration(role.name(), &here, listener.port()))))
}

/// How the registry of this process is reached from inside of it.
fn itself(listener: SocketAddr, wanted: &Wanted) -> anyhow::Result<Address> {
    let mut reached = listener;
    if reached.ip().is_unspecified() {
        reached.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let address = Address::parse(&format!("http://{reached}/eureka"))?;
    Ok(address.asked_by("admin", wanted.registry.password.clone()))
}

/// The address by which this machine would speak to the registry: others can reach us there too. Nothing is sent.
async fn own_address(registry: &Address) -> anyhow::Result<IpAddr> {
    let (host, port) = registry.host_and_port().context("the registry's address has no host")?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.context("make a socket")?;
    socket.connect((host, port)).await.with_context(|| format!("find the way to {host}"))?;
    Ok(socket.local_addr().context("read the socket's address")?.ip())
}
