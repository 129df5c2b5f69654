//! The two services under test, each a process of its own, and what they share: databases, topic and group that no other
//! run has.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use tempfile::TempDir;

use super::{arguments::Kind, kafka::Kafka};
use crate::{
    caller::Caller,
    http::Http,
    issuer::Issuer,
    postgresql,
    program::{self, Program},
    servers::Servers,
    token::Bearer,
};

/// How long a statement may take: it may write a million rows.
const STATEMENT: Duration = Duration::from_secs(300);

/// How long the servers' script may take: a server that was killed reads its logs first.
const SCRIPT: Duration = Duration::from_secs(120);

/// The system while nothing of it runs.
pub(super) struct System {
    /// What databases, topic and group are called.
    pub(super) name: String,
    pub(super) servers: Servers,
    program: PathBuf,
    folder: TempDir,
    issuer: Issuer,
}

impl System {
    /// Makes the database of the alerts; the rest makes itself.
    pub(super) async fn new(
        name: String,
        program: PathBuf,
        parent: Option<&std::path::Path>,
    ) -> anyhow::Result<System> {
        let servers = Servers::find()?;
        let folder = program::folder(&program, parent)?;
        let issuer = Issuer::start().await?;
        let system = System { name, servers, program, folder, issuer };
        system.sql("postgres", &format!("create database {}", system.name)).await?;
        Ok(system)
    }

    /// Removes it.
    pub(super) async fn remove(&self) -> anyhow::Result<()> {
        self.sql("postgres", &format!("drop database {} with (force)", self.name)).await
    }

    /// Runs a statement in a database of PostgreSQL.
    pub(super) async fn sql(&self, database: &str, sql: &str) -> anyhow::Result<()> {
        postgresql::execute(self.servers.postgresql, database, sql, STATEMENT).await
    }

    /// Kills Kafka; whoever connects is refused from now on.
    pub(super) async fn stop_kafka(&self) -> anyhow::Result<()> {
        self.servers.script.tell("kill", "kafka", SCRIPT).await
    }

    /// Starts Kafka again, and waits until it answers.
    pub(super) async fn start_kafka(&self) -> anyhow::Result<()> {
        self.servers.script.tell("launch", "kafka", SCRIPT).await
    }

    /// How many updates have been announced.
    pub(super) async fn announced(&self) -> anyhow::Result<u64> {
        self.kafka().written(&self.name).await
    }

    /// How many of them alert has recorded: it commits offsets behind rows.
    pub(super) async fn recorded(&self) -> anyhow::Result<u64> {
        self.kafka().done(&self.name, &self.name).await
    }

    pub(super) fn kafka(&self) -> Kafka {
        Kafka(self.servers.kafka)
    }

    /// Somebody who calls a service.
    pub(super) fn caller(&self, address: &str) -> anyhow::Result<Caller> {
        Ok(Caller::new(Http::new(), address, Bearer::fixed(self.issuer.token())?))
    }

    /// `run store`.
    pub(super) fn store(&self, kind: Kind) -> anyhow::Result<Program> {
        Ok(self
            .run("store")?
            .with("SPRING_DATA_MONGODB_URI", self.servers.mongodb(kind == Kind::ReplicaSet))
            .with("SPRING_DATA_MONGODB_DATABASE", &self.name)
            .with("SPRING_CLOUD_STREAM_BINDINGS_BINDINGOUTSTOREALERT_DESTINATION", &self.name))
    }

    /// `run alert`, whose mails wait.
    pub(super) fn alert(&self) -> anyhow::Result<Program> {
        let postgresql = format!("jdbc:postgresql://{}/{}", self.servers.postgresql, self.name);
        Ok(self
            .run("alert")?
            .with("SPRING_DATASOURCE_URL", postgresql)
            .with("SPRING_DATASOURCE_USERNAME", postgresql::USER)
            .with("SPRING_CLOUD_STREAM_BINDINGS_BINDINGINSTOREALERT_DESTINATION", &self.name)
            .with("SPRING_CLOUD_STREAM_BINDINGS_BINDINGINSTOREALERT_GROUP", &self.name))
    }

    /// `run alert`, which sends its mails.
    pub(super) fn mailing_alert(&self, mail: SocketAddr) -> anyhow::Result<Program> {
        Ok(self.alert()?.mailing_to(mail))
    }

    /// `run alert`, which relays what it has for Kafka, and keeps its mails: otherwise it has nothing for Kafka.
    pub(super) fn relaying_alert(&self) -> anyhow::Result<Program> {
        let name = "SPRING_CLOUD_STREAM_KAFKA_BINDINGS_BINDINGINSTOREALERT_CONSUMER_ENABLEDLQ";
        Ok(self.alert()?.with(name, "true"))
    }

    fn run(&self, service: &'static str) -> anyhow::Result<Program> {
        let folder = self.folder.path().join(service);
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let words = ["run", service, "--port", "0"];
        Ok(Program::new(self.program.clone(), &folder, &words)
            .with("SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_OIDC_ISSUER_URI", self.issuer.url())
            .with("EUREKA_CLIENT_ENABLED", "false")
            .with("SPRING_CLOUD_CONFIG_ENABLED", "false")
            .with("SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS", self.servers.kafka.to_string()))
    }
}
