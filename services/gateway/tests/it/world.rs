//! Starts everything, each part on a port that the system chooses, and waits for what has to become true.

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use chassis::{
    Outside, Secret, Service, Stop, config::Settings, management::Management, telemetry::Loggers,
};
use database::{Durability, Sqlite};
use discovery::{
    Address, Directory, Forwarder, Registration, Registry, keep_registered, server::Gate,
};
use gateway::Parts;
use identity::{
    Issuer, Provider, Verifier,
    login::{Login, LoginSettings},
    session::{self, Sessions},
};
use mail::Mailbox;
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{browser::Browser, library};

/// A running system.
pub(crate) struct World {
    pub(crate) gateway: String,
    pub(crate) issuer: String,
    pub(crate) smtp: String,
    registry: Address,
    stop: Stop,
    running: JoinSet<anyhow::Result<()>>,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn start() -> World {
        World::begin(Some).await
    }

    /// A system whose mails go to a real mail server.
    pub(crate) async fn start_without_mailbox() -> World {
        World::begin(|_| None).await
    }

    async fn begin(shown: impl FnOnce(Mailbox) -> Option<Mailbox>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let (registry_listener, registry_address) = listener().await;
        let (issuer_listener, issuer_address) = listener().await;
        let (gateway_listener, gateway_address) = listener().await;
        let (smtp_listener, smtp) = listener().await;
        let registry =
            Address::parse(&format!("http://admin:pw@{registry_address}/eureka")).unwrap();
        let issuer = format!("http://{issuer_address}/realms/test");
        let mailbox =
            Mailbox::open(path.join("mails"), Arc::new(|| Outside::system().now())).await.unwrap();
        let services = vec![
            registry_service().on(registry_listener),
            issuer_service(path.join("issuer"), issuer.clone()).await.on(issuer_listener),
            gateway_service(path, registry.clone(), issuer.clone(), shown(mailbox.clone()))
                .await
                .on(gateway_listener),
            Service::new("sink")
                .background("smtp", move |stop| mail::sink::serve(smtp_listener, mailbox, stop)),
        ];
        let stop = Stop::new();
        let mut world = World {
            gateway: format!("http://{gateway_address}"),
            issuer,
            smtp,
            registry,
            stop,
            running: JoinSet::new(),
            _folder: folder,
        };
        world.run(services);
        world.run_library().await;
        world
    }

    /// Starts the service that lends books, under its name.
    async fn run_library(&mut self) {
        self.add_library("library").await;
        let admin = self.admin().await;
        let gateway = self.gateway.clone();
        until("the library is known", || async {
            admin.get(&format!("{gateway}/services/library/echo/x")).await.status == StatusCode::OK
        })
        .await;
    }

    /// Starts another service that lends books.
    pub(crate) async fn add_library(&mut self, name: &'static str) {
        let (listener, address) = listener().await;
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        let registration = Registration::new(name, "127.0.0.1", port);
        let registry = self.registry.clone();
        let service = Service::new(name)
            .routes(library::routes())
            .in_rotation("registration", move |stop| {
                keep_registered(registry, registration, Outside::system(), stop)
            })
            .on(listener);
        self.run(vec![service]);
    }

    /// Registers a service that nobody runs.
    pub(crate) async fn add_absent(&mut self, name: &'static str) {
        let (listener, address) = listener().await;
        drop(listener);
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        let registration = Registration::new(name, "127.0.0.1", port);
        let registry = self.registry.clone();
        let service = Service::new(name).in_rotation("registration", move |stop| {
            keep_registered(registry, registration, Outside::system(), stop)
        });
        self.run(vec![service]);
    }

    fn run(&mut self, services: Vec<Service>) {
        self.running.spawn(chassis::run(vec![services], self.stop.clone()));
    }

    /// A program that calls in the name of a user, with a bearer token.
    pub(crate) async fn program(&self, user: &str) -> Browser {
        let form = [
            ("grant_type", "password"),
            ("client_id", "web_app"),
            ("client_secret", "web_app"),
            ("scope", "openid"),
            ("username", user),
            ("password", user),
        ];
        let address = format!("{}/protocol/openid-connect/token", self.issuer);
        let answer = reqwest::Client::new().post(address).form(&form).send().await.unwrap();
        let text = answer.text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {text}"));
        Browser::with_token(token)
    }

    pub(crate) async fn admin(&self) -> Browser {
        self.program("admin").await
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.gateway)
    }

    /// Stops everything, and fails if something had died before.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap().unwrap();
        }
    }
}

/// Waits until something is true.
pub(crate) async fn until<T: Future<Output = bool>>(what: &str, mut is_true: impl FnMut() -> T) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_true().await {
        assert!(Instant::now() < deadline, "{what}: not within 10 s");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn registry_service() -> Service {
    let registry = Registry::new(Outside::system());
    let gate = Gate::new("admin", &Secret::new("pw".to_owned()));
    Service::new("registry")
        .routes(Router::new().nest("/eureka", gate.protect(registry.routes())))
        .background("evict", move |stop| registry.evict(stop))
}

async fn issuer_service(folder: PathBuf, url: String) -> Service {
    std::fs::create_dir_all(&folder).unwrap();
    let tables = identity::issuer::TABLES;
    let database =
        Sqlite::open(&folder.join("issuer.db"), &tables, Durability::ProcessCrash).await.unwrap();
    let issuer = Issuer::open(database, &folder, url, Outside::system()).await.unwrap();
    Service::new("issuer").routes(issuer.routes())
}

async fn gateway_service(
    folder: PathBuf,
    registry: Address,
    issuer: String,
    mailbox: Option<Mailbox>,
) -> Service {
    let outside = Outside::system();
    let database =
        Sqlite::open(&folder.join("gateway.db"), &session::tables(), Durability::ProcessCrash)
            .await
            .unwrap();
    let provider = Provider::new(&issuer).unwrap();
    let verifier =
        Arc::new(Verifier::new(provider.clone(), vec!["account".to_owned()], outside.clone()));
    let login = Login::new(LoginSettings {
        provider,
        verifier,
        client_id: "web_app".to_owned(),
        client_secret: Secret::new("web_app".to_owned()),
        scopes: vec!["openid".to_owned(), "profile".to_owned(), "offline_access".to_owned()],
        sessions: Sessions::new(database, outside.clone()),
        outside: outside.clone(),
    });
    let directory = Directory::new(registry, outside.clone()).unwrap();
    let forwarder = Arc::new(Forwarder::new(directory.clone()));
    let settings = Settings::defaults(&[gateway::DEFAULTS]).unwrap();
    let about = gateway::about(&["prod".to_owned(), "api-docs".to_owned()]);
    let loggers = Loggers::detached("info".parse().unwrap(), &["gateway"]);
    let management =
        Management::new(about, Arc::new(settings), outside.clone(), Some(loggers)).disk(folder);
    gateway::service(Parts {
        login,
        issuer,
        directory,
        forwarder,
        mailbox,
        management,
        api_docs: true,
        registration: None,
        outside,
    })
    .unwrap()
}
