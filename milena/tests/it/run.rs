//! One service in a process of its own, configured by the tutorial's variables alone, beside a system that runs.

use std::{fs, path::Path};

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    program::{Program, until},
    support::{Answer, Caller, Running, sent, store},
};

/// A service that runs alone.
struct Alone {
    program: Program,
    address: String,
    _folder: TempDir,
}

impl Alone {
    /// Starts a service with the issuer and the registry of a system, named as the tutorial's compose file names them.
    async fn start(system: &Running, service: &str, more: &[(&str, &str)]) -> Alone {
        let folder = tempfile::tempdir().unwrap();
        let password = "${jhipster.registry.password}";
        let host = system.at.registry.trim_start_matches("http://");
        let (zone, config) = (
            format!("http://admin:{password}@{host}/eureka"),
            format!("http://admin:{password}@{host}/config"),
        );
        let variables = [
            &[
                ("SPRING_PROFILES_ACTIVE", "prod,api-docs"),
                ("JHIPSTER_REGISTRY_PASSWORD", &*system.home().password),
                ("EUREKA_CLIENT_SERVICE_URL_DEFAULTZONE", &zone),
                ("SPRING_CLOUD_CONFIG_URI", &config),
                ("SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_OIDC_ISSUER_URI", &system.at.issuer),
                ("SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_OIDC_CLIENT_ID", "internal"),
                ("SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_OIDC_CLIENT_SECRET", "internal"),
                ("JHIPSTER_SLEEP", "60"),
                ("_JAVA_OPTIONS", "-Xmx512m -Xms256m"),
            ],
            more,
        ]
        .concat();
        let mut program =
            Program::start(folder.path(), &["run", service, "--port", "0"], &variables);
        let line: Value = serde_json::from_str(&program.first_line().await).unwrap();
        let address = line[service].as_str().unwrap().to_owned();
        Alone { program, address, _folder: folder }
    }

    async fn get(&self, caller: &Caller, path: &str) -> Answer {
        caller.get(&format!("{}{path}", self.address)).await
    }

    async fn stop(self) -> String {
        self.program.signal(Signal::TERM);
        let ended = self.program.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        ended.err
    }
}

#[tokio::test]
async fn a_service_runs_alone_by_the_tutorials_variables() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let alone = Alone::start(&system, "store", &[]).await;
    let url = format!("{}/api/stores", alone.address);
    let created = admin.send(Method::POST, &url, &store("Candle Shop", "OPEN")).await.expect(201);
    let mut changed = created.json();
    changed["status"] = json!("CLOSED");
    let path = format!("/api/stores/{}", changed["id"].as_str().unwrap());
    admin.send(Method::PUT, &format!("{}{path}", alone.address), &changed).await.expect(200);
    assert_eq!(alone.get(&admin, &path).await.expect(200).json(), changed);

    // The system's gateway finds it beside the system's own.
    until("two instances", async || {
        let health = admin.get(&format!("{}/management/health", system.at.store)).await.json();
        let eureka = &health["components"]["discoveryComposite"]["components"]["eureka"];
        (eureka["details"]["applications"]["STORE"] == 2).then_some(())
    })
    .await;
    let health = alone.get(&admin, "/management/health").await.expect(200).json();
    let parts: Vec<&String> = health["components"].as_object().unwrap().keys().collect();
    for part in ["binders", "clientConfigServer", "db", "discoveryComposite", "identityProvider"] {
        assert!(parts.iter().any(|name| *name == part), "{part} is not in {parts:?}");
    }
    let log = alone.stop().await;
    for said in [
        "JHIPSTER_SLEEP is set but has no effect",
        "_JAVA_OPTIONS is set but has no effect",
        "configured by the Config server at",
        "registered as STORE/",
    ] {
        assert!(log.contains(said), "{said:?} is not in {log}");
    }
    assert!(!log.contains(&system.home().password), "{log}");
    system.stop().await;
}

#[tokio::test]
async fn without_kafka_announcements_wait_and_rest_goes_on() {
    let system = Running::start().await;
    let admin = system.admin().await;
    let kafka = ("SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS", "127.0.0.1:1");
    let alone = Alone::start(&system, "store", &[kafka]).await;
    let url = format!("{}/api/stores", alone.address);
    let mut made =
        admin.send(Method::POST, &url, &store("Patient", "OPEN")).await.expect(201).json();
    made["status"] = Value::Null;
    let one = format!("{url}/{}", made["id"].as_str().unwrap());
    admin.send(Method::PUT, &one, &made).await.expect(200);
    let health = alone.get(&admin, "/management/health").await.expect(200).json();
    assert_eq!(health["status"], "UP", "{health}");
    assert_eq!(health["components"]["binders"]["status"], "DOWN", "{health}");
    let publish = admin
        .request(Method::POST, &format!("{}/api/store-kafka/publish?message=x", alone.address));
    sent(publish).await.expect(503);
    let log = alone.stop().await;
    assert!(log.contains("127.0.0.1:1"), "{log}");
    system.stop().await;
}

#[tokio::test]
async fn what_is_not_up_yet_is_waited_for() {
    for (service, variable, address, what) in [
        ("store", "SPRING_DATA_MONGODB_URI", "mongodb://u:hunter2@127.0.0.1:1", "MongoDB"),
        ("alert", "SPRING_DATASOURCE_URL", "jdbc:postgresql://127.0.0.1:1/alert", "PostgreSQL"),
        (
            "store",
            "SPRING_CLOUD_CONFIG_URI",
            "http://a:hunter2@127.0.0.1:1/config",
            "the Config server",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let variables = [(variable, address), ("EUREKA_CLIENT_ENABLED", "false")];
        let program = Program::start(folder.path(), &["run", service, "--port", "0"], &variables);
        program.says(&format!("waiting for {what}")).await;
        program.says("which is not there yet").await;
        program.signal(Signal::TERM);
        let ended = program.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(
            ended.err.contains("waiting for") && !ended.err.contains("hunter2"),
            "{}",
            ended.err
        );
    }
}

#[tokio::test]
async fn what_cannot_work_is_said_at_once() {
    for (arguments, variables, expected, code) in [
        (
            &["run", "store", "--port", "0"][..],
            &[("SPRING_DATA_MONGODB_URI", "postgres://u:hunter2@h/")][..],
            "the address of MongoDB cannot be understood",
            1,
        ),
        (
            &["run", "alert", "--port", "0"],
            &[("SPRING_DATASOURCE_URL", "jdbc:mysql://h/alert?password=hunter2")],
            "spring.datasource.url = \"_\" (environment variable SPRING_DATASOURCE_URL)",
            64,
        ),
        (&["run", "store"], &[("SERVER_PORT", "many")], "server.port = \"many\"", 64),
        (&["run", "ledger"], &[], "possible values: store, alert", 64),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let off = [("SPRING_CLOUD_CONFIG_ENABLED", "false"), ("EUREKA_CLIENT_ENABLED", "false")];
        let variables = [variables, &off].concat();
        let ended = Program::start(folder.path(), arguments, &variables).end().await;
        assert_eq!(ended.code, Some(code), "{}", ended.err);
        assert!(ended.err.contains(expected) && !ended.err.contains("hunter2"), "{}", ended.err);
    }
}

/// The whole of the tutorial's registry: its variables, its folder, and a service that needs both.
#[tokio::test]
async fn the_registry_runs_alone_by_the_tutorials_variables() {
    let system = Running::start().await;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("central-config")).unwrap();
    let said = "configserver.status: Connected to the registry of this test";
    fs::write(folder.path().join("central-config/application.yml"), said).unwrap();
    let variables = [
        ("SPRING_PROFILES_ACTIVE", "dev,oauth2"),
        ("SPRING_SECURITY_USER_PASSWORD", "hunter2"),
        ("JHIPSTER_REGISTRY_PASSWORD", "hunter2"),
        ("JHIPSTER_SLEEP", "80"),
        ("_JAVA_OPTIONS", "-Xmx512m -Xms256m"),
        ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_TYPE", "native"),
        ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_SEARCH_LOCATIONS", "file:./central-config"),
        ("SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_OIDC_ISSUER_URI", &system.at.issuer),
        ("SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_OIDC_CLIENT_ID", "internal"),
        ("SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_OIDC_CLIENT_SECRET", "internal"),
    ];
    let arguments = ["run", "registry", "--port", "0"];
    let mut registry = Program::start(folder.path(), &arguments, &variables);
    let line: Value = serde_json::from_str(&registry.first_line().await).unwrap();
    let address = line["jhipster-registry"].as_str().unwrap().to_owned();
    let host = address.trim_start_matches("http://");
    let (zone, config) = (
        format!("http://admin:hunter2@{host}/eureka"),
        format!("http://admin:hunter2@{host}/config"),
    );
    let alone = Alone::start(
        &system,
        "store",
        &[("EUREKA_CLIENT_SERVICE_URL_DEFAULTZONE", &zone), ("SPRING_CLOUD_CONFIG_URI", &config)],
    )
    .await;
    let apps = async || {
        let request = system.anonymous().request(Method::GET, &format!("{address}/eureka/apps"));
        let request = request.header("Accept", "application/json");
        sent(request.basic_auth("admin", Some("hunter2"))).await.expect(200).json()
    };
    until("both are registered", async || {
        let listed = apps().await["applications"]["application"].clone();
        let names: Vec<&str> =
            listed.as_array()?.iter().filter_map(|app| app["name"].as_str()).collect();
        (names == ["JHIPSTER-REGISTRY", "STORE"]).then_some(())
    })
    .await;
    applies_what_it_can(
        &alone,
        &system,
        &folder.path().join("central-config/application.yml"),
        said,
    )
    .await;
    let log = alone.stop().await;
    assert!(log.contains("central-config/application.yml"), "{log}");
    registry.signal(Signal::TERM);
    let ended = registry.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(!ended.err.contains("hunter2"), "{}", ended.err);
    system.stop().await;
}

/// The registry tells of another version of the file, and what can be applied is.
async fn applies_what_it_can(alone: &Alone, system: &Running, file: &Path, said: &str) {
    let other = format!("{said}\nmilena:\n  store.announce: created\n  rest.list-limit: 7");
    fs::write(file, other).unwrap();
    alone.program.says("and is applied: milena.store.announce").await;
    alone.program.says("from the next start on: milena.rest.list-limit").await;
    let admin = system.admin().await;
    let shown = alone.get(&admin, "/management/env/milena.store.announce").await.expect(200).json();
    assert_eq!(shown["property"]["value"], "created", "{shown}");
    let refresh = format!("{}/management/refresh", alone.address);
    let changed = admin.send(Method::POST, &refresh, &json!({})).await.expect(200).json();
    assert_eq!(changed, json!([]));
    let anonymous = system.anonymous().send(Method::POST, &refresh, &json!({})).await;
    assert_eq!(anonymous.status, 401);
    fs::write(file, said).unwrap();
    alone.program.says_twice("and is applied: milena.store.announce").await;
}
