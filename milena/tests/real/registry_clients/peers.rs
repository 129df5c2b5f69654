//! Two registries that are one another's peers know the same, whichever of them was told, also when one of them was away.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

use super::{
    link::Link,
    registries::{Generation, Registry},
    strangers::with_login,
};
use crate::{fresh, program::until};

/// Spring's registry tells its peer nothing while newer heartbeats of the instance come sooner than half a second after one
/// another: each takes the place of the one that waits, with a wait of its own.
const BETWEEN_HEARTBEATS: Duration = Duration::from_secs(1);

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
    let app = fresh("library").replace('_', "-");
    let [at, other] = free_addresses().await;
    let (mut to_one, mut to_two) = (Link::to(at).await, Link::to(other).await);
    let one = first.start(at, to_two.at, "one").await;
    // A peer that is away holds nobody up.
    one.register(&app, "before").await;
    let two = second(other, to_one.at, "two").await;
    let pair = Pair { one: &one, two: &two, app: &app };
    pair.both_know("before", "UP").await;
    pair.tell_one_another().await;
    pair.keep_alive_together().await;
    pair.share_overrides().await;
    pair.agree_after_a_partition([&mut to_one, &mut to_two]).await;
    let start = async || second(other, to_one.at, "two-again").await;
    let two = returns(&one, two, &app, start).await;
    match first {
        First::Ours => {
            let start = async || first.start(at, to_two.at, "one-again").await;
            let one = returns(&two, one, &app, start).await;
            Pair { one: &one, two: &two, app: &app }.tell_one_another().await;
            one.stop().await;
        }
        First::Spring => one.stop().await,
    }
    // The death of a peer changes nothing.
    let id = fresh("alone");
    two.register(&app, &id).await;
    assert!(two.instance(&app, &id).await.is_some());
    two.stop().await;
}

impl First {
    /// Starts it at an address, with its peer at another.
    async fn start(self, at: SocketAddr, peer: SocketAddr, host: &str) -> Registry {
        match self {
            First::Ours => Registry::ours_as_peer(at.port(), &zone(peer)).await,
            First::Spring => spring(Generation::Boot2, at, peer, host).await,
        }
    }
}

async fn second(at: SocketAddr, peer: SocketAddr, host: &str) -> Registry {
    spring(Generation::Boot3, at, peer, host).await
}

/// Spring's takes a peer with its own host name for itself, whatever the port, so that it has to have another.
async fn spring(generation: Generation, at: SocketAddr, peer: SocketAddr, host: &str) -> Registry {
    let keys = [
        ("server.port", &*at.port().to_string()),
        ("eureka.client.service-url.defaultZone", &zone(peer)),
        ("eureka.client.fetch-registry", "true"),
        // Without this it does not ask its peer at its start.
        ("eureka.server.registry-sync-retries", "5"),
        ("eureka.server.registry-sync-retry-wait-ms", "500"),
        ("eureka.instance.hostname", host),
        // It waits 200 ms for a peer, and what it then sends again may undo what came in between.
        ("eureka.server.peer-node-read-timeout-ms", "5000"),
    ];
    Registry::spring(generation, &keys).await
}

fn zone(at: SocketAddr) -> String {
    format!("{}/eureka/", with_login(&format!("http://{at}")))
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
                sleep(BETWEEN_HEARTBEATS).await;
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

    /// While they do not hear one another, each takes what it is told, and afterwards both know what is true: who still sends
    /// heartbeats is there, who went is not.
    async fn agree_after_a_partition(&self, links: [&mut Link; 2]) {
        let gone = fresh("gone");
        self.one.register_for(3, self.app, &gone).await;
        self.both_know(&gone, "UP").await;
        let [to_one, to_two] = links;
        tokio::join!(to_one.cut(), to_two.cut());
        self.one.change("DELETE", self.app, &gone, "").await;
        let new = [fresh("new"), fresh("new")];
        self.one.register(self.app, &new[0]).await;
        self.two.register(self.app, &new[1]).await;
        assert!(self.two.instance(self.app, &new[0]).await.is_none(), "the line is cut");
        tokio::join!(to_one.mend(), to_two.mend());
        until("agreement", async || {
            self.one.change("PUT", self.app, &new[0], "").await;
            self.two.change("PUT", self.app, &new[1], "").await;
            sleep(BETWEEN_HEARTBEATS).await;
            let there = [
                self.one.instance(self.app, &new[1]).await,
                self.two.instance(self.app, &new[0]).await,
            ];
            let gone = [
                self.one.instance(self.app, &gone).await,
                self.two.instance(self.app, &gone).await,
            ];
            (there.iter().all(Option::is_some) && gone.iter().all(Option::is_none)).then_some(())
        })
        .await;
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

async fn free_addresses() -> [SocketAddr; 2] {
    let one = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let two = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    [one, two].map(|listener| listener.local_addr().unwrap())
}
