//! Registries that tell one another: what each client says to one is known to all, whoever was away.

use std::net::SocketAddr;

use chassis::{Outside, Secret, Service};
use discovery::{
    Address, Registry, RegistrySettings, Status,
    server::{Gate, Kind, PeerState},
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::broadcast::error::TryRecvError};

use crate::support::{any, eventually, nobody, run};

/// A registry, where it answers, and how to be its client.
#[derive(Clone)]
struct Node {
    registry: Registry,
    at: SocketAddr,
}

impl Node {
    fn new(at: SocketAddr, peers: &[SocketAddr]) -> Self {
        let address = |at| Address::parse(&format!("http://admin:pw@{at}/eureka/")).unwrap();
        let peers = peers.iter().map(address).collect();
        let registry = Registry::with(Outside::system(), RegistrySettings::default(), peers);
        Node { registry, at }
    }

    /// Serves what the registry knows; to end it and begin again is what the others see of a partition.
    async fn service(&self) -> Service {
        let gate = Gate::new("admin", &Secret::new("pw".into()));
        let routes = axum::Router::new().nest("/eureka", gate.protect(self.registry.routes()));
        let (evicts, tells) = (self.registry.clone(), self.registry.clone());
        Service::new("registry")
            .on(TcpListener::bind(self.at).await.unwrap())
            .routes(routes)
            .background("evict", |stop| evicts.evict(stop))
            .background("replicate", |stop| tells.replicate(stop))
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>, as_peer: bool) -> u16 {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client
            .request(method, format!("http://{}/eureka/{path}", self.at))
            .basic_auth("admin", Some("pw"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        if as_peer {
            request = request.header("x-netflix-discovery-replication", "true");
        }
        request.send().await.unwrap().status().as_u16()
    }

    async fn put(&self, path: &str) -> u16 {
        self.ask(Method::PUT, path, None, false).await
    }

    async fn register(&self, id: &str, dirty: i64, as_peer: bool) {
        let body = json!({ "instance": {
            "instanceId": id, "app": "BOOK", "hostName": "h", "ipAddr": "127.0.0.1",
            "port": { "$": 1, "@enabled": "true" }, "dataCenterInfo": { "name": "MyOwn" },
            "leaseInfo": { "durationInSecs": 600 }, "lastDirtyTimestamp": dirty
        } });
        assert_eq!(self.ask(Method::POST, "apps/BOOK", Some(body), as_peer).await, 204);
    }

    async fn cancel(&self, id: &str, as_peer: bool) {
        let path = format!("apps/BOOK/{id}");
        assert_eq!(self.ask(Method::DELETE, &path, None, as_peer).await, 200);
    }

    /// `1=UP 2=DOWN`
    fn known(&self) -> String {
        let instances = self.registry.instances();
        let known = instances.iter().map(|i| format!("{}={}", i.id(), i.status.name()));
        known.collect::<Vec<_>>().join(" ")
    }

    async fn knows(&self, expected: &str) {
        let what = format!("{} at {}, where there is now: {}", expected, self.at, self.known());
        eventually(&what, async || self.known() == expected).await;
    }
}

async fn nodes<const N: usize>() -> [Node; N] {
    let mut places = Vec::new();
    for _ in 0..N {
        places.push(nobody().await);
    }
    // Each has its own address in the list, as such lists have.
    std::array::from_fn(|place| Node::new(places[place], &places))
}

#[tokio::test]
async fn what_a_client_says_to_one_is_known_to_the_other_and_comes_not_back() {
    let [one, two] = nodes().await;
    let mut events = one.registry.events();
    let services = vec![one.service().await, two.service().await];
    run(services, async {
        one.register("1", 1, false).await;
        two.knows("1=UP").await;
        assert_eq!(one.put("apps/BOOK/1/status?value=OUT_OF_SERVICE").await, 200);
        two.knows("1=OUT_OF_SERVICE").await;
        assert_eq!(
            two.registry.instance("book", "1").unwrap().overridden_status,
            Status::OutOfService
        );
        assert_eq!(one.ask(Method::DELETE, "apps/BOOK/1/status?value=UP", None, false).await, 200);
        two.knows("1=UP").await;
        assert_eq!(one.put("apps/BOOK/1/metadata?colour=red").await, 200);
        eventually("metadata", async || {
            two.registry.instance("BOOK", "1").unwrap().metadata.get("colour")
                == Some(&"red".into())
        })
        .await;
        one.cancel("1", false).await;
        two.knows("").await;
        let mut kinds = Vec::new();
        loop {
            match events.try_recv() {
                Ok(event) => kinds.push(event.kind),
                Err(TryRecvError::Empty) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let expected = [
            Kind::Registered,
            Kind::StatusOverridden,
            Kind::OverrideRemoved,
            Kind::MetadataChanged,
            Kind::Cancelled,
        ];
        assert_eq!(kinds, expected);
        let states: Vec<_> = one.registry.peers().iter().map(|peer| peer.state).collect();
        assert_eq!(states, [PeerState::Itself, PeerState::Reached]);
    })
    .await;
}

#[tokio::test]
async fn three_registries_agree_again_after_one_could_not_be_reached() {
    let [one, two, three] = nodes().await;
    let services = vec![one.service().await, two.service().await];
    run(services, async {
        run(vec![three.service().await], async {
            one.register("1", 1, false).await;
            three.register("2", 1, false).await;
            for node in [&one, &two, &three] {
                node.knows("1=UP 2=UP").await;
            }
        })
        .await;
        one.cancel("1", false).await;
        two.register("3", 1, false).await;
        assert_eq!(two.put("apps/BOOK/2/status?value=DOWN").await, 200);
        one.knows("2=DOWN 3=UP").await;
        assert_eq!(three.known(), "1=UP 2=UP", "nobody could tell it");
        run(vec![three.service().await], async {
            three.knows("2=DOWN 3=UP").await;
            three.register("4", 1, false).await;
            for node in [&one, &two] {
                node.knows("2=DOWN 3=UP 4=UP").await;
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_sign_of_life_brings_back_what_a_peer_has_lost_and_what_it_knows_better() {
    let [one, two] = nodes().await;
    let services = vec![one.service().await, two.service().await];
    run(services, async {
        one.register("1", 1, false).await;
        two.knows("1=UP").await;
        two.cancel("1", true).await;
        assert_eq!((one.known().as_str(), two.known().as_str()), ("1=UP", ""));
        assert_eq!(one.put("apps/BOOK/1?lastDirtyTimestamp=1").await, 200);
        two.knows("1=UP").await;
        two.register("1", 7, true).await;
        assert_eq!(one.put("apps/BOOK/1?lastDirtyTimestamp=1").await, 200);
        eventually("the newer registration", async || {
            one.registry.instance("BOOK", "1").unwrap().last_dirty_timestamp == 7
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn who_starts_takes_over_what_is_known_and_a_peer_that_says_nothing_stops_nobody() {
    // It accepts connections, in the kernel's queue, and says nothing.
    let silent = TcpListener::bind(any()).await.unwrap();
    let (at, later) = (nobody().await, nobody().await);
    let one = Node::new(at, &[silent.local_addr().unwrap(), later]);
    let two = Node::new(later, &[silent.local_addr().unwrap(), at]);
    run(vec![one.service().await], async {
        one.register("1", 1, false).await;
        assert_eq!(one.ask(Method::GET, "apps", None, false).await, 403, "it has asked nobody yet");
        assert_eq!(one.ask(Method::GET, "apps/BOOK", None, false).await, 200);
        run(vec![two.service().await], async {
            two.knows("1=UP").await;
            eventually("lists", async || two.ask(Method::GET, "apps", None, false).await == 200)
                .await;
            two.register("2", 1, false).await;
            one.knows("1=UP 2=UP").await;
        })
        .await;
        eventually("lists", async || one.ask(Method::GET, "apps", None, false).await == 200).await;
    })
    .await;
}
