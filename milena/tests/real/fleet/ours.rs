//! Our services on real servers, each a process of its own, and what they have kept and mailed.

use rustix::process::Signal;
use serde_json::Value;
use sqlx::{Connection, PgConnection, Row};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::{strangers::SESSION, topic::Topic};
use crate::{address, fresh, postgresql_database, program::Program, support::DISTRIBUTION_LIST};

/// One of our services, on Kafka.
pub(super) struct Ours {
    service: &'static str,
    keys: Vec<(String, String)>,
    program: Option<Program>,
    folder: TempDir,
    /// Where it answers.
    pub(super) address: String,
}

impl Ours {
    /// The alert service, with a database of its own.
    pub(super) async fn alert(topic: &Topic, database: &Alerts) -> Ours {
        let (smtp, binding) = (address("REAL_SMTP"), binding("binding-in-store-alert"));
        let (host, port) = smtp.split_once(':').unwrap();
        let keys = [
            ("spring.datasource.url", &*database.jdbc),
            ("spring.datasource.username", "postgres"),
            (&format!("{binding}.destination"), &topic.name),
            (&format!("{binding}.group"), &topic.group),
            ("alert.distribution-list", &DISTRIBUTION_LIST.join(",")),
            ("spring.mail.host", host),
            ("spring.mail.port", port),
            ("spring.mail.properties.mail.smtp.starttls.enable", "false"),
        ];
        Ours::start("alert", &keys).await
    }

    /// The store service on MongoDB, whose tokens come from this issuer.
    pub(super) async fn store(topic: &Topic, feed: &Topic, issuer: &str) -> Ours {
        let keys = [
            ("spring.data.mongodb.uri", &*address("REAL_MONGODB")),
            ("spring.data.mongodb.database", &topic.group),
            (&format!("{}.destination", binding("binding-out-store-alert")), &topic.name),
            (&format!("{}.destination", binding("binding-in-sse")), &feed.name),
            (&format!("{}.destination", binding("binding-out-sse")), &feed.name),
            ("spring.security.oauth2.client.provider.oidc.issuer-uri", issuer),
        ];
        Ours::start("store", &keys).await
    }

    async fn start(service: &'static str, keys: &[(&str, &str)]) -> Ours {
        let brokers = "spring.cloud.stream.kafka.binder";
        let common = [
            ("eureka.client.enabled", "false".to_owned()),
            ("spring.cloud.config.enabled", "false".to_owned()),
            (&format!("{brokers}.brokers"), address("REAL_KAFKA")),
            (&format!("{brokers}.configuration.session.timeout.ms"), SESSION.to_owned()),
        ];
        let keys = keys.iter().map(|(key, value)| (*key, (*value).to_owned()));
        let keys = keys.chain(common).map(|(key, value)| (key.to_owned(), value)).collect();
        let folder = tempfile::tempdir().unwrap();
        let mut ours = Ours { service, keys, program: None, folder, address: String::new() };
        ours.again().await;
        ours
    }

    /// Starts it again where it was killed; returns when it answers.
    pub(super) async fn again(&mut self) {
        let keys = self.keys.iter().map(|(key, value)| format!("--set={key}={value}"));
        let arguments = ["run", self.service, "--port=0"].map(str::to_owned);
        let arguments: Vec<_> = arguments.into_iter().chain(keys).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let program = self.program.insert(Program::start(self.folder.path(), &arguments, &[]));
        let line: Value = serde_json::from_str(&program.first_line().await).unwrap();
        self.address = line[self.service].as_str().unwrap().to_owned();
    }

    /// Kills it as `kill -9` does. It must be running until then.
    pub(super) async fn kill(&mut self) {
        self.program.take().unwrap().kill().await;
    }

    /// Stops it in good order.
    pub(super) async fn stop(mut self) {
        let program = self.program.take().unwrap();
        program.signal(Signal::TERM);
        let ended = program.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        if let Some(program) = self.program.as_ref().filter(|_| std::thread::panicking()) {
            let log = program.err();
            let lines: Vec<_> = log.lines().collect();
            let end = lines.len().saturating_sub(30);
            eprintln!("the last words of {}:\n{}", self.service, lines[end..].join("\n"));
        }
    }
}

/// The database of an alert service.
pub(super) struct Alerts {
    jdbc: String,
    connection: Mutex<PgConnection>,
}

impl Alerts {
    /// A new one.
    pub(super) async fn create() -> Alerts {
        let (server, name) = (address("REAL_POSTGRESQL"), fresh("fleet"));
        let jdbc = postgresql_database(&name).await;
        let (server, _) = server.rsplit_once('/').unwrap();
        let connection = PgConnection::connect(&format!("{server}/{name}")).await.unwrap();
        Alerts { jdbc, connection: Mutex::new(connection) }
    }

    /// The name and status in every row, oldest first.
    pub(super) async fn rows(&self) -> Vec<(String, String)> {
        let query = "select store_name, store_status from store_alert order by id";
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(query).fetch_all(&mut *connection).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// The names in every row, oldest first.
    pub(super) async fn names(&self) -> Vec<String> {
        self.rows().await.into_iter().map(|(name, _)| name).collect()
    }

    /// Why it could not process what it could not process, latest first.
    pub(super) async fn rejected(&self) -> Vec<String> {
        let query = "select reason from dead_letter order by last desc, id";
        let mut connection = self.connection.lock().await;
        sqlx::query_scalar(query).fetch_all(&mut *connection).await.unwrap()
    }
}

fn binding(name: &str) -> String {
    format!("spring.cloud.stream.bindings.{name}")
}
