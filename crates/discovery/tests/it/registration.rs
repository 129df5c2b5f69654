//! A client keeps itself registered, and a directory finds it.

use std::{sync::Arc, time::Duration};

use chassis::{Outside, Service, Stop};
use discovery::{Directory, Registration, keep_registered};
use tokio::net::TcpListener;

use crate::support::{Where, any, eventually, nobody, registry, run};

fn client(registry: Where, registration: Registration) -> Service {
    let address = registry.address();
    Service::new("library").background("register", move |stop| {
        keep_registered(address, registration, Outside::system(), stop)
    })
}

fn library() -> Registration {
    Registration::new("library", "127.0.0.1", 4711).with_lease(1, 2)
}

#[tokio::test]
async fn a_client_is_seen_at_once_and_gone_when_it_stops() {
    let (service, registry) = registry(any()).await;
    run(vec![service], async {
        run(vec![client(registry, library())], async {
            eventually("registered", async || registry.ids("library").await.len() == 1).await;
            let directory = Directory::new(registry.address(), Outside::system()).unwrap();
            assert_eq!(directory.apps().await, ["library"]);
            let instance = directory.pick("Library").await.unwrap();
            assert_eq!(instance.authority().as_deref(), Some("127.0.0.1:4711"));
        })
        .await;
        assert_eq!(registry.ids("library").await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn who_goes_silent_is_evicted_and_who_does_not_stays() {
    let (service, registry) = registry(any()).await;
    run(vec![service, client(registry, library())], async {
        registry.add("LIBRARY", "silent", nobody().await, 1).await;
        eventually("both registered", async || registry.ids("library").await.len() == 2).await;
        eventually("evicted", async || {
            !registry.ids("library").await.contains(&"silent".to_owned())
        })
        .await;
        assert_eq!(registry.ids("library").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn who_was_forgotten_registers_again() {
    let (service, registry) = registry(any()).await;
    run(vec![service, client(registry, library())], async {
        eventually("registered", async || registry.ids("library").await.len() == 1).await;
        let before = registry.ids("library").await;
        registry.remove("LIBRARY", &before[0]).await;
        eventually("registered again", async || registry.ids("library").await == before).await;
    })
    .await;
}

#[tokio::test]
async fn a_registry_that_goes_away_costs_nothing_but_news() {
    let (service, first) = registry(any()).await;
    let directory = Directory::new(first.address(), Outside::system()).unwrap();
    let watching = {
        let directory = directory.clone();
        Service::new("reader").background("watch", |stop| directory.watch(stop))
    };
    run(vec![watching, client(first, library())], async {
        let before = run(vec![service], async {
            eventually("found", async || directory.pick("library").await.is_some()).await;
            first.ids("library").await
        })
        .await;
        assert!(directory.pick("library").await.is_some(), "what was known stays in use");
        let (service, second) = registry(first.0).await;
        run(vec![service], async {
            eventually("registered again", async || second.ids("library").await == before).await;
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_starts_before_its_registry_is_seen_soon_after_it() {
    let nobody_home = TcpListener::bind(any()).await.unwrap();
    let address = nobody_home.local_addr().unwrap();
    run(vec![client(Where(address), library())], async {
        // The first attempt meets somebody who hangs up.
        drop(nobody_home.accept().await.unwrap());
        drop(nobody_home);
        let (service, registry) = registry(address).await;
        run(
            vec![service],
            eventually("registered", async || registry.ids("library").await.len() == 1),
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_registry_that_never_answers() {
    // It accepts connections, in the kernel's queue, and says nothing.
    let silent = TcpListener::bind(any()).await.unwrap();
    let registry = Where(silent.local_addr().unwrap());
    let stop = Stop::new();
    stop.cancel();
    let stopped = keep_registered(registry.address(), library(), Outside::system(), stop);
    tokio::time::timeout(Duration::from_secs(3), stopped).await.unwrap().unwrap();
}

#[tokio::test]
async fn those_who_find_nobody_share_one_fetch() {
    let (service, registry) = registry(any()).await;
    run(vec![service], async {
        let directory: Arc<Directory> =
            Directory::new(registry.address(), Outside::system()).unwrap();
        let picks = tokio::join!(
            directory.pick("library"),
            directory.pick("library"),
            directory.pick("library")
        );
        assert_eq!((picks.0, picks.1, picks.2), (None, None, None));
        registry.add("LIBRARY", "one", nobody().await, 60).await;
        // Within the cool-down nobody asks; after it the first question does.
        eventually("found", async || directory.pick("library").await.is_some()).await;
    })
    .await;
}
