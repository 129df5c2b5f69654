//! Starts the registry and the identity provider, each on a port that the system chooses.

use std::{path::Path, sync::Arc};

use axum::Router;
use chassis::{
    Current, Outside, Secret, Service, Stop, config::Settings, management::Management,
    telemetry::Loggers,
};
use database::{Durability, Sqlite};
use discovery::{Address, Registry, RegistrySettings, server::ConfigServer};
use identity::{
    Issuer, Provider, Verifier,
    login::{Login, LoginSettings},
    session::Sessions,
};
use registry::Parts;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

use crate::browser::Browser;

/// A running registry.
pub(crate) struct World {
    pub(crate) registry: String,
    pub(crate) issuer: String,
    pub(crate) folder: TempDir,
    stop: Stop,
    running: JoinSet<anyhow::Result<()>>,
}

impl World {
    pub(crate) async fn start() -> World {
        World::start_with(&[]).await
    }

    /// A registry with some settings of its own.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> World {
        World::begin(settings, &[]).await
    }

    /// A registry that shares what it knows with others, at these addresses.
    pub(crate) async fn start_beside(peers: &[&str]) -> World {
        World::begin(&[], peers).await
    }

    async fn begin(settings: &[(&str, &str)], peers: &[&str]) -> World {
        let folder = tempfile::tempdir().unwrap();
        let (issuer_listener, issuer_address) = listener().await;
        let (registry_listener, registry_address) = listener().await;
        let issuer = format!("http://{issuer_address}/realms/test");
        let services = vec![
            issuer_service(folder.path(), issuer.clone()).await.on(issuer_listener),
            registry_service(folder.path(), &issuer, settings, peers).await.on(registry_listener),
        ];
        let registry = format!("http://{registry_address}");
        let (stop, running) = (Stop::new(), JoinSet::new());
        let mut world = World { registry, issuer, folder, stop, running };
        world.running.spawn(chassis::run(vec![services], world.stop.clone()));
        world
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.registry)
    }

    /// Runs a service that somebody registers, and answers its port.
    pub(crate) async fn run(&mut self, name: &'static str, routes: Router) -> u16 {
        let (listener, address) = listener().await;
        let service = Service::new(name).routes(routes).on(listener);
        self.running.spawn(chassis::run(vec![vec![service]], self.stop.clone()));
        address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// Registers an instance with some members of its own.
    pub(crate) async fn register(&self, app: &str, id: &str, port: u16, members: Value) {
        let mut instance = json!({
            "instanceId": id, "app": app, "hostName": "127.0.0.1", "ipAddr": "127.0.0.1", "status": "UP",
            "port": { "$": port, "@enabled": "true" },
            "dataCenterInfo": {
                "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn"
            },
        });
        for (name, value) in members.as_object().unwrap() {
            instance[name] = value.clone();
        }
        let answer = reqwest::Client::new()
            .post(self.at(&format!("/eureka/apps/{app}")))
            .basic_auth("admin", Some("admin"))
            .header("content-type", "application/json")
            .body(json!({ "instance": instance }).to_string());
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
    }

    /// An access token of a user of the identity provider.
    pub(crate) async fn token(&self, user: &str) -> String {
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
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {text}")).to_owned()
    }

    /// An administrator who reads pages, with a bearer token.
    pub(crate) async fn admin(&self) -> Browser {
        Browser::with_token(&self.token("admin").await)
    }

    /// Stops everything, and fails if something had died before.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap().unwrap();
        }
    }
}

pub(crate) async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

async fn issuer_service(folder: &Path, url: String) -> Service {
    let (path, tables) = (folder.join("issuer.db"), identity::issuer::TABLES);
    let database = Sqlite::open(&path, &tables, Durability::ProcessCrash).await.unwrap();
    let issuer = Issuer::open(database, folder, url, Outside::system()).await.unwrap();
    Service::new("issuer").routes(issuer.routes())
}

async fn registry_service(
    folder: &Path,
    issuer: &str,
    settings: &[(&str, &str)],
    peers: &[&str],
) -> Service {
    let outside = Outside::system();
    let path = folder.join("registry.db");
    let database =
        Sqlite::open(&path, &registry::tables(), Durability::ProcessCrash).await.unwrap();
    let provider = Provider::new(issuer).unwrap();
    let verifier =
        Arc::new(Verifier::new(provider.clone(), vec!["account".to_owned()], outside.clone()));
    let login = LoginSettings {
        provider,
        verifier,
        client_id: "web_app".to_owned(),
        client_secret: Secret::new("web_app".to_owned()),
        scopes: vec!["openid".to_owned(), "profile".to_owned(), "email".to_owned()],
        sessions: Sessions::new(database.clone(), outside.clone()),
        outside: outside.clone(),
    };
    let config_folder = folder.join("central-config").display().to_string();
    let defaults = Settings::defaults(&[registry::DEFAULTS]).unwrap();
    let all = defaults.argument("milena.registry.config-dir", &*config_folder).unwrap();
    let all = settings.iter().fold(all, |all, (key, value)| all.argument(key, *value).unwrap());
    let profiles = ["dev".to_owned(), "api-docs".to_owned(), "oauth2".to_owned()];
    let loggers = Loggers::detached("info".parse().unwrap(), &["registry"]);
    let about = registry::about(&profiles);
    let peers = peers.iter().map(|peer| Address::parse(peer).unwrap()).collect();
    registry::service(Parts {
        settings: registry::Settings::read(&all).unwrap(),
        login: Login::with_cookie(login, registry::COOKIE),
        issuer: issuer.to_owned(),
        client_id: "web_app".to_owned(),
        profiles: profiles.to_vec(),
        management: Management::new(about, Current::new(all), outside.clone(), Some(loggers)),
        config: ConfigServer::new(config_folder.into()),
        registry: Registry::with(outside.clone(), RegistrySettings::default(), peers),
        database,
        ip_address: "127.0.0.1".to_owned(),
        outside,
    })
}
