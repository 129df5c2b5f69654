//! What every JHipster microservice answers, put together from the other crates: an entity's resource, accounts, a feed,
//! management, API documents, and a guard around all of it. Keeps out what makes one service differ from another.

mod dead_letters;
mod documents;
mod figures;

use std::sync::Arc;

use axum::{Router, response::Html, routing::get};
use chassis::{
    Outside, Service,
    http::Answers,
    management::{About, Management},
};
use database::{DatabaseRef, Table};
use discovery::{Address, Registration, keep_registered};
use entity::{Announce, Entity, Resource, ResourceOptions};
use feed::Feed;
use identity::{MICROSERVICE, Provider, Verifier, accounts::Accounts};
use messaging::BrokerRef;

/// What a browser sees that has come to a service instead of the gateway.
const HOME: &str = include_str!("home.html");

/// What a microservice is, whoever runs it.
#[derive(Debug, Clone)]
pub struct Description {
    /// Its name, for example `shop`; the names of its headers and of its feed's resources are made from it.
    pub name: &'static str,
    /// The package of its Java twin, for example `com.example.shop`.
    pub package: &'static str,
    /// The version that it names.
    pub version: &'static str,
    /// The entity that it serves.
    pub entity: Entity,
    /// The tables of its people and authorities.
    pub accounts: Accounts,
}

/// The ports and values that a microservice is a function of.
pub struct Parts {
    /// Keeps everything, with the tables of [`Description::tables`].
    pub database: DatabaseRef,
    /// Carries the feed.
    pub broker: BrokerRef,
    /// Whose tokens are taken.
    pub provider: Arc<Provider>,
    /// Checks them.
    pub verifier: Arc<Verifier>,
    /// The registry, and what it is told of the service; none when it does not register.
    pub registration: Option<(Address, Registration)>,
    /// What the process shows of itself.
    pub management: Management,
    /// The topic of the feed.
    pub feed_topic: String,
    /// What may be chosen of the resource.
    pub options: ResourceOptions,
    /// Whether the service describes its interface at `/v3/api-docs`.
    pub api_docs: bool,
    /// The time and randomness.
    pub outside: Outside,
}

impl Description {
    /// The tables that the database needs.
    pub fn tables(&self) -> Vec<Table> {
        let mut tables = self.accounts.tables();
        tables.extend([
            self.entity.table(),
            entity::idempotency::TABLE,
            messaging::dead_letters::TABLE,
        ]);
        tables
    }

    /// What the service says of itself, when it behaves like these profiles of Spring.
    pub fn about(&self, profiles: &[String]) -> About {
        About {
            name: self.name.to_owned(),
            title: documents::title(self.name),
            artifact: self.name.to_owned(),
            group: self.package.to_owned(),
            version: self.version.to_owned(),
            profiles: profiles.to_vec(),
            ribbon: Some("dev".to_owned()),
        }
    }

    fn feed_prefix(&self) -> String {
        format!("/api/{}-kafka", self.name)
    }
}

/// Builds the service; `announce` decides which messages a change sends. Starts nothing.
pub fn service(description: Description, parts: Parts, announce: Announce) -> Service {
    let Parts { database, broker, provider, verifier, registration, outside, .. } = parts;
    let Description { name, entity, accounts, .. } = description.clone();
    let resource = Resource::new(name, entity, database.clone(), outside.clone(), announce);
    let feed = Feed::new(broker, &parts.feed_topic, outside.clone());
    let mut management = figures::shown(parts.management, database.clone());
    let mut documented = Router::new();
    if parts.api_docs {
        for (group, what) in documents::GROUPS {
            management = management.open_api_group(group, &format!("{name} ({what})"));
        }
        let left_out: &[&str] = if management.has_change_log() { &[] } else { &["liquibase"] };
        documented = entity::api_docs(documents::all(&description, left_out));
    }
    let endpoints = management.build();
    let measured = endpoints.clone();
    let (clock, keys, listening) = (outside.clone(), database.clone(), feed.clone());
    let service = Service::new(name)
        .answering_as(Answers::Spring(outside.clone()))
        .routes(resource.with(parts.options).routes())
        .routes(accounts.routes(database.clone()))
        .routes(feed.routes(&description.feed_prefix()))
        .routes(endpoints.open_routes())
        .routes(endpoints.admin_routes())
        .routes(dead_letters::routes(database))
        .routes(documented)
        .routes(Router::new().route("/", get(|| async { Html(HOME) })))
        .around(move |routes| identity::guarded(routes, verifier, MICROSERVICE))
        .around(move |routes| measured.measured(routes))
        .background("identity provider", move |stop| async move { provider.keep_ready(stop).await })
        .in_rotation("readiness", move |stop| async move {
            stop.cancelled().await;
            endpoints.leave();
            Ok(())
        })
        .background("feed", move |stop| async move { listening.run(stop).await })
        .background("idempotency keys", move |stop| entity::idempotency::clean(keys, clock, stop));
    let Some((registry, registration)) = registration else { return service };
    service.in_rotation("registration", move |stop| {
        keep_registered(registry, registration, outside, stop)
    })
}
