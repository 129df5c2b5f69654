//! What a service says of its health: that it answers at all, which database it uses, and whether its broker is there.

use std::time::Duration;

use anyhow::bail;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::connection::{Connection, Peer};

/// How long a service that has said that it is ready may take to answer for its health.
const HEALTH: Duration = Duration::from_secs(30);

/// How long to wait before asking again.
const AGAIN: Duration = Duration::from_millis(1);

/// How the name of a MongoDB server begins.
pub(super) const MONGODB: &str = "MongoDB";

/// The database in use, by the components that Spring Boot has for databases.
pub(super) fn database(health: &Value) -> String {
    let components = &health["components"];
    if let Some(version) = components["mongo"]["details"]["version"].as_str() {
        return format!("{MONGODB} {version}");
    }
    if !components["mongo"].is_null() {
        return MONGODB.to_owned();
    }
    let database = components["db"]["details"]["database"].as_str();
    database.unwrap_or("unknown (/management/health shows none)").to_owned()
}

/// Whether the broker is said to be away. A service that says nothing of a broker has none.
pub(super) fn broker_is_away(health: &Value) -> bool {
    health["components"]["binders"]["status"].as_str().is_some_and(|status| status != "UP")
}

/// Asks until there is an answer, whatever it says: a service whose broker is away answers, too.
pub(super) async fn first_answer(peer: &Peer) -> anyhow::Result<()> {
    let request = peer.request("GET", "/management/health", &[], b"");
    let deadline = Instant::now() + HEALTH;
    loop {
        let asking = async {
            let mut connection = Connection::open(peer).await?;
            let answer = connection.exchange(&request).await?;
            Ok::<_, anyhow::Error>((answer.status, answer.excerpt()))
        };
        let cause = match timeout(HEALTH, asking).await {
            Ok(Ok((200, _))) => return Ok(()),
            Ok(Ok((status, said))) => {
                eprintln!("/management/health answers {status}: {said}");
                return Ok(());
            }
            Ok(Err(cause)) => cause,
            Err(elapsed) => elapsed.into(),
        };
        if Instant::now() >= deadline {
            bail!("no answer of /management/health in {} s: {cause:#}", HEALTH.as_secs());
        }
        sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(components: Value, expected: (&str, bool)) {
        let health = json!({"status": "UP", "components": components});
        let found = (database(&health), broker_is_away(&health));
        assert_eq!(found, (expected.0.to_owned(), expected.1), "{health}");
    }

    #[test]
    fn database_and_broker_are_found_among_the_components() {
        let mongo = json!({"status": "UP", "details": {"version": "6.0.5"}});
        let db = json!({"status": "UP", "details": {"database": "SQLite"}});
        check(json!({"mongo": mongo, "binders": {"status": "UP"}}), ("MongoDB 6.0.5", false));
        check(json!({"mongo": {"status": "DOWN"}}), ("MongoDB", false));
        check(json!({"db": db, "binders": {"status": "DOWN"}}), ("SQLite", true));
        check(json!({}), ("unknown (/management/health shows none)", false));
    }
}
