//! The real servers that the project's script has started: where they are, and how one is killed and started again.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use tokio::{process::Command, time::timeout};

use super::arguments::Kind;

/// How long the script may take: a server that was killed reads its logs first.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much of what the script says is shown.
const EXCERPT: usize = 500;

/// The servers.
pub(super) struct Servers {
    mongodb: String,
    replica_set: String,
    pub(super) postgresql: SocketAddr,
    pub(super) kafka: SocketAddr,
    /// Where they keep their data.
    pub(super) data: PathBuf,
    script: PathBuf,
}

impl Servers {
    /// Reads where they are from the environment.
    ///
    /// # Errors
    /// Names the variable that is missing, and what sets it.
    pub(super) fn find() -> anyhow::Result<Servers> {
        Ok(Servers {
            mongodb: variable("REAL_MONGODB")?,
            replica_set: variable("REAL_MONGODB_REPLICA_SET")?,
            postgresql: address("REAL_POSTGRESQL")?,
            kafka: address("REAL_KAFKA")?,
            data: variable("REAL_SERVERS_STATE")?.into(),
            script: variable("REAL_SERVERS")?.into(),
        })
    }

    /// The address of a MongoDB, as its clients take it.
    pub(super) fn mongodb(&self, kind: Kind) -> &str {
        match kind {
            Kind::Alone => &self.mongodb,
            Kind::ReplicaSet => &self.replica_set,
        }
    }

    /// Kills Kafka; whoever connects is refused from now on.
    pub(super) async fn stop_kafka(&self) -> anyhow::Result<()> {
        self.tell(["kill", "kafka"]).await
    }

    /// Starts Kafka again, and waits until it answers.
    pub(super) async fn start_kafka(&self) -> anyhow::Result<()> {
        self.tell(["launch", "kafka"]).await
    }

    async fn tell(&self, words: [&str; 2]) -> anyhow::Result<()> {
        let what = format!("{} {}", self.script.display(), words.join(" "));
        let running = Command::new(&self.script)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .output();
        let ended = timeout(PATIENCE, running).await;
        let ended = ended
            .with_context(|| format!("{what}: not done in {} s", PATIENCE.as_secs()))?
            .with_context(|| what.clone())?;
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr);
            let said: String = said.chars().take(EXCERPT).collect();
            bail!("{what}: {}: {said}", ended.status);
        }
        Ok(())
    }
}

fn variable(name: &str) -> anyhow::Result<String> {
    let value = std::env::var_os(name).and_then(|value| value.into_string().ok());
    value.with_context(|| {
        format!(
            "{name} is not set: run this under `tests/real/servers run`, which starts the servers"
        )
    })
}

fn address(name: &str) -> anyhow::Result<SocketAddr> {
    let url = variable(name)?;
    authority(&url).parse().with_context(|| format!("{name} has no address with a port: {url}"))
}

/// Host and port of a URL, or of an address that is none.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or(rest);
    rest.rsplit_once('@').map_or(rest, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: &str) {
        assert_eq!(authority(url), expected);
    }

    #[test]
    fn an_address_is_found_in_a_url() {
        check("postgres://postgres@127.0.0.1:5432/postgres", "127.0.0.1:5432");
        check("mongodb://127.0.0.1:27017/?replicaSet=rs0", "127.0.0.1:27017");
        check("127.0.0.1:9092", "127.0.0.1:9092");
    }

    #[test]
    fn a_missing_variable_says_what_sets_it() {
        let cause = address("REAL_NOTHING_AT_ALL").unwrap_err().to_string();
        assert!(cause.contains("tests/real/servers run"), "{cause}");
    }
}
