//! A real Kafka keeps the promises of the port. `tests/real/servers` of this project starts it and says where it is.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod away;
mod backlog;
#[path = "../it/conformance.rs"]
mod conformance;
mod dead_letters;
mod groups;
mod publish;
mod secure;
mod topics;

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use messaging::{Broker, Kafka, KafkaSettings, kafka::Side};
use tokio::{sync::RwLock, time::Instant};

/// Whoever disturbs the server, or measures the process, holds it alone.
static SERVER: RwLock<()> = RwLock::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_keeps_the_promises_of_the_port() {
    let _server = SERVER.read().await;
    conformance::all(async |partitions| Arc::new(kafka(partitions, &[])) as Arc<dyn Broker>).await;
}

/// Kafka; new topics get this many partitions.
fn kafka(partitions: i32, properties: &[(&str, &str)]) -> Kafka {
    let mut settings = settings(properties);
    settings.partitions = partitions;
    Kafka::new(&settings).unwrap()
}

fn settings(properties: &[(&str, &str)]) -> KafkaSettings {
    let mut settings = KafkaSettings::new(&variable("REAL_KAFKA")).unwrap();
    for (name, value) in properties {
        settings.property(Side::Both, name, value).unwrap();
    }
    settings
}

/// A topic of this run.
fn topic(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

/// Where the server is, or where the script is that has started it.
#[expect(clippy::disallowed_methods, reason = "the script tells it in the environment")]
fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run this under tests/real/servers run"))
}

/// Lets the script act on the server: pause, resume, kill, launch, restart.
async fn server(action: &'static str) {
    let script = variable("REAL_SERVERS");
    let done = tokio::task::spawn_blocking(move || {
        Command::new(Path::new(&script)).args([action, "kafka"]).status()
    });
    assert!(done.await.unwrap().unwrap().success(), "{action}");
}

/// Asks again and again until it is so.
async fn until(what: &str, patience: Duration, mut question: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !question().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
