//! A client of Eureka registers, stays registered, finds others and disappears; the registry says the same of it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    client, configuration,
    ours::Ours,
    recorder::{Exchange, Recorder},
    registries::{Generation, Maker, Registry, using},
    strangers::{Kind, Stranger},
};
use crate::{fresh, program::until};

#[tokio::test]
async fn a_python_service_lives_with_our_registry() {
    check(Maker::Ours, Kind::Python).await;
}

#[tokio::test]
async fn a_python_service_lives_with_springs_registry() {
    check(Maker::Spring, Kind::Python).await;
}

#[tokio::test]
async fn a_javascript_service_lives_with_our_registry() {
    check(Maker::Ours, Kind::JavaScript).await;
}

#[tokio::test]
async fn a_javascript_service_lives_with_springs_registry() {
    check(Maker::Spring, Kind::JavaScript).await;
}

#[tokio::test]
async fn a_service_of_spring_boot_2_lives_with_our_registry() {
    check(Maker::Ours, Kind::Spring(Generation::Boot2)).await;
}

#[tokio::test]
async fn a_service_of_spring_boot_2_lives_with_springs_registry() {
    check(Maker::Spring, Kind::Spring(Generation::Boot2)).await;
}

#[tokio::test]
async fn a_service_of_spring_boot_3_lives_with_our_registry() {
    check(Maker::Ours, Kind::Spring(Generation::Boot3)).await;
}

#[tokio::test]
async fn a_service_of_spring_boot_3_lives_with_springs_registry() {
    check(Maker::Spring, Kind::Spring(Generation::Boot3)).await;
}

/// Spring's own registry takes up to a minute and a half for it.
#[tokio::test]
async fn services_that_are_killed_are_forgotten_when_their_leases_are_over() {
    let kinds = [Kind::Python, Kind::JavaScript, Kind::Spring(Generation::Boot3)];
    using(Maker::Ours, async |registry: &Registry| {
        let living = kinds.map(async |kind| {
            let name = fresh("reader").replace('_', "-");
            configuration::write(registry, &name);
            let id = format!("{name}:1");
            let stranger = Stranger::service(kind, &registry.url, &name, &id).await;
            let recorder = Recorder::before(&registry.url).await;
            let life = Life { registry, recorder, kind, name, id, stranger };
            life.instance_with("status", &json!("UP")).await;
            life
        });
        for life in join_all(living).await {
            let Life { name, id, stranger, .. } = life;
            let (killed, renewed) =
                (Instant::now(), renewed(&registry.instance(&name, &id).await.unwrap()));
            stranger.die().await;
            until(&format!("{id} is forgotten"), async || {
                sleep(Duration::from_millis(50)).await;
                registry.instance(&name, &id).await.is_none().then_some(())
            })
            .await;
            // Each has promised a sign of life in ten seconds; its last one may be as old as the pause between two.
            let silent = killed.elapsed();
            assert!(silent > Duration::from_secs(4), "{id}, last renewed {renewed}: {silent:?}");
            assert!(silent < Duration::from_secs(13), "{id}, last renewed {renewed}: {silent:?}");
        }
    })
    .await;
}

async fn check(maker: Maker, kind: Kind) {
    using(maker, async |registry: &Registry| {
        let name = fresh("reader").replace('_', "-");
        configuration::write(registry, &name);
        let recorder = Recorder::before(&registry.url).await;
        let ours = Ours::start(&registry.url).await;
        let id = format!("{name}:1");
        let stranger = Stranger::service(kind, &recorder.url, &name, &id).await;
        let mut life = Life { registry, recorder, kind, name, id, stranger };
        life.is_found().await;
        if let Kind::Spring(_) = kind {
            configuration::of_spring(registry, &life.recorder, &mut life.stranger, &life.name)
                .await;
        }
        life.finds_and_calls(&ours).await;
        life.learns_by_deltas().await;
        life.obeys_an_override().await;
        life.registers_again_when_forgotten().await;
        life.was_answered_in_gzip();
        life.disappears().await;
        let id = ours.id.clone();
        assert_eq!(registry.instance("store", &id).await.unwrap()["status"], "UP");
        ours.stop().await;
        assert_eq!(registry.instance("store", &id).await, None);
    })
    .await;
}

/// A client beside a registry.
struct Life<'a> {
    registry: &'a Registry,
    recorder: Recorder,
    kind: Kind,
    name: String,
    id: String,
    stranger: Stranger,
}

impl Life<'_> {
    /// Whoever asks the registry gets an address that answers, and stays there by heartbeats.
    async fn is_found(&self) {
        let instance = self.instance_with("status", &json!("UP")).await;
        assert_eq!(instance["app"], self.name.to_uppercase());
        assert_eq!(instance["instanceId"], self.id);
        assert_eq!(instance["vipAddress"], self.name);
        assert_eq!(instance["metadata"]["zone"], "primary");
        assert_eq!(instance["leaseInfo"]["durationInSecs"], 10);
        if !matches!(self.kind, Kind::Spring(_)) {
            assert_eq!(instance["metadata"]["place"], "a <shelf> & more");
        }
        let health = instance["healthCheckUrl"].as_str().unwrap();
        assert!(health.contains(&format!(":{}/", instance["port"]["$"])), "{instance}");
        let answer = client().build().unwrap().get(health).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{health}");
        let registered = self.recorder.with("POST", |path| self.is_app(path));
        assert!(registered.iter().all(|exchange| exchange.status == 204), "{registered:?}");
        let before = renewed(&instance);
        self.heartbeats(2).await;
        let after = self.registry.instance(&self.name, &self.id).await.unwrap();
        assert!(renewed(&after) > before, "{instance} {after}");
    }

    /// It sees our service where it is, and gets an answer by its name alone.
    async fn finds_and_calls(&mut self, ours: &Ours) {
        let seen = self.sees("store", &ours.id, true).await;
        assert_eq!(seen["port"], ours.port, "{seen}");
        assert_eq!((&seen["host"], &seen["status"]), (&json!("127.0.0.1"), &json!("UP")));
        assert_eq!(seen["metadata"]["zone"], "primary");
        let answer = self.stranger.ask(&["call", "store", "/management/info"]).await;
        assert!(answer["build"]["artifact"].is_string(), "{answer}");
    }

    /// Others come and go, and it knows without ever fetching the whole list again.
    async fn learns_by_deltas(&mut self) {
        let fetches =
            || self.recorder.with("GET", |path| path.trim_end_matches('/').ends_with("/apps"));
        let before = fetches().len();
        assert!(before > 0, "{:?}", self.recorder.exchanges());
        let deltas = || self.recorder.with("GET", |path| path.ends_with("/apps/delta"));
        let seen = deltas().len();
        until("two deltas", async || (deltas().len() >= seen + 2).then_some(())).await;
        // A second instance: of a service that is new to it, py-eureka-client learns only by the whole list.
        let id = fresh("another");
        self.registry.register("store", &id).await;
        self.sees("store", &id, true).await;
        self.registry.change("DELETE", "store", &id, "").await;
        self.sees("store", &id, false).await;
        let fetches =
            self.recorder.with("GET", |path| path.trim_end_matches('/').ends_with("/apps"));
        assert_eq!(fetches.len(), before, "a delta did not lead to what the registry has");
        let deltas = self.recorder.with("GET", |path| path.ends_with("/apps/delta"));
        for exchange in fetches.iter().chain(&deltas) {
            self.is_understood(exchange);
        }
    }

    /// It gets the format that it reads.
    fn is_understood(&self, exchange: &Exchange) {
        assert_eq!(exchange.status, 200, "{exchange:?}");
        let format = if self.kind == Kind::Python { "xml" } else { "json" };
        assert!(exchange.kind.contains(format), "{exchange:?}");
    }

    /// The lists came compressed, as every one of these clients asks for.
    fn was_answered_in_gzip(&self) {
        let lists = self.recorder.with("GET", |path| path.starts_with("/eureka/apps"));
        let plain = lists.iter().filter(|exchange| exchange.coding != "gzip").count();
        assert_eq!(plain, 0, "of {} lists", lists.len());
    }

    /// What an operator has set stays, whatever the client says, until the operator takes it back.
    async fn obeys_an_override(&self) {
        self.registry.change("PUT", &self.name, &self.id, "/status?value=OUT_OF_SERVICE").await;
        self.heartbeats(3).await;
        let instance = self.registry.instance(&self.name, &self.id).await.unwrap();
        assert_eq!(instance["status"], "OUT_OF_SERVICE");
        assert_eq!(instance["overriddenStatus"], "OUT_OF_SERVICE");
        self.registry.change("DELETE", &self.name, &self.id, "/status?value=UP").await;
        self.heartbeats(2).await;
        let instance = self.registry.instance(&self.name, &self.id).await.unwrap();
        assert_eq!(
            (&instance["status"], &instance["overriddenStatus"]),
            (&json!("UP"), &json!("UNKNOWN"))
        );
    }

    /// A registry that knows nothing of it says so, and is told again.
    async fn registers_again_when_forgotten(&self) {
        let before = self.recorder.with("POST", |path| self.is_app(path)).len();
        self.registry.change("DELETE", &self.name, &self.id, "").await;
        until("another registration", async || {
            (self.recorder.with("POST", |path| self.is_app(path)).len() > before).then_some(())
        })
        .await;
        let missed = self.recorder.with("PUT", |path| self.is_instance(path));
        assert!(missed.iter().any(|exchange| exchange.status == 404), "{missed:?}");
        self.instance_with("status", &json!("UP")).await;
    }

    /// It cancels before it ends. A service of Spring did so before, too, when it read its configuration again.
    async fn disappears(self) {
        let Life { registry, recorder, name, id, stranger, .. } = self;
        let cancelled = || recorder.with("DELETE", |path| is_instance(path, &name, &id));
        let before = cancelled().len();
        stranger.end().await;
        assert_eq!(registry.instance(&name, &id).await, None);
        let cancelled = cancelled();
        assert_eq!(cancelled.len(), before + 1, "{cancelled:?}");
        assert_eq!(cancelled.last().unwrap().status, 200, "{cancelled:?}");
    }

    /// Waits until the registry says this of the client.
    async fn instance_with(&self, member: &str, value: &Value) -> Value {
        until(&format!("{} with {member} {value}", self.id), async || {
            let instance = self.registry.instance(&self.name, &self.id).await;
            sleep(Duration::from_millis(50)).await;
            instance.filter(|instance| instance[member] == *value)
        })
        .await
    }

    /// Waits until the client has sent some more heartbeats that were understood.
    async fn heartbeats(&self, more: usize) {
        let sent = || {
            let sent = self.recorder.with("PUT", |path| self.is_instance(path));
            sent.iter().filter(|exchange| exchange.status == 200).count()
        };
        let all = sent() + more;
        until("heartbeats", async || (sent() >= all).then_some(())).await;
    }

    /// Waits until the client sees an instance, or sees it no more.
    async fn sees(&mut self, app: &str, id: &str, there: bool) -> Value {
        let stranger = tokio::sync::Mutex::new(&mut self.stranger);
        until(&format!("{id} at the client: {there}"), async || {
            let seen = stranger.lock().await.ask(&["instances", app]).await;
            assert!(seen["error"].is_null(), "{seen}");
            sleep(Duration::from_millis(50)).await;
            (seen[id].is_object() == there).then(|| seen[id].clone())
        })
        .await
    }

    fn is_app(&self, path: &str) -> bool {
        path.eq_ignore_ascii_case(&format!("/eureka/apps/{}", self.name))
    }

    fn is_instance(&self, path: &str) -> bool {
        is_instance(path, &self.name, &self.id)
    }
}

/// Some write the name as they got it, some in upper case; some write the colon as it is.
fn is_instance(path: &str, name: &str, id: &str) -> bool {
    let path = path.to_lowercase().replace("%3a", ":");
    path == format!("/eureka/apps/{name}/{id}").to_lowercase()
}

fn renewed(instance: &Value) -> i64 {
    instance["leaseInfo"]["lastRenewalTimestamp"].as_i64().unwrap()
}
