//! Finding others: the instances of each service, as the registry last told, and the next one to ask.

mod known;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use chassis::{Outside, Stop};
use tokio::{sync::Semaphore, time::Instant};
use tracing::{debug, warn};

use super::{Address, contact::Contact, eureka::Eureka};
use crate::instance::Instance;
use known::Known;

/// How often the list is fetched from a registry that tells of no changes.
const REFRESH: Duration = Duration::from_secs(5);
/// How long changes are gathered: many services that start together are told of together.
const BREATH: Duration = Duration::from_millis(10);
/// How soon after a fetch somebody who finds no instance may cause another.
const COOL_DOWN: Duration = Duration::from_millis(50);

/// Which services exist and where. While the registry is away, what it told last stays in use.
#[derive(Debug)]
pub struct Directory {
    eureka: Eureka,
    outside: Outside,
    known: Mutex<Known>,
    /// One fetch at a time; those who wait for their turn share the one before.
    turn: Semaphore,
}

impl Directory {
    /// A directory that knows nothing yet; [`Directory::watch`] fills it, and so does the first question.
    ///
    /// # Errors
    /// When the client cannot be set up.
    pub fn new(address: Address, outside: Outside) -> anyhow::Result<Arc<Self>> {
        let eureka = Eureka::new(address)?;
        Ok(Arc::new(Directory {
            eureka,
            outside,
            known: Mutex::default(),
            turn: Semaphore::new(1),
        }))
    }

    /// The next instance of a service that takes requests, in turn. Without one, the registry is asked at once,
    /// but not within 50 ms of the last time.
    pub async fn pick(&self, app: &str) -> Option<Arc<Instance>> {
        let app = app.to_lowercase();
        if let Some(instance) = self.next(&app) {
            return Some(instance);
        }
        self.ask_now().await;
        self.next(&app)
    }

    /// The services that have an instance, in lower case and in order.
    pub async fn apps(&self) -> Vec<String> {
        if self.known().is_empty() {
            self.ask_now().await;
        }
        self.known().apps()
    }

    /// Every instance as the registry last told, whatever its status.
    pub fn instances(&self) -> Vec<Arc<Instance>> {
        self.known().instances()
    }

    /// Passes over an instance that did not accept a connection, until the registry has had a sign of life from it
    /// or for 10 s.
    pub fn failed(&self, instance: &Instance) {
        let (app, id) = (&instance.app, instance.id());
        warn!(
            instance.app = app,
            instance.id = id,
            "{app}/{id} accepts no connections, passing it over for a while"
        );
        self.known().passed_over(instance, Instant::now());
    }

    /// Follows the registry until `stop`: a registry of ours tells of a change at once, another one is asked every 5 s.
    ///
    /// # Errors
    /// Never; the signature is that of a background loop.
    pub async fn watch(self: Arc<Self>, stop: Stop) -> anyhow::Result<()> {
        let mut contact =
            Contact::new(format!("the registry at {}", self.eureka.address()), &self.outside);
        loop {
            let round = async {
                let wait = match self.follow().await {
                    Ok(wait) => {
                        contact.made();
                        wait
                    }
                    Err(error) => {
                        // Who cannot hold a request may still answer one.
                        self.known().tag = None;
                        contact.failed(&error)
                    }
                };
                tokio::time::sleep(wait).await;
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = round => {}
            }
        }
    }

    /// Waits for the next list, or fetches one. Returns how long to pause before the next time.
    async fn follow(&self) -> anyhow::Result<Duration> {
        let Some(tag) = self.known().tag.clone() else {
            self.fetch(Duration::ZERO).await?;
            return Ok(if self.known().tag.is_some() { Duration::ZERO } else { REFRESH });
        };
        let Some(listed) = self.eureka.changes(&tag).await? else { return Ok(Duration::ZERO) };
        {
            let mut known = self.known();
            // Somebody else has fetched the list meanwhile: this is about an older one.
            if known.tag.as_ref() != Some(&tag) {
                return Ok(Duration::ZERO);
            }
            known.asked = Some(Instant::now());
            let right = known.apply(listed.list.instances) == listed.list.hash_code;
            known.tag = listed.tag.filter(|_| right);
        }
        Ok(BREATH)
    }

    async fn ask_now(&self) {
        if let Err(error) = self.fetch(COOL_DOWN).await {
            // The loop that watches the registry tells people.
            debug!("{error:#}");
        }
    }

    /// Fetches the list unless that was done within `cool_down`.
    async fn fetch(&self, cool_down: Duration) -> anyhow::Result<()> {
        let _turn = self.turn.acquire().await.context("wait for another fetch")?;
        if self.known().asked.is_some_and(|asked| asked.elapsed() < cool_down) {
            return Ok(());
        }
        let fetched = self.eureka.instances().await;
        let mut known = self.known();
        known.asked = Some(Instant::now());
        let listed = fetched?;
        known.replace(listed.list.instances);
        known.tag = listed.tag;
        Ok(())
    }

    fn next(&self, app: &str) -> Option<Arc<Instance>> {
        self.known().next(app, Instant::now())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
