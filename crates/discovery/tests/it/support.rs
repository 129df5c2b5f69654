//! A registry to talk to, services to find, and waiting with a deadline.

use std::{future::Future, net::SocketAddr, time::Duration};

use axum::Router;
use chassis::{Outside, Secret, Service, Stop};
use discovery::{Address, Registry, server::Gate};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

const DEADLINE: Duration = Duration::from_secs(20);

/// A registry's service, and where it answers.
pub(crate) async fn registry(at: SocketAddr) -> (Service, Where) {
    let listener = TcpListener::bind(at).await.unwrap();
    let address = listener.local_addr().unwrap();
    let registry = Registry::new(Outside::system());
    let gate = Gate::new("admin", &Secret::new("pw".into()));
    let routes = Router::new().nest("/eureka", gate.protect(registry.routes()));
    let service = Service::new("registry")
        .on(listener)
        .routes(routes)
        .background("evict", |stop| registry.evict(stop));
    (service, Where(address))
}

/// A service on a port of its own.
pub(crate) async fn listening(name: &'static str, router: Router) -> (Service, SocketAddr) {
    let listener = TcpListener::bind(any()).await.unwrap();
    let address = listener.local_addr().unwrap();
    (Service::new(name).on(listener).routes(router), address)
}

/// Any free port.
pub(crate) fn any() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// An address at which nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind(any()).await.unwrap().local_addr().unwrap()
}

/// Runs services for as long as `during` takes, which must end before the deadline.
pub(crate) async fn run<T>(services: Vec<Service>, during: impl Future<Output = T>) -> T {
    let stop = Stop::new();
    let during = async {
        let ended = tokio::time::timeout(DEADLINE, during).await;
        stop.cancel();
        ended
    };
    let (ran, ended) = tokio::join!(chassis::run(vec![services], stop.clone()), during);
    ran.unwrap();
    ended.unwrap()
}

/// Asks again until the answer is yes; fails at the deadline.
pub(crate) async fn eventually(what: &str, question: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !question().await {
        assert!(start.elapsed() < DEADLINE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Where a registry answers.
#[derive(Clone, Copy)]
pub(crate) struct Where(pub(crate) SocketAddr);

impl Where {
    pub(crate) fn address(self) -> Address {
        Address::parse(&format!("http://admin:pw@{}/eureka/", self.0)).unwrap()
    }

    /// The ids of a service's instances.
    pub(crate) async fn ids(self, app: &str) -> Vec<String> {
        let answer =
            self.request(reqwest::Method::GET, &format!("apps/{app}")).send().await.unwrap();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        let instances = body["application"]["instance"].as_array().cloned().unwrap_or_default();
        instances
            .iter()
            .map(|instance| instance["instanceId"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Registers an instance that sends no signs of life.
    pub(crate) async fn add(self, app: &str, id: &str, at: SocketAddr, lease_seconds: u32) {
        let body = json!({ "instance": {
            "instanceId": id, "app": app, "hostName": at.ip().to_string(), "ipAddr": at.ip().to_string(),
            "port": { "$": at.port(), "@enabled": "true" }, "dataCenterInfo": { "name": "MyOwn" },
            "leaseInfo": { "durationInSecs": lease_seconds }
        } });
        let answer = self
            .request(reqwest::Method::POST, &format!("apps/{app}"))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 204);
    }

    pub(crate) async fn remove(self, app: &str, id: &str) {
        let answer = self
            .request(reqwest::Method::DELETE, &format!("apps/{app}/{id}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }

    fn request(self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        client
            .request(method, format!("http://{}/eureka/{path}", self.0))
            .header("Accept", "application/json")
            .basic_auth("admin", Some("pw"))
    }
}
