//! Looks at what there is, until everything has arrived and nothing moves any more.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    checker::is_complete,
    client::Client,
    found::{Document, Found, Row},
    history::History,
    system::System,
};

/// How many messages wait in an outbox, with the label `channel`, among the figures of a service.
const WAITING: &str = "milena_outbox_waiting";

/// How many messages wait for a person.
const DEAD_LETTERS: &str = "milena_dead_letters";

/// How long to wait before looking again.
const AGAIN: Duration = Duration::from_millis(40);

/// How long to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// At most.
    pub(crate) patience: Duration,
    /// At least so long without any change.
    pub(crate) still: Duration,
}

/// Waits for everything that was acknowledged, and returns what there is then.
pub(crate) async fn at_the_end(
    system: &System,
    client: &Client,
    history: &History,
    limits: Limits,
) -> anyhow::Result<Found> {
    let Limits { patience, still } = limits;
    let deadline = Instant::now() + patience;
    let mut last: Option<Found> = None;
    let mut changed = Instant::now();
    loop {
        let looked = look(system, client).await;
        let now = Instant::now();
        if let Ok(found) = &looked
            && last.as_ref() != Some(found)
        {
            changed = now;
            last = Some(found.clone());
        }
        let over = now >= deadline;
        match (looked, last.take()) {
            (Ok(found), _) if over => return Ok(found),
            (Ok(found), _) if now - changed >= still && is_complete(history, &found) => {
                return Ok(found);
            }
            (Err(cause), _) if over => {
                return Err(cause.context(format!(
                    "the system did not answer {} s after the last fault",
                    patience.as_secs()
                )));
            }
            (_, seen) => last = seen,
        }
        sleep(AGAIN).await;
    }
}

async fn look(system: &System, client: &Client) -> anyhow::Result<Found> {
    let store = system.stores.first().context("a system has a store service")?;
    let alert = &system.alert;
    let rows = list(client, &format!("{alert}/api/store-alerts"), row).await?;
    let stores = list(client, &format!("{store}/api/stores"), document).await?;
    let mut found = Found { rows, stores, ..Found::default() };
    for service in [store, alert] {
        let figures = client.read(&format!("{service}/management/prometheus")).await?;
        add(&mut found, &String::from_utf8_lossy(&figures));
    }
    // Last, so that no row is seen before it could have had its mail.
    found.mails = system.post.received();
    found.sort_rows();
    Ok(found)
}

async fn list<T>(
    client: &Client,
    url: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> anyhow::Result<Vec<T>> {
    let answer: Value = serde_json::from_slice(&client.read(url).await?)
        .with_context(|| format!("{url}: the answer is not JSON"))?;
    let members = answer.as_array().with_context(|| format!("{url}: not a list"))?;
    let read = |member| read(member).with_context(|| format!("{url}: unexpected {member}"));
    members.iter().map(read).collect()
}

fn row(member: &Value) -> Option<Row> {
    Some(Row {
        id: member["id"].as_i64()?,
        name: text(member, "storeName")?,
        status: text(member, "storeStatus")?,
        // Without its end a shorter fraction of a second sorts before a longer one, as it should.
        at: text(member, "timestamp")?.trim_end_matches('Z').to_owned(),
    })
}

fn document(member: &Value) -> Option<Document> {
    Some(Document {
        name: text(member, "name")?,
        status: text(member, "status")?,
        address: text(member, "address")?,
    })
}

fn text(member: &Value, name: &str) -> Option<String> {
    Some(member[name].as_str()?.to_owned())
}

/// Adds what the figures of a service tell of its outbox and its dead letters, if they do.
fn add(found: &mut Found, figures: &str) {
    for line in figures.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.rsplitn(2, ' ');
        let value = words.next().and_then(|value| value.parse::<f64>().ok());
        let (Some(value), Some(series)) = (value, words.next()) else { continue };
        let value = value as u64;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        match name {
            WAITING => {
                let mut labels = labels.trim_end_matches('}').split(',');
                let channel = labels.find_map(|label| label.trim().strip_prefix("channel="));
                let channel = channel.unwrap_or("unnamed").trim_matches('"').to_owned();
                *found.waiting.get_or_insert_default().entry(channel).or_default() += value;
            }
            DEAD_LETTERS => *found.dead_letters.get_or_insert_default() += value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_read_from_the_figures_of_both_services() {
        let mut found = Found::default();
        add(&mut found, "# HELP milena_dead_letters 3\nup{application=\"s\",} 1.0\n");
        assert_eq!(found, Found::default());
        add(&mut found, "milena_outbox_waiting{application=\"s\",channel=\"broker\",} 3.0\n");
        add(&mut found, "milena_outbox_waiting{channel=\"mail\"} 2\nmilena_dead_letters 4\n");
        add(&mut found, "milena_outbox_waiting{channel=\"broker\"} 1\nmilena_dead_letters{} 1\n");
        let expected = [("broker", 4), ("mail", 2)].map(|(name, count)| (name.to_owned(), count));
        assert_eq!((found.waiting, found.dead_letters), (Some(expected.into()), Some(5)));
    }

    #[test]
    fn rows_and_stores_are_read_and_unexpected_ones_are_not() {
        let member = serde_json::json!({
            "id": 7, "storeName": "n", "storeStatus": "OPEN", "timestamp": "t",
            "name": "n", "status": "OPEN", "address": "a"
        });
        assert_eq!(row(&member).unwrap().id, 7);
        assert_eq!(document(&member).unwrap().address, "a");
        assert_eq!(row(&Value::Null), None);
    }
}
