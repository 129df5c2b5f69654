//! Real servers, started by the project's script, which can also disturb them.

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use tokio::{process::Command, time::timeout};

/// How long the script may take: a server that was killed reads its logs first.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much of what the script says is shown.
const EXCERPT: usize = 500;

/// The script.
pub(crate) struct Servers {
    pub(crate) script: PathBuf,
    /// Which of the two MongoDB servers is in use.
    pub(crate) replica_set: bool,
}

impl Servers {
    /// Runs `script ACTION NAME`.
    pub(crate) async fn tell(&self, action: &str, name: &str) -> anyhow::Result<()> {
        let name = match name {
            "mongodb" if self.replica_set => "mongodb-replica-set",
            name => name,
        };
        let what = format!("{} {action} {name}", self.script.display());
        let running = Command::new(&self.script)
            .args([action, name])
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(script: &str, expected: Option<&str>) {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let outcome = Servers { script: path, replica_set: true }.tell("pause", "mongodb").await;
        let cause = outcome.err().map(|cause| format!("{cause:#}"));
        match (cause, expected) {
            (None, None) => {}
            (Some(cause), Some(expected)) => assert!(cause.contains(expected), "{cause}"),
            (cause, expected) => panic!("{script}: {cause:?}, not {expected:?}"),
        }
    }

    #[tokio::test]
    async fn the_script_gets_action_and_name_and_is_quoted_when_it_fails() {
        check("[ \"$1 $2\" = 'pause mongodb-replica-set' ]", None).await;
        check("echo no such server >&2; exit 64", Some("no such server")).await;
    }
}
