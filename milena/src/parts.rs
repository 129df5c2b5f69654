//! The parts that services are made of: real ones where the configuration names them, else embedded ones in the data folder.

mod databases;
mod registry;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chassis::{
    Outside, Service,
    management::{About, Management},
    telemetry::Loggers,
};
use database::{DatabaseRef, Durability, Sqlite, Table};
use discovery::{Address, Directory, Registration, server::ConfigServer};
use entity::ResourceOptions;
use identity::{Provider, Verifier};
use mail::{Mailer, SmtpSettings};
use messaging::{BrokerRef, Embedded, kafka::Kafka};
use microservice::Description;
use rustix::system::uname;
use tracing::{info, warn};

use crate::{folder::Folder, health, refresh::Refresh, wanted::Wanted};

/// How long leaving Kafka's groups may take.
const LEAVING: Duration = Duration::from_secs(3);

/// What services are made of.
pub(crate) struct Parts {
    pub(crate) wanted: Wanted,
    pub(crate) outside: Outside,
    pub(crate) verifier: Arc<Verifier>,
    /// Where mails go; without one they are kept.
    pub(crate) mail_server: Option<SmtpSettings>,
    /// Who else there is, for who shows it.
    pub(crate) directory: Option<Arc<Directory>>,
    /// The sources of what a Config server has said; `None` when none has answered.
    pub(crate) config_sources: Option<Vec<String>>,
    /// Reads the configuration again, where a Config server has answered.
    pub(crate) refresh: Option<Refresh>,
    /// The Config server of this process, once it is needed.
    config: Option<ConfigServer>,
    provider: Arc<Provider>,
    loggers: Option<Loggers>,
    data_dir: PathBuf,
    folder: Option<Folder>,
    broker: Option<BrokerRef>,
    kafka: Option<Kafka>,
    /// What this process, and no other, is called in the groups that it reads with, from start to start.
    member: String,
    /// What runs beside the services and is needed by them to the end.
    embedded: Vec<Service>,
}

impl Parts {
    /// Nothing is opened yet.
    pub(crate) fn new(
        wanted: Wanted,
        provider: Arc<Provider>,
        data_dir: PathBuf,
        member: &str,
        loggers: Option<Loggers>,
        outside: Outside,
    ) -> Self {
        let member = format!("{}-{member}", uname().nodename().to_string_lossy());
        let audiences = wanted.sign_in.audiences.clone();
        Parts {
            verifier: Arc::new(Verifier::new(provider.clone(), audiences, outside.clone())),
            mail_server: wanted.mail_server.clone(),
            wanted,
            outside,
            directory: None,
            config_sources: None,
            refresh: None,
            config: None,
            provider,
            loggers,
            data_dir,
            folder: None,
            broker: None,
            kafka: None,
            member,
            embedded: Vec::new(),
        }
    }

    /// The data folder, taken when it is needed first.
    pub(crate) async fn folder(&mut self) -> anyhow::Result<&Folder> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => Folder::open(&self.data_dir).await?,
        };
        Ok(self.folder.insert(folder))
    }

    /// A database of the data folder.
    pub(crate) async fn sqlite(
        &mut self,
        name: &str,
        tables: &[Table],
    ) -> anyhow::Result<Arc<Sqlite>> {
        let path = self.folder().await?.join(name);
        Ok(Sqlite::open(&path, tables, Durability::PowerFailure).await?)
    }

    /// The store service: in MongoDB, when one is named.
    pub(crate) async fn store(
        &mut self,
        registration: Option<(Address, Registration)>,
    ) -> anyhow::Result<Service> {
        let description = store::description();
        let tables = description.tables();
        let units = store::change_units();
        let (database, mongo): (DatabaseRef, _) = match self.wanted.mongodb.clone() {
            None => {
                let database: DatabaseRef = self.sqlite("store.db", &tables).await?;
                databases::seed(&database, &tables, &units).await?;
                (database, None)
            }
            Some(settings) => {
                let mongo = databases::mongodb(&settings, &tables, &units).await?;
                (mongo.clone(), Some(mongo))
            }
        };
        let management = self.described(&description, database.clone());
        let parts = self.microservice(database, management, registration).await?;
        let service = store::service(parts, self.wanted.store.clone());
        Ok(match mongo {
            Some(mongo) => service.background("mongodb", move |stop| mongo.keep(stop)),
            None => service,
        })
    }

    /// The alert service: in PostgreSQL, when one is named.
    pub(crate) async fn alert(
        &mut self,
        registration: Option<(Address, Registration)>,
    ) -> anyhow::Result<Service> {
        let description = alert::description();
        let tables = description.tables();
        let mailer = self.mailer()?;
        let (database, management, postgres) = match self.wanted.postgresql.clone() {
            None => {
                let database = self.sqlite("alert.db", &tables).await?;
                let management = self.described(&description, database.clone());
                (database as DatabaseRef, management, None)
            }
            Some(settings) => {
                let database = databases::postgresql(&settings, &tables).await?;
                let management = self.described(&description, database.clone());
                let management = health::schema(management, database.clone());
                let management = health::pool(management, database.clone());
                (database.clone() as DatabaseRef, management, Some(database))
            }
        };
        let management = match (&mailer, &self.mail_server) {
            (Some(mailer), Some(server)) if self.wanted.mail_health => {
                health::mail(management, mailer.clone(), server)
            }
            _ => management,
        };
        let parts = self.microservice(database, management.readiness("db"), registration).await?;
        let service = alert::service(parts, mailer, self.wanted.alert.clone());
        Ok(match postgres {
            Some(postgres) => service.background("postgresql", move |stop| postgres.keep(stop)),
            None => service,
        })
    }

    /// What runs beside the services and is needed by them to the end.
    pub(crate) fn embedded(&mut self) -> Vec<Service> {
        std::mem::take(&mut self.embedded)
    }

    /// The data folder, if it was needed; it has to be held as long as the services run.
    pub(crate) fn into_folder(self) -> Option<Folder> {
        self.folder
    }

    fn mailer(&self) -> anyhow::Result<Option<Arc<Mailer>>> {
        let Some(server) = &self.mail_server else {
            warn!("no mail server is named (SPRING_MAIL_HOST): mails are kept until there is one");
            return Ok(None);
        };
        Ok(Some(Arc::new(Mailer::new(server.clone())?)))
    }

    /// What every service of the process shows of itself.
    pub(crate) fn management(&self, about: About) -> Management {
        let settings = self.wanted.settings.clone();
        let management =
            Management::new(about, settings, self.outside.clone(), self.loggers.clone())
                .disk(nearest(&self.data_dir));
        match &self.refresh {
            Some(refresh) => management.refresh(refresh.endpoint()),
            None => management,
        }
    }

    /// What a service with a database shows of itself, and of those whom it needs.
    pub(crate) fn components(&self, about: About, database: DatabaseRef, name: &str) -> Management {
        let management = health::database(self.management(about), database, name);
        let management = health::provider(management, self.provider.clone());
        let management = match &self.config_sources {
            Some(sources) => health::config_server(management, sources.clone()),
            None => management,
        };
        match &self.directory {
            Some(directory) => health::directory(management, directory.clone()),
            None => management,
        }
    }

    fn described(&self, description: &Description, database: DatabaseRef) -> Management {
        let (name, verifier) = (database.name(), self.verifier.clone());
        health::started(self.components(description.about(&self.wanted.profiles), database, name))
            .cache("oAuth2Authentication", "identity::Verifier", move || verifier.cache())
    }

    async fn microservice(
        &mut self,
        database: DatabaseRef,
        management: Management,
        registration: Option<(Address, Registration)>,
    ) -> anyhow::Result<microservice::Parts> {
        let broker = self.broker().await?;
        Ok(microservice::Parts {
            database,
            management: health::broker(management, &self.wanted, self.kafka.clone()),
            broker,
            provider: self.provider.clone(),
            verifier: self.verifier.clone(),
            registration,
            feed_topic: self.wanted.feed_topic.clone(),
            options: ResourceOptions { bare_list: self.wanted.list_limit },
            api_docs: self.wanted.api_docs(),
            outside: self.outside.clone(),
        })
    }

    /// One broker for all services of the process.
    async fn broker(&mut self) -> anyhow::Result<BrokerRef> {
        if let Some(broker) = &self.broker {
            return Ok(broker.clone());
        }
        let broker: BrokerRef = match self.wanted.kafka.clone() {
            Some(mut settings) => {
                settings.member(&self.member);
                let kafka = Kafka::new(&settings)?;
                self.embedded.push(leaving(kafka.clone()));
                Arc::new(self.kafka.insert(kafka).clone())
            }
            None => self.embedded_broker().await?,
        };
        Ok(self.broker.insert(broker).clone())
    }

    async fn embedded_broker(&mut self) -> anyhow::Result<BrokerRef> {
        let path = self.folder().await?.join("broker.db");
        let broker =
            Embedded::open(&path, self.wanted.partitions, Durability::PowerFailure).await?;
        info!("messages are kept by the embedded broker in {}", path.display());
        let (cleaning, clock) = (broker.clone(), self.outside.clone());
        self.embedded.push(
            Service::new("broker")
                .background("clean", move |stop| cleaning.clean(move || clock.now(), stop)),
        );
        Ok(Arc::new(broker))
    }
}

/// Waits at the end until the groups know that nobody here reads any more.
fn leaving(kafka: Kafka) -> Service {
    Service::new("kafka").background("leave", move |stop| async move {
        stop.cancelled().await;
        kafka.close(LEAVING).await;
        Ok(())
    })
}

/// The folder, or what is above it while nothing has needed it yet.
fn nearest(folder: &Path) -> &Path {
    let there = folder.ancestors().find(|folder| folder.exists());
    there.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_nothing_has_needed_has_a_disk_all_the_same() {
        let there = tempfile::tempdir().unwrap();
        assert_eq!(nearest(there.path()), there.path());
        assert_eq!(nearest(&there.path().join("not/yet")), there.path());
        assert_eq!(nearest(Path::new("not-yet")), Path::new("."));
    }
}
