//! The configuration of a service, read again and again.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use serde_json::Value;
use tokio::time::sleep;

use super::{repository::MARK, server::Server};
use crate::connection::Line;

/// What the service store asks for in production.
const PATH: &str = "/config/store/prod";

/// The key of the mark.
const KEY: &str = "bench.mark";

/// How many reads warm a server up.
const WARM_UP: usize = 200;

/// How long a server may take until it serves the repository, and how long to wait before it is asked again.
const PATIENCE: Duration = Duration::from_secs(15);
const AGAIN: Duration = Duration::from_millis(100);

/// Waits until a server serves what is in the repository.
///
/// # Errors
/// Says what it serves instead.
pub(super) async fn serves_the_repository(server: &Server) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = server.json(PATH).await;
        if found.as_ref().is_ok_and(has_mark) {
            return Ok(());
        }
        if Instant::now() > deadline {
            let said = match found {
                Ok(found) => format!("its sources are {}", names(&found)),
                Err(cause) => format!("{cause:#}"),
            };
            bail!("the server does not serve the git repository at {PATH}: {said}");
        }
        sleep(AGAIN).await;
    }
}

/// Reads so many times, one after the other; returns how long each took.
///
/// # Errors
/// Quotes an answer that is no 200.
pub(super) async fn read(server: &Server, times: usize) -> anyhow::Result<Vec<Duration>> {
    let request = server.read(PATH);
    let mut line = Line::open(&server.peer).await?;
    let mut taken = Vec::with_capacity(WARM_UP + times);
    for _ in 0..WARM_UP + times {
        let began = Instant::now();
        let answer = line.ask(&request).await?;
        taken.push(began.elapsed());
        ensure!(answer.status == 200, "GET {PATH}: {}", answer.excerpt());
    }
    Ok(taken.split_off(WARM_UP))
}

fn sources(environment: &Value) -> impl Iterator<Item = &Value> {
    environment["propertySources"].as_array().into_iter().flatten()
}

fn has_mark(environment: &Value) -> bool {
    sources(environment).any(|source| source["source"][KEY] == MARK)
}

fn names(environment: &Value) -> String {
    let names: Vec<_> = sources(environment).map(|source| source["name"].to_string()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn environment(value: &str) -> Value {
        json!({"name": "store", "propertySources": [
            {"name": "file:///r/store-prod.yml", "source": {"application.limits.limit-00": 1000}},
            {"name": "file:///r/application.yml", "source": {"bench.mark": value}},
        ]})
    }

    #[test]
    fn the_repository_is_known_by_its_mark() {
        assert!(has_mark(&environment(MARK)));
        assert!(!has_mark(&environment("something else")));
        assert!(!has_mark(&json!({"propertySources": []})));
    }

    #[test]
    fn other_sources_are_named() {
        let expected = r#""file:///r/store-prod.yml", "file:///r/application.yml""#;
        assert_eq!(names(&environment("")), expected);
        assert_eq!(names(&json!({})), "none");
    }
}
