//! What the parts of a process say of themselves, under the names that Spring gives them (contract §8).

use std::{sync::Arc, time::Duration};

use anyhow::bail;
use chassis::management::{ChangeSet, Component, Management, PoolFigures, Scope};
use database::{DatabaseRef, Executed, PoolUse, Postgres};
use discovery::Directory;
use identity::{Provider, ProviderState};
use mail::{Mailer, SmtpSettings};
use messaging::kafka::{Kafka, KafkaListener};
use serde_json::{Value, json};

use crate::wanted::Wanted;

/// How long Kafka may take to answer a health report; the twin waits for a minute.
const KAFKA_ANSWERS: Duration = Duration::from_secs(2);

/// The database, without which nothing works, under the name that it has at this service.
pub(crate) fn database(management: Management, database: DatabaseRef, name: &str) -> Management {
    management.component(name, Scope::Needed, move || {
        let database = database.clone();
        async move {
            let details = database.check().await?;
            let component = |all: Component, (name, value)| all.with_detail(name, value);
            Ok(details.into_iter().fold(Component::up(), component))
        }
    })
}

/// What is up as soon as anybody can ask, under the name that JHipster has for it.
pub(crate) fn started(management: Management) -> Management {
    management
        .component("eurekaWorkaroundConfiguration", Scope::Needed, || async { Ok(Component::up()) })
}

/// The Config server that was asked at the start.
pub(crate) fn config_server(management: Management, sources: Vec<String>) -> Management {
    management.component("clientConfigServer", Scope::Optional, move || {
        let component = Component::up().with_detail("propertySources", sources.clone());
        async move { Ok(component) }
    })
}

/// The broker: while it is away, announcements wait and the resources go on.
pub(crate) fn broker(management: Management, wanted: &Wanted, kafka: Option<Kafka>) -> Management {
    let topics = vec![wanted.store.topic.clone(), wanted.feed_topic.clone()];
    management.component("binders", Scope::Optional, move || {
        let (kafka, topics) = (kafka.clone(), topics.clone());
        async move {
            let (name, component) = match kafka {
                Some(kafka) => ("kafka", binder(&kafka).await),
                None => ("embedded", Component::up().with_detail("topicsInUse", topics)),
            };
            Ok(Component::new(component.status()).with_component(name, component))
        }
    })
}

/// Kafka as Spring's binder reports it.
async fn binder(kafka: &Kafka) -> Component {
    let checked = kafka.check(KAFKA_ANSWERS).await;
    let state = kafka.state();
    let listener = |listener: KafkaListener| {
        json!({
            "isRunning": listener.running,
            "isStoppedAbnormally": false,
            "isPaused": listener.paused,
            "listenerId": listener.topic,
            "groupId": listener.group,
        })
    };
    let listeners: Vec<Value> = state.listeners.into_iter().map(listener).collect();
    let component = match checked {
        Ok(()) => Component::up(),
        Err(cause) => Component::down(format!("{cause:#}")),
    };
    component.with_detail("topicsInUse", state.topics).with_detail("listenerContainers", listeners)
}

/// The identity provider: while it is away, the keys known so far go on working.
pub(crate) fn provider(management: Management, provider: Arc<Provider>) -> Management {
    management.component("identityProvider", Scope::Optional, move || {
        let (state, issuer) = (provider.state(), provider.issuer().to_owned());
        async move {
            match state {
                ProviderState::Reached => Ok(Component::up().with_detail("issuer", issuer)),
                ProviderState::NotYet(_) => bail!("{issuer} has not answered yet"),
                ProviderState::Away { .. } => bail!("{issuer} does not answer any more"),
            }
        }
    })
}

/// The mail server: while it is away, mails wait.
pub(crate) fn mail(
    management: Management,
    mailer: Arc<Mailer>,
    server: &SmtpSettings,
) -> Management {
    let location = format!("{}:{}", server.host, server.port);
    management.component("mail", Scope::Optional, move || {
        let (mailer, location) = (mailer.clone(), location.clone());
        async move {
            mailer.check().await?;
            Ok(Component::up().with_detail("location", location))
        }
    })
}

/// Who else is in the registry.
pub(crate) fn directory(management: Management, directory: Arc<Directory>) -> Management {
    management.component("discoveryComposite", Scope::Optional, move || {
        let instances = directory.instances();
        async move { Ok(discovery::health::composite(&instances)) }
    })
}

/// The changes that were made to a schema, by us and by a Java twin.
pub(crate) fn schema(management: Management, database: Arc<Postgres>) -> Management {
    management.change_log(move || {
        let database = database.clone();
        async move { Ok(database.change_sets().await?.into_iter().map(shown).collect()) }
    })
}

/// The connections to PostgreSQL, under the name of the twin's pool.
pub(crate) fn pool(management: Management, database: Arc<Postgres>) -> Management {
    management.pool("Hikari", move || {
        let PoolUse { open, idle, most, waiting } = database.pool_use();
        PoolFigures { active: open - idle, idle, pending: waiting, min: 0, max: most }
    })
}

fn shown(executed: Executed) -> ChangeSet {
    ChangeSet {
        author: executed.author,
        change_log: executed.change_log,
        comments: executed.comments,
        contexts: executed.contexts,
        executed: executed.date_executed,
        deployment: executed.deployment_id.unwrap_or_default(),
        description: executed.description,
        outcome: executed.exec_type,
        id: executed.id,
        labels: executed.labels,
        checksum: executed.checksum,
        order: executed.order_executed.into(),
        tag: executed.tag,
    }
}
