//! Figures of what waits: messages for their destination, and dead letters for a person.

use chassis::management::Management;
use database::DatabaseRef;

/// How many there are in each channel.
type Figures = anyhow::Result<Vec<(String, u64)>>;

/// Tells them to whoever reads the figures.
pub(crate) fn shown(management: Management, database: DatabaseRef) -> Management {
    const WAITING: &str = "Messages that were committed and not yet delivered";
    const DEAD: &str = "Messages that could not be processed and wait for a person's decision";
    let outbox = database.clone();
    management
        .gauge(("milena_outbox_waiting", WAITING, "channel"), move || waiting(outbox.clone()))
        .gauge(("milena_dead_letters", DEAD, "channel"), move || dead_letters(database.clone()))
}

async fn waiting(database: DatabaseRef) -> Figures {
    Ok(with_broker(database.waiting().await?))
}

pub(crate) async fn dead_letters(database: DatabaseRef) -> Figures {
    Ok(with_broker(messaging::dead_letters::channels(&database).await?))
}

/// The channel to the broker is always told of, so that a figure is there, too, when nothing waits.
fn with_broker(mut channels: Vec<(String, u64)>) -> Vec<(String, u64)> {
    if channels.iter().all(|(channel, _)| channel != messaging::BROKER) {
        channels.push((messaging::BROKER.to_owned(), 0));
    }
    channels
}
