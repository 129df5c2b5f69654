//! What every service offers, read from its OpenAPI document and kept for some seconds, so that pages stay fast and
//! a service that just came up is seen at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use chassis::Secret;
use discovery::{Directory, Forwarder};
use futures_util::future::join_all;
use tokio::time::Instant;
use tracing::debug;

use crate::openapi::{self, Collection};

/// How long a document that was read is good for.
const FRESH: Duration = Duration::from_secs(10);
/// How long a service that did not answer is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// How long a page waits for a document.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often, at most, pages make the directory ask the registry, and how long they wait for it.
const ASK: Duration = Duration::from_secs(1);
const ASK_PATIENCE: Duration = Duration::from_millis(300);
/// No service has this name: looking for it makes the directory ask the registry.
const NOBODY: &str = "-";
/// How many services are shown.
const SERVICES: usize = 200;
/// What stands in the registry and has no entities: the gateway and the registry themselves.
const WITHOUT_PAGES: [&str; 3] = ["gateway", "registry", "jhipster-registry"];

/// A service and what it offers.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) service: String,
    /// Its collections, or why they are not known.
    pub(crate) collections: Result<Arc<[Collection]>, Silence>,
}

/// Why a service's collections are not known, in words for its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Silence(pub(crate) String);

/// The offers of all services.
pub(crate) struct Catalog {
    directory: Arc<Directory>,
    forwarder: Arc<Forwarder>,
    kept: Mutex<HashMap<String, Kept>>,
    asked: Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Kept {
    offer: Offer,
    until: Instant,
}

impl Catalog {
    pub(crate) fn new(directory: Arc<Directory>, forwarder: Arc<Forwarder>) -> Self {
        Catalog { directory, forwarder, kept: Mutex::default(), asked: Mutex::default() }
    }

    /// What every service offers at the moment, in the order of their names.
    pub(crate) async fn offers(&self, token: &Secret<String>) -> Vec<Offer> {
        self.ask().await;
        let mut services = self.directory.apps().await;
        services.retain(|service| !WITHOUT_PAGES.contains(&service.as_str()));
        services.sort();
        services.truncate(SERVICES);
        let offers = join_all(services.iter().map(|service| self.offer(service, token))).await;
        self.forget_all_but(&services);
        offers
    }

    /// Lets the directory learn of services that came up since its last regular round. A registry that is slow or away
    /// holds no page up: what was known stays known.
    async fn ask(&self) {
        let is_due = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = asked.is_none_or(|asked| asked.elapsed() >= ASK);
            if is_due {
                *asked = Some(Instant::now());
            }
            is_due
        };
        if is_due && tokio::time::timeout(ASK_PATIENCE, self.directory.pick(NOBODY)).await.is_err()
        {
            debug!(
                "the registry did not answer within {ASK_PATIENCE:?}; pages show the services known so far"
            );
        }
    }

    async fn offer(&self, service: &str, token: &Secret<String>) -> Offer {
        if let Some(kept) = self.kept(service) {
            return kept;
        }
        let collections = self.read(service, token).await;
        let until = Instant::now() + if collections.is_ok() { FRESH } else { RETRY };
        let offer = Offer { service: service.to_owned(), collections };
        let kept = Kept { offer: offer.clone(), until };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned(), kept);
        offer
    }

    fn kept(&self, service: &str) -> Option<Offer> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(service).filter(|kept| Instant::now() < kept.until).map(|kept| kept.offer.clone())
    }

    fn forget_all_but(&self, services: &[String]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|service, _| services.contains(service));
    }

    async fn read(
        &self,
        service: &str,
        token: &Secret<String>,
    ) -> Result<Arc<[Collection]>, Silence> {
        let call =
            self.forwarder.call(service, Method::GET, "/v3/api-docs", Some(token.expose()), None);
        let silence = |reason: String| Err(Silence(reason));
        match tokio::time::timeout(PATIENCE, call).await {
            Err(_) => silence(format!("no answer within {} seconds", PATIENCE.as_secs())),
            Ok(Err(cause)) => {
                debug!(service.name = service, "read what {service} offers: {cause:#}");
                silence("it cannot be reached".to_owned())
            }
            Ok(Ok((StatusCode::NOT_FOUND, ..))) => Ok(Arc::default()),
            Ok(Ok((status, _, body))) if status.is_success() => match serde_json::from_slice(&body)
            {
                Ok(document) => Ok(openapi::collections(&document).into()),
                Err(_) => silence("its description is not JSON".to_owned()),
            },
            Ok(Ok((status, ..))) => silence(format!("it answers {status}")),
        }
    }
}
