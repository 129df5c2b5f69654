//! The real servers that the project's script has started: where they are, and the script, which can disturb them.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{process::Command, time::timeout};

/// How much of what the script says is shown.
const EXCERPT: usize = 500;

/// The servers.
pub(crate) struct Servers {
    mongodb: String,
    replica_set: String,
    pub(crate) postgresql: SocketAddr,
    pub(crate) kafka: SocketAddr,
    pub(crate) script: Script,
}

/// The script that started them.
#[derive(Clone)]
pub(crate) struct Script(pub(crate) PathBuf);

impl Servers {
    /// Reads where they are from the environment.
    ///
    /// # Errors
    /// Names the variable that is missing, and what sets it.
    pub(crate) fn find() -> anyhow::Result<Servers> {
        Ok(Servers {
            mongodb: variable("REAL_MONGODB")?,
            replica_set: variable("REAL_MONGODB_REPLICA_SET")?,
            postgresql: address("REAL_POSTGRESQL", &variable("REAL_POSTGRESQL")?)?,
            kafka: address("REAL_KAFKA", &variable("REAL_KAFKA")?)?,
            script: Script(variable("REAL_SERVERS")?.into()),
        })
    }

    /// The URL of a MongoDB, as its clients take it.
    pub(crate) fn mongodb(&self, replica_set: bool) -> &str {
        if replica_set { &self.replica_set } else { &self.mongodb }
    }

    /// The address in that URL.
    pub(crate) fn mongodb_address(&self, replica_set: bool) -> anyhow::Result<SocketAddr> {
        address("MongoDB's URL", self.mongodb(replica_set))
    }
}

/// Where they keep their data.
pub(crate) fn data() -> anyhow::Result<PathBuf> {
    Ok(variable("REAL_SERVERS_STATE")?.into())
}

impl Script {
    /// Runs `script ACTION NAME`, for no longer than `patience`.
    ///
    /// # Errors
    /// Quotes what the script says when it fails.
    pub(crate) async fn tell(
        &self,
        action: &str,
        name: &str,
        patience: Duration,
    ) -> anyhow::Result<()> {
        let Script(script) = self;
        let what = format!("{} {action} {name}", script.display());
        let done = timeout(patience, run(script, [action, name])).await;
        done.with_context(|| format!("not done in {} s", patience.as_secs()))
            .flatten()
            .with_context(|| what)
    }
}

async fn run(script: &Path, words: [&str; 2]) -> anyhow::Result<()> {
    let ended = Command::new(script)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output()
        .await?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        let said: String = said.chars().take(EXCERPT).collect();
        bail!("{}: {said}", ended.status);
    }
    Ok(())
}

fn variable(name: &str) -> anyhow::Result<String> {
    let value = std::env::var_os(name).and_then(|value| value.into_string().ok());
    value.with_context(|| {
        format!(
            "{name} is not set: run this under `tests/real/servers run`, which starts the servers"
        )
    })
}

fn address(what: &str, url: &str) -> anyhow::Result<SocketAddr> {
    authority(url).parse().with_context(|| format!("{what} has no address with a port: {url}"))
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

    async fn check(script: &str, expected: Option<&str>) {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let told = Script(path).tell("pause", "mongodb", Duration::from_secs(60)).await;
        let cause = told.err().map(|cause| format!("{cause:#}"));
        match (cause, expected) {
            (None, None) => {}
            (Some(cause), Some(expected)) => assert!(cause.contains(expected), "{cause}"),
            (cause, expected) => panic!("{script}: {cause:?}, not {expected:?}"),
        }
    }

    #[tokio::test]
    async fn the_script_gets_action_and_name_and_is_quoted_when_it_fails() {
        check("[ \"$1 $2\" = 'pause mongodb' ]", None).await;
        check("echo no such server >&2; exit 64", Some("no such server")).await;
    }

    #[test]
    fn host_and_port_are_found_in_a_url() {
        for url in [
            "127.0.0.1:5432",
            "mongodb://127.0.0.1:5432",
            "mongodb://127.0.0.1:5432/?replicaSet=rs0",
            "postgres://postgres@127.0.0.1:5432/postgres",
        ] {
            assert_eq!(authority(url), "127.0.0.1:5432", "{url}");
        }
    }

    #[test]
    fn a_missing_variable_says_what_sets_it() {
        let cause = variable("REAL_NOTHING_AT_ALL").unwrap_err().to_string();
        assert!(cause.contains("tests/real/servers run"), "{cause}");
    }
}
