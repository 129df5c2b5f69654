//! A git repository of configuration, made with the program `git`.

use std::{fmt::Write, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use tokio::{process::Command, time::timeout};

/// How long git may take for one command.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of what git says is shown.
const EXCERPT: usize = 600;

/// How many keys the files have: those for all services, and those for store in production.
const FOR_ALL: usize = 20;
const FOR_STORE: usize = 50;

/// A value that only this repository has.
pub(super) const MARK: &str = "served from the repository of bench";

/// Whoever commits, whatever the machine's own settings say.
const SETTINGS: [&str; 6] =
    ["-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"];

/// Makes a repository with one commit on the branch `main` in a folder; one that is there is left as it is.
///
/// # Errors
/// Quotes git when a command fails, or says that the program is missing.
pub(super) async fn make(folder: &Path) -> anyhow::Result<()> {
    if folder.join(".git").exists() {
        return Ok(());
    }
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    };
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    write("application.yml", for_all())?;
    write("store-prod.yml", for_store())?;
    git(folder, &["init", "--quiet", "--initial-branch=main"]).await?;
    git(folder, &["add", "."]).await?;
    git(folder, &["commit", "--quiet", "--message", "Configure store"]).await
}

fn for_all() -> String {
    let mut text = format!("bench:\n  mark: {MARK}\nmanagement:\n  probes:\n");
    // Writing to a string cannot fail.
    for number in 0..FOR_ALL {
        let _ = writeln!(text, "    probe-{number:02}: http://127.0.0.1:8761/probe/{number}");
    }
    text
}

fn for_store() -> String {
    let mut text = "application:\n  limits:\n".to_owned();
    // Writing to a string cannot fail.
    for number in 0..FOR_STORE {
        let _ = writeln!(text, "    limit-{number:02}: {}", 1_000 + number);
    }
    text
}

async fn git(folder: &Path, words: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args(SETTINGS)
        .args(words)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let what = words.first().copied().unwrap_or_default();
    let output = timeout(PATIENCE, command.output())
        .await
        .with_context(|| format!("git {what} did not end in {} s", PATIENCE.as_secs()))?
        .context("run the program git; is it installed?")?;
    if !output.status.success() {
        let said = &output.stderr[output.stderr.len().saturating_sub(EXCERPT)..];
        bail!("git {what}: {}: {}", output.status, String::from_utf8_lossy(said).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_repository_has_one_commit_with_both_files() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path()).await.unwrap();
        // Git fails unless both are in the commit.
        for file in ["main:application.yml", "main:store-prod.yml"] {
            git(folder.path(), &["cat-file", "-e", file]).await.unwrap();
        }
        assert_eq!(for_store().lines().count(), FOR_STORE + 2);
        assert_eq!(for_all().matches("probe-").count(), FOR_ALL);
        assert!(for_all().contains(MARK));
    }

    #[tokio::test]
    async fn a_repository_that_is_there_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        make(folder.path()).await.unwrap();
        assert!(!folder.path().join("application.yml").exists());
    }

    #[tokio::test]
    async fn git_is_quoted_when_it_fails() {
        let folder = tempfile::tempdir().unwrap();
        let cause = git(folder.path(), &["cat-file", "-e", "main:x"]).await.unwrap_err();
        assert!(cause.to_string().contains("not a git repository"), "{cause}");
    }
}
