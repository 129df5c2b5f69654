//! Who is where: the services tell the registry, the gateway asks it.

use std::fs;

use chassis::{Outside, Secret, Stop};
use discovery::{Address, Registration, keep_registered};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    program::Program,
    support::{Answer, Running, eventually, sent},
};

/// Asks the registry as the user `admin`.
async fn ask(system: &Running, path: &str) -> Answer {
    let request = system.anonymous().request(Method::GET, &format!("{}{path}", system.at.registry));
    sent(
        request
            .header("Accept", "application/json")
            .basic_auth("admin", Some(&system.home().password)),
    )
    .await
}

/// The instances of an application; none when the registry does not know it.
async fn instances(system: &Running, app: &str) -> Vec<Value> {
    let answer = ask(system, "/eureka/apps").await.expect(200).json();
    let apps = answer["applications"]["application"].as_array().unwrap();
    let app = apps.iter().find(|known| known["name"] == app);
    app.map(|app| app["instance"].as_array().unwrap().clone()).unwrap_or_default()
}

#[tokio::test]
async fn every_service_is_registered_under_its_name_and_keeps_saying_so() {
    let system = Running::start().await;
    for (name, address) in [
        ("STORE", &system.at.store),
        ("ALERT", &system.at.alert),
        ("GATEWAY", &system.at.gateway),
        ("JHIPSTER-REGISTRY", &system.at.registry),
    ] {
        let [instance] = &instances(&system, name).await[..] else {
            panic!("not one instance of {name}")
        };
        let port: u16 = address.rsplit_once(':').unwrap().1.parse().unwrap();
        assert_eq!(
            [&instance["status"], &instance["vipAddress"], &instance["port"]["$"]],
            [&json!("UP"), &json!(name.to_lowercase()), &json!(port)]
        );
        assert_eq!(
            [
                &instance["leaseInfo"]["renewalIntervalInSecs"],
                &instance["leaseInfo"]["durationInSecs"]
            ],
            [&json!(5), &json!(10)]
        );
        system.anonymous().get(instance["healthCheckUrl"].as_str().unwrap()).await.expect(200);
    }
    ask(&system, "/config/store/prod").await.expect(200);
    system.stop().await;
}

#[tokio::test]
async fn registry_and_gateway_show_their_parts_to_who_may_see_them() {
    let system = Running::start().await;
    let names = |health: &Value| {
        let components = health["components"].as_object().unwrap_or_else(|| panic!("{health}"));
        components.keys().cloned().collect::<Vec<_>>()
    };
    let expected = |more: &[&'static str]| {
        let own = ["diskSpace", "livenessState", "ping", "readinessState"];
        let mut all: Vec<&str> = own.iter().chain(more).copied().collect();
        all.sort();
        all
    };
    let registry = ask(&system, "/management/health").await.expect(200).json();
    assert_eq!(names(&registry), expected(&["configServer", "discoveryComposite"]));
    let at = format!("{}/management/health", system.at.gateway);
    let gateway = system.admin().await.get(&at).await.expect(200).json();
    assert_eq!(names(&gateway), expected(&["discoveryComposite", "identityProvider", "r2dbc"]));
    let found = &gateway["components"]["discoveryComposite"]["components"]["eureka"]["details"];
    assert_eq!(
        found["applications"],
        json!({ "ALERT": 1, "GATEWAY": 1, "JHIPSTER-REGISTRY": 1, "STORE": 1 })
    );
    let anonymous = system.anonymous().get(&at).await.expect(200).json();
    assert_eq!(anonymous, json!({ "status": "UP", "groups": ["liveness", "readiness"] }));
    system.stop().await;
}

/// The registry's address for its clients.
fn address(system: &Running) -> Address {
    let address = Address::parse(&format!("{}/eureka", system.at.registry)).unwrap();
    address.asked_by("admin", Secret::new(system.home().password.clone()))
}

#[tokio::test]
async fn a_service_that_comes_is_found_and_one_that_stops_is_forgotten() {
    let system = Running::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let registration =
        Registration::new("parcels", "127.0.0.1", listener.local_addr().unwrap().port())
            .with_lease(1, 2);
    let service = chassis::Service::new("parcels")
        .routes(
            axum::Router::new().route("/management/health", axum::routing::get(|| async { "{}" })),
        )
        .on(listener);
    let (address, admin) = (address(&system), system.admin().await);
    let service = service.in_rotation("registration", |stop| {
        keep_registered(address, registration, Outside::system(), stop)
    });
    let (stop, mut task) = (Stop::new(), JoinSet::new());
    task.spawn(chassis::run(vec![vec![service]], stop.clone()));

    let through_the_gateway = format!("{}/services/parcels/management/health", system.at.gateway);
    eventually("the service is found", async || {
        (admin.get(&through_the_gateway).await.status == 200).then_some(())
    })
    .await;
    let lease = async || instances(&system, "PARCELS").await[0]["leaseInfo"].clone();
    let first = lease().await;
    eventually("a sign of life", async || {
        (lease().await["lastRenewalTimestamp"].as_i64() > first["lastRenewalTimestamp"].as_i64())
            .then_some(())
    })
    .await;

    stop.cancel();
    task.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(instances(&system, "PARCELS").await, Vec::<Value>::new());
    // The gateway may have learnt of it already, or find out now.
    let refused = admin.get(&through_the_gateway).await;
    assert!([404, 503].contains(&refused.status.as_u16()), "{refused:?}");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    system.stop().await;
}

#[tokio::test]
async fn a_service_that_dies_without_a_word_is_forgotten_when_its_lease_ends() {
    let system = Running::start().await;
    let (mut task, address) = (JoinSet::new(), address(&system));
    let registration = Registration::new("parcels", "127.0.0.1", 9).with_lease(1, 1);
    task.spawn(keep_registered(address, registration, Outside::system(), Stop::new()));
    eventually("the service is registered", async || {
        (instances(&system, "PARCELS").await.len() == 1).then_some(())
    })
    .await;
    task.abort_all();
    eventually("the service is forgotten", async || {
        instances(&system, "PARCELS").await.is_empty().then_some(())
    })
    .await;
    system.stop().await;
}

/// The tutorial's other way to name an identity provider: in the folder that the registry serves to all services.
#[tokio::test]
async fn an_identity_provider_named_in_the_folder_reaches_all_services() {
    let other = Running::start().await;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("central-config")).unwrap();
    let said = format!(
        "spring.security.oauth2.client:\n  provider.oidc.issuer-uri: {}\n  registration.oidc:\n    client-id: internal\n    client-secret: internal\neureka.client.service-url.defaultZone: http://admin:admin@jhipster-registry:8761/eureka/\n",
        other.at.issuer
    );
    let file = folder.path().join("central-config/application.yml");
    fs::write(&file, &said).unwrap();
    let mut program = Program::start(folder.path(), &["up", "--ports", "0"], &[]);
    let at: Value = serde_json::from_str(&program.first_line().await).unwrap();
    assert_eq!(at["issuer"], other.at.issuer);
    let admin = other.admin().await;
    for path in ["store/api/stores", "alert/api/store-alerts"] {
        let (service, path) = path.split_once('/').unwrap();
        let url = format!("{}/{path}", at[service].as_str().unwrap());
        admin.get(&url).await.expect(200);
    }
    let login = format!("{}/oauth2/authorization/oidc", at["gateway"].as_str().unwrap());
    let answer = other.anonymous().get(&login).await.expect(302);
    let target = answer.header("location");
    assert!(target.starts_with(&other.at.issuer), "{target}");
    assert!(target.contains("client_id=internal"), "{target}");
    let other_file = format!("{said}milena:\n  store.announce: created\n  rest.list-limit: 7\n");
    fs::write(&file, other_file).unwrap();
    program.says("and is applied: milena.store.announce").await;
    program.says("from the next start on: milena.rest.list-limit").await;
    for service in ["gateway", "store", "alert"] {
        let management = format!("{}/management", at[service].as_str().unwrap());
        let env = admin.get(&format!("{management}/env/milena.store.announce")).await;
        assert_eq!(env.expect(200).json()["property"]["value"], "created", "{service}");
        let refresh = format!("{management}/refresh");
        let changed = admin.send(Method::POST, &refresh, &json!({})).await.expect(200).json();
        assert_eq!(changed, json!([]), "{service}");
    }
    program.signal(Signal::TERM);
    let ended = program.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    other.stop().await;
}
