//! Two processes of each service on real servers, every connection through a door of its own.

mod door;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;

use super::{
    post::Post,
    proxy::Proxy,
    random::Random,
    schedule::{Schedule, Shape},
    servers::Servers,
    system::{Process, Setting, System},
};
use crate::{
    postgresql::{self, USER},
    program::Program,
    servers,
};

/// What can be disturbed. A part that comes later must stand behind those that are here, so that their faults stay.
pub(crate) const SHAPE: Shape = Shape {
    processes: &["store-1", "store-2", "alert-1", "alert-2"],
    links: &[
        "callers-store-1",
        "callers-store-2",
        "store-1-mongodb",
        "store-2-mongodb",
        "store-1-kafka",
        "store-2-kafka",
        "alert-1-kafka",
        "alert-2-kafka",
        "alert-1-postgresql",
        "alert-2-postgresql",
        "alert-1-mail",
        "alert-2-mail",
    ],
    servers: &["mongodb", "kafka", "postgresql"],
    traffic: (2_500, 5_000),
    // What a dead consumer had read is delivered to another one when the broker has given it up.
    still: Duration::from_millis(SESSION_MILLISECONDS + 1_500),
};

/// How long PostgreSQL may take: one that was killed reads its logs first.
const PATIENCE: Duration = Duration::from_secs(60);

/// The names by which processes and links of the two instances are known.
const STORES: [[&str; 4]; 2] = [
    ["store-1", "callers-store-1", "store-1-mongodb", "store-1-kafka"],
    ["store-2", "callers-store-2", "store-2-mongodb", "store-2-kafka"],
];
const ALERTS: [[&str; 4]; 2] = [
    ["alert-1", "alert-1-postgresql", "alert-1-kafka", "alert-1-mail"],
    ["alert-2", "alert-2-postgresql", "alert-2-kafka", "alert-2-mail"],
];

/// How long the broker waits for a sign of life of a consumer, in milliseconds: the least that it takes.
const SESSION_MILLISECONDS: u64 = 6_000;

/// Puts the parts of a system together.
struct Builder<'a> {
    setting: &'a Setting,
    schedule: &'a Schedule,
    servers: servers::Servers,
    /// The name of databases, topic and group: no other run has it.
    name: String,
    links: Vec<(&'static str, Arc<Proxy>)>,
}

/// A database that was made for one run.
pub(crate) struct Database {
    server: SocketAddr,
    name: String,
}

impl Database {
    /// A run that was as promised leaves nothing behind.
    pub(crate) async fn remove(&self) -> anyhow::Result<()> {
        let sql = format!("drop database {} with (force)", self.name);
        postgresql::execute(self.server, "postgres", &sql, PATIENCE).await
    }
}

/// A database of its own is made; nothing is started yet.
pub(crate) async fn system(setting: Setting, schedule: &Schedule) -> anyhow::Result<System> {
    let servers = servers::Servers::find()?;
    // A seed may be run again on the same servers.
    let name = format!("faults_{}_{}", schedule.seed, std::process::id());
    let sql = format!("create database {name}");
    postgresql::execute(servers.postgresql, "postgres", &sql, PATIENCE).await?;
    let database = Database { server: servers.postgresql, name: name.clone() };
    let post = Arc::new(Post::open().await?);
    let replica_set = Random::of(schedule.seed, 1).chance(50);
    let script = servers.script.clone();
    let mut builder = Builder { setting: &setting, schedule, servers, name, links: Vec::new() };
    let (mut processes, mut stores, mut alert) = (Vec::new(), Vec::new(), String::new());
    for names in STORES {
        let (process, address) = builder.store(names, replica_set)?;
        processes.push(process);
        stores.push(address);
    }
    for names in ALERTS {
        let (process, address) = builder.alert(names, post.address())?;
        processes.push(process);
        alert = address;
    }
    let servers = Some(Arc::new(Servers { script, replica_set }));
    let (links, database) = (builder.links, Some(database));
    Ok(System { processes, links, post, servers, database, stores, alert })
}

impl Builder<'_> {
    fn store(
        &mut self,
        [name, callers, mongodb, kafka]: [&'static str; 4],
        replica_set: bool,
    ) -> anyhow::Result<(Process, String)> {
        let server = self.servers.mongodb_address(replica_set)?;
        let options = if replica_set { "/?replicaSet=rs0" } else { "" };
        let mongodb = format!("mongodb://{}{options}", self.link(mongodb, server)?);
        let kafka = self.link(kafka, self.servers.kafka)?;
        let program = self
            .program(name, "store", kafka)?
            .with("SPRING_DATA_MONGODB_URI", mongodb)
            .with("SPRING_DATA_MONGODB_DATABASE", &self.name)
            .with("SPRING_CLOUD_STREAM_BINDINGS_BINDINGOUTSTOREALERT_DESTINATION", &self.name);
        let door = Arc::new(Proxy::open()?);
        self.links.push((callers, Arc::clone(&door)));
        let address = format!("http://{}", door.address());
        Ok((Process::new(name, program, vec![("store", door)]), address))
    }

    fn alert(
        &mut self,
        [name, postgresql, kafka, mail]: [&'static str; 4],
        post: SocketAddr,
    ) -> anyhow::Result<(Process, String)> {
        let postgresql = self.link(postgresql, self.servers.postgresql)?;
        let kafka = self.link(kafka, self.servers.kafka)?;
        let mail = self.link(mail, post)?;
        let program = self
            .program(name, "alert", kafka)?
            .mailing_to(mail)
            .with("SPRING_DATASOURCE_URL", format!("jdbc:postgresql://{postgresql}/{}", self.name))
            .with("SPRING_DATASOURCE_USERNAME", USER)
            .with("SPRING_CLOUD_STREAM_BINDINGS_BINDINGINSTOREALERT_DESTINATION", &self.name)
            .with("SPRING_CLOUD_STREAM_BINDINGS_BINDINGINSTOREALERT_GROUP", &self.name);
        // Rows are read through a door that is never disturbed.
        let door = Arc::new(Proxy::open()?);
        let address = format!("http://{}", door.address());
        Ok((Process::new(name, program, vec![("alert", door)]), address))
    }

    fn program(&self, name: &str, role: &str, kafka: SocketAddr) -> anyhow::Result<Program> {
        let folder = self.setting.folder.join(name);
        std::fs::create_dir(&folder).with_context(|| format!("make {}", folder.display()))?;
        let words = ["run", role, "--port", "0", "--log-format", "json"];
        let program = Program::new(self.setting.program.clone(), &folder, &words)
            .with("EUREKA_CLIENT_ENABLED", "false")
            .with("SPRING_CLOUD_CONFIG_ENABLED", "false")
            .with("SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS", kafka.to_string())
            .with(
                "SPRING_CLOUD_STREAM_KAFKA_BINDER_CONFIGURATION_SESSION_TIMEOUT_MS",
                SESSION_MILLISECONDS.to_string(),
            )
            .with(
                "SPRING_CLOUD_STREAM_KAFKA_BINDER_MINPARTITIONCOUNT",
                self.schedule.partitions.to_string(),
            );
        Ok(super::configured(program, self.setting, self.schedule, &self.name))
    }

    /// A door to a server, which can be disturbed under a name; returns where it is.
    fn link(&mut self, name: &'static str, server: SocketAddr) -> anyhow::Result<SocketAddr> {
        let door = Arc::new(door::door(server)?);
        let address = door.address();
        self.links.push((name, door));
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_that_can_be_disturbed_is_built() {
        let processes: Vec<_> = [STORES, ALERTS].iter().flatten().map(|names| names[0]).collect();
        assert_eq!(processes, SHAPE.processes);
        let mut links: Vec<_> =
            [STORES, ALERTS].iter().flatten().flat_map(|names| &names[1..]).copied().collect();
        let mut expected = SHAPE.links.to_vec();
        links.sort_unstable();
        expected.sort_unstable();
        assert_eq!(links, expected);
    }
}
