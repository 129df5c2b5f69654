//! All services and embedded parts, put together.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use chassis::{Outside, Secret, Service, Stop, config::Settings};
use database::{Durability, Sqlite, Table};
use discovery::{Address, Directory, Forwarder, Registration};
use gateway::SignIn;
use identity::{
    Issuer, Provider, Verifier,
    login::{Login, LoginSettings},
    session::Sessions,
};
use mail::{Mailbox, Mailer, Password, Security, SmtpSettings};
use messaging::Embedded;

use super::{
    Addresses, Ports,
    addresses::local,
    folder::Folder,
    ports::Listeners,
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
    services: Vec<Service>,
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
        let sign_in = SignIn::read(&settings);
        let development_issuer = !settings.is_set("spring.security.oauth2.client.provider.oidc.issuer-uri");
        let sink = settings.text("spring.mail.host").is_empty();
        let listeners = ports.bind(development_issuer, sink).await?;
        let folder = Folder::open(&data_dir)?;
        let mut addresses = addresses(&listeners, &ports)?;
        addresses.data = data_dir.display().to_string();
        if !development_issuer {
            addresses.issuer = sign_in.issuer.clone();
        }
        let smtp = smtp_settings(&settings, &addresses)?;
        addresses.smtp = format!("{}:{}", smtp.host, smtp.port);
        let builder = Builder { settings, outside, sign_in, folder, addresses };
        builder.build(listeners, smtp).await
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
        let running = chassis::run(self.services, stop.clone());
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

fn smtp_settings(settings: &Settings, addresses: &Addresses) -> anyhow::Result<SmtpSettings> {
    if addresses.sink {
        let (host, port) = addresses.smtp.rsplit_once(':').context("the mail sink's address has no port")?;
        let mut smtp = SmtpSettings::new(host, port.parse()?);
        smtp.security = Security::Plain;
        return Ok(smtp);
    }
    let mut smtp = SmtpSettings::new(settings.text("spring.mail.host"), settings.parse("spring.mail.port", "a port, for example 587")?);
    let starttls = |name: &str| settings.parse(&format!("spring.mail.properties.mail.smtp.starttls.{name}"), "true or false");
    smtp.security = match (starttls("enable")?, starttls("required")?) {
        (false, _) => Security::Plain,
        (true, false) => Security::StartTlsIfOffered,
        (true, true) => Security::StartTlsRequired,
    };
    let username = settings.text("spring.mail.username");
    if !username.is_empty() {
        smtp.username = Some(username.to_owned());
        smtp.password = Some(Password::new(settings.secret("spring.mail.password").expose().clone()));
    }
    Ok(smtp)
}

/// What the parts are made from.
struct Builder {
    settings: Settings,
    outside: Outside,
    sign_in: SignIn,
    folder: Folder,
    addresses: Addresses,
}

impl Builder {
    async fn build(self, listeners: Listeners, smtp: SmtpSettings) -> anyhow::Result<System> {
        let registry = self.registry_address()?;
        let provider = Provider::new(&self.addresses.issuer)?;
        let verifier = Arc::new(Verifier::new(provider.clone(), self.sign_in.audiences.clone(), self.outside.clone()));
        let directory = Directory::new(registry.clone(), self.outside.clone())?;
        let broker = self.broker().await?;
        let mailbox = match &listeners.smtp {
            Some(_) => Some(self.mailbox().await?),
            None => None,
        };
        let (store, alert, gateway, issuer) = tokio::try_join!(
            self.store(&broker, &verifier, &registry),
            self.alert(&broker, &verifier, &registry, smtp),
            self.gateway(provider, &verifier, &registry, &directory, mailbox.clone()),
            self.issuer(listeners.issuer),
        )?;
        let registry = registry::service(registry::Settings::read(&self.settings), self.outside.clone());
        let clock = self.outside.clone();
        let brokering = Service::new("broker").background("clean", move |stop| broker.clean(move || clock.now(), stop));
        let mut services = vec![
            brokering,
            registry.on(listeners.registry),
            store.on(listeners.store),
            alert.on(listeners.alert),
            gateway.on(listeners.gateway),
        ];
        services.extend(issuer);
        if let (Some(listener), Some(mailbox)) = (listeners.smtp, mailbox) {
            services.push(Service::new("mail sink").background("smtp", move |stop| mail::sink::serve(listener, mailbox, stop)));
        }
        Ok(System { services, addresses: self.addresses, directory, _folder: self.folder })
    }

    fn registry_address(&self) -> anyhow::Result<Address> {
        let password: Secret<String> = self.settings.secret("spring.security.user.password");
        ensure!(!password.expose().is_empty(), "spring.security.user.password is empty: the registry needs a password");
        let host = self.addresses.registry.trim_start_matches("http://");
        Ok(Address::parse(&format!("http://{host}/eureka"))?.asked_by("admin", password))
    }

    async fn database(&self, name: &str, tables: &[Table]) -> anyhow::Result<Arc<Sqlite>> {
        Ok(Sqlite::open(&self.folder.join(name), tables, Durability::PowerFailure).await?)
    }

    async fn broker(&self) -> anyhow::Result<Embedded> {
        let partitions = self.settings.parse("milena.broker.partitions", "a number from 1")?;
        Ok(Embedded::open(&self.folder.join("broker.db"), partitions, Durability::PowerFailure).await?)
    }

    async fn mailbox(&self) -> anyhow::Result<Mailbox> {
        let clock = self.outside.clone();
        Mailbox::open(self.folder.join("mails"), Arc::new(move || clock.now())).await
    }

    fn registration(&self, name: &str, address: &str) -> anyhow::Result<Registration> {
        let port = address.rsplit_once(':').context("an address has no port")?.1.parse()?;
        Ok(Registration::new(name, "127.0.0.1", port).with_metadata("profile", "prod,api-docs"))
    }

    async fn store(&self, broker: &Embedded, verifier: &Arc<Verifier>, registry: &Address) -> anyhow::Result<Service> {
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
        smtp: SmtpSettings,
    ) -> anyhow::Result<Service> {
        let distribution_list = self.settings.list("alert.distribution-list");
        if distribution_list.is_empty() {
            bail!("alert.distribution-list names nobody; set it, for example with --distribution-list me@example.com");
        }
        Ok(alert::service(alert::Parts {
            database: self.database("alert.db", &[alert::domain::STORE_ALERT.table()]).await?,
            broker: Arc::new(broker.clone()),
            mailer: Arc::new(Mailer::new(smtp)?),
            distribution_list,
            verifier: verifier.clone(),
            registry: registry.clone(),
            registration: self.registration("alert", &self.addresses.alert)?,
            outside: self.outside.clone(),
        }))
    }

    async fn gateway(
        &self,
        provider: Arc<Provider>,
        verifier: &Arc<Verifier>,
        registry: &Address,
        directory: &Arc<Directory>,
        mailbox: Option<Mailbox>,
    ) -> anyhow::Result<Service> {
        let database = self.database("gateway.db", &identity::session::tables()).await?;
        let login = Login::new(LoginSettings {
            provider,
            verifier: verifier.clone(),
            client_id: self.sign_in.client_id.clone(),
            client_secret: self.sign_in.client_secret.clone(),
            scopes: self.sign_in.scopes.clone(),
            sessions: Sessions::new(database, self.outside.clone()),
            outside: self.outside.clone(),
        });
        Ok(gateway::service(gateway::Parts {
            login,
            issuer: self.addresses.issuer.clone(),
            directory: directory.clone(),
            forwarder: Arc::new(Forwarder::new(directory.clone())),
            mailbox,
            registration: Some((registry.clone(), self.registration("gateway", &self.addresses.gateway)?)),
            outside: self.outside.clone(),
        }))
    }

    async fn issuer(&self, listener: Option<tokio::net::TcpListener>) -> anyhow::Result<Option<Service>> {
        let Some(listener) = listener else { return Ok(None) };
        let database = self.database("identity.db", &identity::issuer::TABLES).await?;
        let (keys, url) = (self.folder.join("keys"), self.addresses.issuer.clone());
        let issuer = Issuer::open(database, &keys, url, self.outside.clone()).await?;
        Ok(Some(Service::new("identity").routes(issuer.routes()).on(listener)))
    }
}
