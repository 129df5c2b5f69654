//! Two registries that are one another's peers know the same, whichever of them was told, also when one of them was away.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

use super::{
    registries::{Generation, Registry},
    strangers::with_login,
};
use crate::{fresh, program::until};

/// Whose registry is the first; the second is Spring Cloud's of today.
#[derive(Clone, Copy, Debug)]
enum First {
    Ours,
    Spring,
}

#[tokio::test]
async fn our_registry_and_springs_are_peers() {
    check(First::Ours).await;
}

#[tokio::test]
async fn springs_registries_of_two_generations_are_peers() {
    check(First::Spring).await;
}

async fn check(first: First) {
    let ports = free_ports().await;
    let app = fresh("library").replace('_', "-");
    let one = first.start(ports, "one").await;
    // A peer that is away holds nobody up.
    one.register(&app, "before").await;
    let two = second(ports, "two").await;
    let pair = Pair { one: &one, two: &two, app: &app };
    pair.both_know("before", "UP").await;
    pair.tell_one_another().await;
    pair.keep_alive_together().await;
    pair.share_overrides().await;
    let two = returns(&one, two, &app, async || second(ports, "two-again").await).await;
    let one = returns(&two, one, &app, async || first.start(ports, "one-again").await).await;
    let pair = Pair { one: &one, two: &two, app: &app };
    pair.tell_one_another().await;
    one.stop().await;
    // The death of a peer changes nothing.
    let id = fresh("alone");
    two.register(&app, &id).await;
    assert!(two.instance(&app, &id).await.is_some());
    two.stop().await;
}

impl First {
    /// Starts it at the first port, with its peer at the second.
    async fn start(self, [own, peer]: [u16; 2], host: &str) -> Registry {
        match self {
            First::Ours => Registry::ours_as_peer(own, &zone(peer)).await,
            First::Spring => spring(Generation::Boot2, own, peer, host).await,
        }
    }
}

async fn second([peer, own]: [u16; 2], host: &str) -> Registry {
    spring(Generation::Boot3, own, peer, host).await
}

/// Spring's takes a peer with its own host name for itself, whatever the port, so that it has to have another.
async fn spring(generation: Generation, own: u16, peer: u16, host: &str) -> Registry {
    let keys = [
        ("server.port", &*own.to_string()),
        ("eureka.client.service-url.defaultZone", &zone(peer)),
        ("eureka.client.fetch-registry", "true"),
        ("eureka.instance.hostname", host),
        // It waits 200 ms for a peer, and what it then sends again may undo what came in between.
        ("eureka.server.peer-node-read-timeout-ms", "5000"),
    ];
    Registry::spring(generation, &keys).await
}

fn zone(port: u16) -> String {
    format!("{}/eureka/", with_login(&format!("http://127.0.0.1:{port}")))
}

/// One of them stops, misses something, and comes back at the same address: it knows what it missed.
async fn returns(
    staying: &Registry,
    leaving: Registry,
    app: &str,
    start: impl AsyncFnOnce() -> Registry,
) -> Registry {
    let (gone, new) = (fresh("gone"), fresh("new"));
    staying.register(app, &gone).await;
    until(&format!("{gone} at the peer"), async || {
        pause().await;
        leaving.instance(app, &gone).await
    })
    .await;
    leaving.stop().await;
    staying.change("DELETE", app, &gone, "").await;
    staying.register(app, &new).await;
    let back = start().await;
    let pair = Pair { one: staying, two: &back, app };
    pair.both_know(&new, "UP").await;
    pair.nobody_knows(&gone).await;
    back
}

/// Two peers.
struct Pair<'a> {
    one: &'a Registry,
    two: &'a Registry,
    app: &'a str,
}

impl Pair<'_> {
    fn directions(&self) -> [(&Registry, &Registry); 2] {
        [(self.one, self.two), (self.two, self.one)]
    }

    /// What one is told, the other knows: that an instance came, what it says of itself, and that it went.
    async fn tell_one_another(&self) {
        for (told, other) in self.directions() {
            let id = fresh("told");
            told.register(self.app, &id).await;
            self.both_know(&id, "UP").await;
            told.change("PUT", self.app, &id, "/metadata?shelf=7").await;
            until("the metadata at the peer", async || {
                pause().await;
                let instance = other.instance(self.app, &id).await.unwrap();
                (instance["metadata"]["shelf"] == "7").then_some(())
            })
            .await;
            other.change("DELETE", self.app, &id, "").await;
            self.nobody_knows(&id).await;
        }
    }

    /// A heartbeat at one counts at the other.
    async fn keep_alive_together(&self) {
        for (told, other) in self.directions() {
            let id = fresh("alive");
            told.register(self.app, &id).await;
            self.both_know(&id, "UP").await;
            let before = renewed(&other.instance(self.app, &id).await.unwrap());
            until("a heartbeat at the peer", async || {
                told.change("PUT", self.app, &id, "").await;
                sleep(Duration::from_millis(200)).await;
                let instance = other.instance(self.app, &id).await.unwrap();
                (renewed(&instance) > before).then_some(())
            })
            .await;
        }
    }

    /// What an operator sets at one and takes back at the other is so at both.
    async fn share_overrides(&self) {
        for (told, other) in self.directions() {
            let id = fresh("override");
            told.register(self.app, &id).await;
            self.both_know(&id, "UP").await;
            told.change("PUT", self.app, &id, "/status?value=OUT_OF_SERVICE").await;
            self.both_know(&id, "OUT_OF_SERVICE").await;
            other.change("DELETE", self.app, &id, "/status?value=UP").await;
            self.both_know(&id, "UP").await;
        }
    }

    async fn both_know(&self, id: &str, status: &str) {
        until(&format!("{id} {status} at both"), async || {
            pause().await;
            let one = self.one.instance(self.app, id).await?;
            let two = self.two.instance(self.app, id).await?;
            (one["status"] == status && two["status"] == json!(status)).then_some(())
        })
        .await;
    }

    async fn nobody_knows(&self, id: &str) {
        until(&format!("{id} at none"), async || {
            pause().await;
            let one = self.one.instance(self.app, id).await;
            let two = self.two.instance(self.app, id).await;
            (one.is_none() && two.is_none()).then_some(())
        })
        .await;
    }
}

async fn pause() {
    sleep(Duration::from_millis(100)).await;
}

fn renewed(instance: &Value) -> i64 {
    instance["leaseInfo"]["lastRenewalTimestamp"].as_i64().unwrap()
}

async fn free_ports() -> [u16; 2] {
    let one = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let two = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    [one, two].map(|listener| listener.local_addr().unwrap().port())
}
