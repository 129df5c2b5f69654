//! All services and embedded parts, put together.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use chassis::{Outside, Service, Stop, config::RemoteSource, telemetry::Loggers};
use discovery::{Address, Directory, Forwarder, Registration};
use identity::{Issuer, Provider, login::Login};
use mail::{Mailbox, Security, SmtpSettings};

use super::{
    Addresses, Ports,
    addresses::local,
    ports::{Embedded, Listeners},
};
use crate::{
    folder::{Folder, KEYS},
    layers::Layers,
    parts::Parts,
    wanted::{Mails, Wanted},
};

/// How long a system may take until all of its services answer.
const READY: Duration = Duration::from_secs(30);

/// What `up` was asked for.
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Which ports to listen on.
    pub ports: Ports,
    /// What was said about the configuration.
    pub layers: Layers,
    /// What the registry serves for the services, the most important source first.
    pub told: Vec<RemoteSource>,
    /// What changes log levels while the program runs; none where another program logs.
    pub loggers: Option<Loggers>,
    /// The time and randomness.
    pub outside: Outside,
}

/// A system whose ports are bound and whose files are open; nothing runs yet.
pub struct System {
    /// In the order in which they stop: callers before those whom they call.
    stages: Vec<Vec<Service>>,
    addresses: Addresses,
    directory: Arc<Directory>,
    /// How long the services may take to be known to the registry; no limit when it is somebody else's.
    limit: Option<Duration>,
    _folder: Option<Folder>,
}

impl System {
    /// Binds every port, takes the data folder, opens every file, builds every service.
    ///
    /// # Errors
    /// Names the port, folder, file or key that cannot be used; nothing is started then.
    pub async fn prepare(options: Options) -> anyhow::Result<Self> {
        let Options { data_dir, ports, layers, told, loggers, outside } = options;
        let wanted = Wanted::read(&layers.settings(&told)?)?;
        let listeners = ports.bind(&Embedded::wanted(&wanted)).await?;
        let mut addresses = addresses(&listeners, &ports)?;
        addresses.data = data_dir.display().to_string();
        let provider = match &wanted.provider {
            Some(provider) => provider.clone(),
            None => Provider::new(&addresses.issuer)?,
        };
        addresses.issuer = provider.issuer().to_owned();
        let smtp = match &wanted.mail_server {
            Some(server) => server.clone(),
            None => sink_settings(&wanted.mails, &addresses)?,
        };
        addresses.smtp = format!("{}:{}", smtp.host, smtp.port);
        let member = member(&data_dir);
        let mut parts = Parts::new(wanted, provider.clone(), data_dir, &member, loggers, outside);
        parts.mail_server = Some(smtp);
        // Taken first: a folder that is somebody else's, or damaged, stops everything before anything is written.
        parts.folder().await?;
        if listeners.registry.is_some() {
            parts.follow_own(layers)?;
        }
        Builder { parts, addresses }.build(listeners).await
    }

    /// What runs where.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Runs until `stop`; calls `ready` once every service answers and is known to the registry.
    ///
    /// # Errors
    /// When a part of it fails, or it does not become ready within half a minute.
    pub async fn run(self, stop: Stop, ready: impl FnOnce(&Addresses)) -> anyhow::Result<()> {
        let (addresses, directory) = (self.addresses, self.directory);
        let running = chassis::run(self.stages, stop.clone());
        let waiting = async {
            let known = match self.limit {
                Some(limit) => tokio::time::timeout(limit, all_known(&directory)).await,
                None => {
                    all_known(&directory).await;
                    Ok(())
                }
            };
            match known {
                Ok(()) => ready(&addresses),
                Err(_) => stop.cancel(),
            }
            known.map_err(|late| anyhow::anyhow!("the services did not register in time: {late}"))
        };
        tokio::pin!(running);
        tokio::select! {
            outcome = &mut running => outcome,
            known = waiting => match known {
                Ok(()) => running.await,
                Err(late) => { running.await?; Err(late) }
            },
        }
    }
}

/// Waits until every service can be found by its name.
async fn all_known(directory: &Directory) {
    for name in ["store", "alert", "gateway"] {
        while directory.pick(name).await.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn addresses(listeners: &Listeners, ports: &Ports) -> anyhow::Result<Addresses> {
    let host = match ports {
        Ports::System => "127.0.0.1",
        Ports::Offset(_) => "localhost",
    };
    let at = |listener: &tokio::net::TcpListener| anyhow::Ok(local(listener.local_addr()?, host));
    let issuer = match &listeners.issuer {
        Some(listener) => format!("{}/realms/jhipster", at(listener)?),
        None => String::new(),
    };
    let smtp = match &listeners.smtp {
        Some(listener) => listener.local_addr()?.to_string(),
        None => String::new(),
    };
    Ok(Addresses {
        gateway: at(&listeners.gateway)?,
        registry: match &listeners.registry {
            Some(listener) => at(listener)?,
            None => String::new(),
        },
        store: at(&listeners.store)?,
        alert: at(&listeners.alert)?,
        development_issuer: listeners.issuer.is_some(),
        sink: listeners.smtp.is_some(),
        issuer,
        smtp,
        data: String::new(),
    })
}

/// What a system is called in the groups of Kafka: one system at a time has the folder.
fn member(data_dir: &Path) -> String {
    let path = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    format!("up-{:016x}", hasher.finish())
}

/// How mails get to the sink of this process.
fn sink_settings(mails: &Mails, addresses: &Addresses) -> anyhow::Result<SmtpSettings> {
    let (host, port) =
        addresses.smtp.rsplit_once(':').context("the mail sink's address has no port")?;
    let mut smtp = mails.to(host, port.parse()?);
    smtp.security = Security::Plain;
    Ok(smtp)
}

/// What the system is made from.
struct Builder {
    parts: Parts,
    addresses: Addresses,
}

impl Builder {
    async fn build(mut self, listeners: Listeners) -> anyhow::Result<System> {
        let registry = self.registry_address()?;
        let directory = Directory::new(registry.clone(), self.parts.outside.clone())?;
        self.parts.directory = Some(directory.clone());
        let mailbox = match &listeners.smtp {
            Some(_) => Some(self.mailbox().await?),
            None => None,
        };
        let registration = self.registration(&registry, "store", &self.addresses.store)?;
        let store = self.parts.store(registration).await?;
        let registration = self.registration(&registry, "alert", &self.addresses.alert)?;
        let alert = self.parts.alert(registration).await?;
        let gateway = self.gateway(&registry, &directory, mailbox.clone()).await?;
        let issuer = self.issuer(listeners.issuer).await?;
        let mut called = vec![store.on(listeners.store), alert.on(listeners.alert)];
        called.extend(issuer);
        let mut embedded = self.parts.embedded();
        let named = listeners.registry.is_none();
        if let Some(listener) = listeners.registry {
            let registration =
                self.registration(&registry, registry::NAME, &self.addresses.registry)?;
            let registry = self.parts.registry(registration).await?;
            embedded.push(self.parts.following(registry).on(listener));
        }
        if let (Some(listener), Some(mailbox)) = (listeners.smtp, mailbox) {
            embedded.push(
                Service::new("mail sink")
                    .background("smtp", move |stop| mail::sink::serve(listener, mailbox, stop)),
            );
        }
        let stages = vec![vec![gateway.on(listeners.gateway)], called, embedded];
        let (limit, folder) = ((!named).then_some(READY), self.parts.into_folder());
        Ok(System { stages, addresses: self.addresses, directory, limit, _folder: folder })
    }

    /// The registry that was named, else the one of this process.
    fn registry_address(&mut self) -> anyhow::Result<Address> {
        if let Some(named) = &self.parts.wanted.found.named {
            self.addresses.registry = named.to_string();
            return Ok(named.clone());
        }
        let password = self.parts.wanted.registry.password.clone();
        let host = self.addresses.registry.trim_start_matches("http://");
        Ok(Address::parse(&format!("http://{host}/eureka"))?.asked_by("admin", password))
    }

    async fn mailbox(&mut self) -> anyhow::Result<Mailbox> {
        let clock = self.parts.outside.teller();
        let folder = self.parts.folder().await?.join("mails");
        Mailbox::open(folder, clock).await
    }

    fn registration(
        &self,
        registry: &Address,
        name: &str,
        address: &str,
    ) -> anyhow::Result<Option<(Address, Registration)>> {
        let port = address.rsplit_once(':').context("an address has no port")?.1.parse()?;
        let registration = self.parts.wanted.found.registration(name, "127.0.0.1", port);
        Ok(Some((registry.clone(), registration)))
    }

    async fn gateway(
        &mut self,
        registry: &Address,
        directory: &Arc<Directory>,
        mailbox: Option<Mailbox>,
    ) -> anyhow::Result<Service> {
        let database = self.parts.sqlite("gateway.db", &identity::session::tables()).await?;
        let outside = self.parts.outside.clone();
        let login = Login::new(self.parts.sign_in(database.clone()));
        let about = gateway::about(&self.parts.wanted.profiles);
        gateway::service(gateway::Parts {
            login,
            issuer: self.addresses.issuer.clone(),
            directory: directory.clone(),
            forwarder: Arc::new(Forwarder::new(directory.clone())),
            mailbox,
            management: self.parts.components(about, database, "r2dbc"),
            api_docs: self.parts.wanted.api_docs(),
            registration: self.registration(registry, "gateway", &self.addresses.gateway)?,
            outside,
        })
    }

    async fn issuer(
        &mut self,
        listener: Option<tokio::net::TcpListener>,
    ) -> anyhow::Result<Option<Service>> {
        let Some(listener) = listener else { return Ok(None) };
        let database = self.parts.sqlite("identity.db", &identity::issuer::TABLES).await?;
        let keys = self.parts.folder().await?.join(KEYS);
        let (url, outside) = (self.addresses.issuer.clone(), self.parts.outside.clone());
        let issuer = Issuer::open(database, &keys, url, outside).await?;
        Ok(Some(Service::new("identity").routes(issuer.routes()).on(listener)))
    }
}
