//! Changes are known at once to whoever waits for them.

use std::{sync::Arc, time::Duration};

use chassis::{Outside, Service, Stop};
use discovery::{Directory, Registration, keep_registered};
use tokio::time::Instant;

use crate::support::{any, eventually, nobody, registry, run};

/// Far less than the 5 s after which a registry is asked that tells of nothing.
const AT_ONCE: Duration = Duration::from_secs(2);

async fn seen(directory: &Arc<Directory>, app: &str, count: usize) {
    let begun = Instant::now();
    eventually(&format!("{count} instances of {app}"), async || {
        let instances = directory.instances();
        instances.iter().filter(|instance| instance.app == app).count() == count
    })
    .await;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_directory_learns_of_who_comes_and_goes_without_asking_again() {
    let (registry, place) = registry(any()).await;
    let directory = Directory::new(place.address(), Outside::system()).unwrap();
    let watching = directory.clone();
    let follower = Service::new("follower").background("directory", |stop| watching.watch(stop));
    run(vec![registry, follower], async {
        for round in 0..3 {
            let (stop, registration) = (Stop::new(), Registration::new("book", "127.0.0.1", 9));
            let staying =
                keep_registered(place.address(), registration, Outside::system(), stop.clone());
            let watching = async {
                seen(&directory, "BOOK", 1).await;
                stop.cancel();
            };
            let (stayed, ()) = tokio::join!(staying, watching);
            stayed.unwrap();
            seen(&directory, "BOOK", 0).await;
            assert!(directory.pick("book").await.is_none(), "round {round}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_registry_that_comes_back_is_followed_again() {
    let at = nobody().await;
    let directory = {
        let (registry, place) = registry(at).await;
        let directory = Directory::new(place.address(), Outside::system()).unwrap();
        let (watching, stop) = (directory.clone(), Stop::new());
        let round = async {
            run(vec![registry], tokio::time::sleep(Duration::from_millis(200))).await;
            let (registry, place) = self::registry(at).await;
            let registration = Registration::new("book", "127.0.0.1", 9);
            let service = Service::new("book").background("registration", move |stop| {
                keep_registered(place.address(), registration, Outside::system(), stop)
            });
            run(vec![registry, service], async {
                eventually("the new registry's list", async || {
                    directory.instances().iter().any(|instance| instance.app == "BOOK")
                })
                .await;
            })
            .await;
            stop.cancel();
        };
        let (watched, ()) = tokio::join!(watching.watch(stop.clone()), round);
        watched.unwrap();
        directory.clone()
    };
    assert_eq!(directory.instances().len(), 1, "what was told last stays in use");
}

#[tokio::test]
async fn who_waits_holds_up_no_registry_that_stops() {
    let (registry, place) = registry(any()).await;
    let directory = Directory::new(place.address(), Outside::system()).unwrap();
    let (watching, stop) = (directory.clone(), Stop::new());
    let ending = async {
        run(vec![registry], tokio::time::sleep(Duration::from_millis(300))).await;
        stop.cancel();
    };
    let begun = Instant::now();
    let (watched, ()) = tokio::join!(watching.watch(stop.clone()), ending);
    watched.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
}
