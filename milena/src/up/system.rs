//! All services and embedded parts, put together.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use chassis::{Outside, Service, Stop, config::Settings};
use database::{Durability, Sqlite, Table};
use discovery::{Address, Directory, Forwarder, Registration};
use identity::{
    Issuer, Provider, Verifier,
    login::{Login, LoginSettings},
    session::Sessions,
};
use mail::{Mailbox, Mailer, Security, SmtpSettings};
use messaging::Embedded;

use super::{
    Addresses, Ports,
    addresses::local,
    folder::{Folder, KEYS},
    ports::Listeners,
    wanted::Wanted,
};

/// How long a system may take until all of its services answer.
const READY: Duration = Duration::from_secs(30);

/// What `up` was asked for.
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Which ports to listen on.
    pub ports: Ports,
    /// Every configuration key.
    pub settings: Settings,
    /// The time and randomness.
    pub outside: Outside,
}

/// A system whose ports are bound and whose files are open; nothing runs yet.
pub struct System {
    /// In the order in which they stop: callers before those whom they call.
    stages: Vec<Vec<Service>>,
    addresses: Addresses,
    directory: Arc<Directory>,
    _folder: Folder,
}

impl System {
    /// Binds every port, takes the data folder, opens every file, builds every service.
    ///
    /// # Errors
    /// Names the port, folder, file or key that cannot be used; nothing is started then.
    pub async fn prepare(options: Options) -> anyhow::Result<Self> {
        let Options { data_dir, ports, settings, outside } = options;
        let wanted = Wanted::read(&settings)?;
        let listeners = ports.bind(wanted.provider.is_none(), wanted.mail_server.is_none()).await?;
        let folder = Folder::open(&data_dir).await?;
        let mut addresses = addresses(&listeners, &ports)?;
        addresses.data = data_dir.display().to_string();
        let provider = match &wanted.provider {
            Some(provider) => provider.clone(),
            None => Provider::new(&addresses.issuer)?,
        };
        addresses.issuer = provider.issuer().to_owned();
        let smtp = match &wanted.mail_server {
            Some(server) => server.clone(),
            None => sink_settings(&addresses)?,
        };
        addresses.smtp = format!("{}:{}", smtp.host, smtp.port);
        let builder = Builder { wanted, outside, provider, smtp, folder, addresses };
        builder.build(listeners).await
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
            let known = tokio::time::timeout(READY, all_known(&directory)).await;
            match known {
                Ok(()) => ready(&addresses),
                Err(_) => stop.cancel(),
            }
            known.map_err(|_| anyhow::anyhow!("the services did not register within {READY:?}"))
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
        registry: at(&listeners.registry)?,
        store: at(&listeners.store)?,
        alert: at(&listeners.alert)?,
        development_issuer: listeners.issuer.is_some(),
        sink: listeners.smtp.is_some(),
        issuer,
        smtp,
        data: String::new(),
    })
}

/// How mails get to the sink of this process.
fn sink_settings(addresses: &Addresses) -> anyhow::Result<SmtpSettings> {
    let (host, port) =
        addresses.smtp.rsplit_once(':').context("the mail sink's address has no port")?;
    let mut smtp = SmtpSettings::new(host, port.parse()?);
    smtp.security = Security::Plain;
    Ok(smtp)
}

/// What the parts are made from.
struct Builder {
    wanted: Wanted,
    outside: Outside,
    provider: Arc<Provider>,
    smtp: SmtpSettings,
    folder: Folder,
    addresses: Addresses,
}

impl Builder {
    async fn build(self, listeners: Listeners) -> anyhow::Result<System> {
        let registry = self.registry_address()?;
        let verifier = Arc::new(Verifier::new(
            self.provider.clone(),
            self.wanted.sign_in.audiences.clone(),
            self.outside.clone(),
        ));
        let directory = Directory::new(registry.clone(), self.outside.clone())?;
        let broker = self.broker().await?;
        let mailbox = match &listeners.smtp {
            Some(_) => Some(self.mailbox().await?),
            None => None,
        };
        let (store, alert, gateway, issuer) = tokio::try_join!(
            self.store(&broker, &verifier, &registry),
            self.alert(&broker, &verifier, &registry),
            self.gateway(&verifier, &registry, &directory, mailbox.clone()),
            self.issuer(listeners.issuer),
        )?;
        let registry = registry::service(self.wanted.registry.clone(), self.outside.clone());
        let clock = self.outside.clone();
        let brokering = Service::new("broker")
            .background("clean", move |stop| broker.clean(move || clock.now(), stop));
        let mut called = vec![store.on(listeners.store), alert.on(listeners.alert)];
        called.extend(issuer);
        let mut embedded = vec![brokering, registry.on(listeners.registry)];
        if let (Some(listener), Some(mailbox)) = (listeners.smtp, mailbox) {
            embedded.push(
                Service::new("mail sink")
                    .background("smtp", move |stop| mail::sink::serve(listener, mailbox, stop)),
            );
        }
        let stages = vec![vec![gateway.on(listeners.gateway)], called, embedded];
        Ok(System { stages, addresses: self.addresses, directory, _folder: self.folder })
    }

    fn registry_address(&self) -> anyhow::Result<Address> {
        let password = self.wanted.registry.password.clone();
        let host = self.addresses.registry.trim_start_matches("http://");
        Ok(Address::parse(&format!("http://{host}/eureka"))?.asked_by("admin", password))
    }

    async fn database(&self, name: &str, tables: &[Table]) -> anyhow::Result<Arc<Sqlite>> {
        Ok(Sqlite::open(&self.folder.join(name), tables, Durability::PowerFailure).await?)
    }

    async fn broker(&self) -> anyhow::Result<Embedded> {
        let path = self.folder.join("broker.db");
        Ok(Embedded::open(&path, self.wanted.partitions, Durability::PowerFailure).await?)
    }

    async fn mailbox(&self) -> anyhow::Result<Mailbox> {
        let clock = self.outside.clone();
        Mailbox::open(self.folder.join("mails"), Arc::new(move || clock.now())).await
    }

    fn registration(&self, name: &str, address: &str) -> anyhow::Result<Registration> {
        let port = address.rsplit_once(':').context("an address has no port")?.1.parse()?;
        Ok(Registration::new(name, "127.0.0.1", port).with_metadata("profile", "prod,api-docs"))
    }

    async fn store(
        &self,
        broker: &Embedded,
        verifier: &Arc<Verifier>,
        registry: &Address,
    ) -> anyhow::Result<Service> {
        Ok(store::service(store::Parts {
            database: self.database("store.db", &[store::domain::STORE.table()]).await?,
            broker: Arc::new(broker.clone()),
            verifier: verifier.clone(),
            registry: registry.clone(),
            registration: self.registration("store", &self.addresses.store)?,
            outside: self.outside.clone(),
        }))
    }

    async fn alert(
        &self,
        broker: &Embedded,
        verifier: &Arc<Verifier>,
        registry: &Address,
    ) -> anyhow::Result<Service> {
        Ok(alert::service(alert::Parts {
            database: self.database("alert.db", &[alert::domain::STORE_ALERT.table()]).await?,
            broker: Arc::new(broker.clone()),
            mailer: Arc::new(Mailer::new(self.smtp.clone())?),
            distribution_list: self.wanted.distribution_list.clone(),
            verifier: verifier.clone(),
            registry: registry.clone(),
            registration: self.registration("alert", &self.addresses.alert)?,
            outside: self.outside.clone(),
        }))
    }

    async fn gateway(
        &self,
        verifier: &Arc<Verifier>,
        registry: &Address,
        directory: &Arc<Directory>,
        mailbox: Option<Mailbox>,
    ) -> anyhow::Result<Service> {
        let database = self.database("gateway.db", &identity::session::tables()).await?;
        let sign_in = &self.wanted.sign_in;
        let login = Login::new(LoginSettings {
            provider: self.provider.clone(),
            verifier: verifier.clone(),
            client_id: sign_in.client_id.clone(),
            client_secret: sign_in.client_secret.clone(),
            scopes: sign_in.scopes.clone(),
            sessions: Sessions::new(database, self.outside.clone()),
            outside: self.outside.clone(),
        });
        Ok(gateway::service(gateway::Parts {
            login,
            issuer: self.addresses.issuer.clone(),
            directory: directory.clone(),
            forwarder: Arc::new(Forwarder::new(directory.clone())),
            mailbox,
            registration: Some((
                registry.clone(),
                self.registration("gateway", &self.addresses.gateway)?,
            )),
            outside: self.outside.clone(),
        }))
    }

    async fn issuer(
        &self,
        listener: Option<tokio::net::TcpListener>,
    ) -> anyhow::Result<Option<Service>> {
        let Some(listener) = listener else { return Ok(None) };
        let database = self.database("identity.db", &identity::issuer::TABLES).await?;
        let (keys, url) = (self.folder.join(KEYS), self.addresses.issuer.clone());
        let issuer = Issuer::open(database, &keys, url, self.outside.clone()).await?;
        Ok(Some(Service::new("identity").routes(issuer.routes()).on(listener)))
    }
}
