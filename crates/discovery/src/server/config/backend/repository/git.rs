//! The git program: what it is asked, and how it is kept from asking, waiting, running anything, or showing a password.

use std::{collections::HashMap, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, anyhow, bail};
use chassis::Secret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

use super::Snapshot;
use crate::server::config::settings::RepositorySettings;

/// How long a fetch may take.
const FETCH: Duration = Duration::from_secs(120);
/// How long a look into the clone may take.
const LOOK: Duration = Duration::from_secs(20);
/// How much the program may say, in bytes: all files of a commit.
const OUTPUT: u64 = 96 * 1024 * 1024;
/// How much of its complaints is kept, in bytes.
const COMPLAINT: u64 = 4096;
/// How many branches and tags are known.
const LABELS: usize = 10_000;
/// Settings of git that hold for each call: no way to run a program, no prompt, no waiting for a dead peer.
const ALWAYS: [&str; 7] = [
    "protocol.ext.allow=never",
    "core.hooksPath=/dev/null",
    "core.askPass=",
    "core.sshCommand=ssh -oBatchMode=yes -oConnectTimeout=10",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=20",
    "gc.autoDetach=false",
];
/// Tells git the user and the password, which it finds in its environment, where no list of processes shows them.
const HELPER: &str = r#"!answer() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$MILENA_GIT_USER" "$MILENA_GIT_PASSWORD"; }; answer"#;

/// A bare clone, and the repository it is of.
#[derive(Debug)]
pub(super) struct Git {
    folder: PathBuf,
    address: String,
    user: String,
    password: Option<Secret<String>>,
}

impl Git {
    pub(super) fn new(folder: PathBuf, settings: &RepositorySettings) -> Self {
        Git {
            folder,
            address: settings.address.clone(),
            user: settings.user.clone().unwrap_or_default(),
            password: settings.password.clone(),
        }
    }

    /// Makes the clone if it is not there, and brings all branches and tags up to date.
    pub(super) async fn fetch(&self) -> anyhow::Result<()> {
        if !self.folder.join("HEAD").is_file() {
            tokio::fs::create_dir_all(&self.folder)
                .await
                .with_context(|| format!("make the folder {}", self.folder.display()))?;
            self.run(&["init", "--quiet", "--bare"], &[], LOOK).await?;
        }
        let arguments = [
            "fetch",
            "--quiet",
            "--force",
            "--prune",
            "--no-write-fetch-head",
            "--",
            &self.address,
            "+refs/heads/*:refs/heads/*",
            "+refs/tags/*:refs/tags/*",
        ];
        self.run(&arguments, &[], FETCH).await.map(|_| ())
    }

    /// The commit of each branch and tag, by full names.
    pub(super) async fn labels(&self) -> anyhow::Result<HashMap<String, String>> {
        if !self.folder.join("HEAD").is_file() {
            return Ok(HashMap::new());
        }
        let format = "--format=%(refname) %(objectname) %(*objectname)";
        let text =
            self.run(&["for-each-ref", format, "refs/heads", "refs/tags"], &[], LOOK).await?;
        let text = String::from_utf8_lossy(&text);
        let labels = text.lines().take(LABELS).filter_map(|line| {
            let mut parts = line.split(' ');
            let (name, object) = (parts.next()?, parts.next()?);
            // A tag with a text of its own names the commit it stands for.
            let commit = parts.next().filter(|commit| !commit.is_empty()).unwrap_or(object);
            Some((name.to_owned(), commit.to_owned()))
        });
        Ok(labels.collect())
    }

    /// The full name of a commit that is in the clone.
    pub(super) async fn commit(&self, hexadecimal: &str) -> anyhow::Result<Option<String>> {
        let object = format!("{hexadecimal}^{{commit}}");
        let found = self
            .run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &object], &[], LOOK)
            .await;
        let Ok(found) = found else { return Ok(None) };
        let text = String::from_utf8_lossy(&found);
        let name = text.lines().last().unwrap_or_default().trim();
        Ok((!name.is_empty()).then(|| name.to_owned()))
    }

    /// Every file of a commit.
    pub(super) async fn snapshot(&self, commit: &str) -> anyhow::Result<Snapshot> {
        let time = self.run(&["log", "-1", "--format=%ct", commit, "--"], &[], LOOK).await?;
        let time = String::from_utf8_lossy(&time).trim().parse().context("read a commit's time")?;
        let tree = ["ls-tree", "-r", "-z", "--long", "--full-tree", commit];
        let listed = super::snapshot::listed(&self.run(&tree, &[], LOOK).await?)?;
        let asked: String = listed.iter().map(|(_, object)| format!("{object}\n")).collect();
        let contents = self.run(&["cat-file", "--batch"], asked.as_bytes(), LOOK).await?;
        Snapshot::new(commit, time, listed, &contents)
    }

    async fn run(
        &self,
        arguments: &[&str],
        input: &[u8],
        patience: Duration,
    ) -> anyhow::Result<Vec<u8>> {
        let verb = arguments.first().copied().unwrap_or_default();
        let mut command = self.command();
        command.args(arguments);
        let mut child = command.spawn().with_context(|| {
            format!(
                "run git {verb}: install git, or make the folder {} accessible",
                self.folder.display()
            )
        })?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let work = async {
            let (mut said, mut complaint) = (Vec::new(), Vec::new());
            let write = async {
                if let Some(mut stdin) = stdin {
                    // A program that has read enough closes its end; how it went is told by its exit.
                    let _ = stdin.write_all(input).await;
                }
                Ok(0)
            };
            let read = async {
                match stdout {
                    Some(stdout) => stdout.take(OUTPUT + 1).read_to_end(&mut said).await,
                    None => Ok(0),
                }
            };
            let listen = async {
                match stderr {
                    Some(stderr) => stderr.take(COMPLAINT).read_to_end(&mut complaint).await,
                    None => Ok(0),
                }
            };
            tokio::try_join!(write, read, listen)?;
            if said.len() as u64 > OUTPUT {
                bail!(
                    "the repository is larger than {OUTPUT} bytes; keep configuration in one of its own"
                );
            }
            Ok((child.wait().await?, said, complaint))
        };
        // Dropped at its end, the program is killed.
        let done = timeout(patience, work).await;
        let (status, said, complaint) =
            done.map_err(|_| anyhow!("git {verb} took longer than {} s", patience.as_secs()))??;
        match status.success() {
            true => Ok(said),
            false => Err(anyhow!("git {verb}: {}", self.without_password(&complaint))),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        for setting in ALWAYS {
            command.arg("-c").arg(setting);
        }
        // Nobody's helper is asked, and ours only for the host of the address.
        command.args(["-c", "credential.helper="]);
        if let Some(password) = &self.password
            && let Some(origin) = origin(&self.address)
        {
            command.arg("-c").arg(format!("credential.{origin}.helper={HELPER}"));
            command
                .env("MILENA_GIT_USER", &self.user)
                .env("MILENA_GIT_PASSWORD", password.expose());
        }
        command.arg("--git-dir").arg(&self.folder);
        for inherited in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_CONFIG_PARAMETERS",
            "SSH_ASKPASS",
            "GIT_TRACE",
            "GIT_CURL_VERBOSE",
            "GIT_TRACE_CURL",
        ] {
            command.env_remove(inherited);
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("LC_ALL", "C");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    fn without_password(&self, complaint: &[u8]) -> String {
        let text = String::from_utf8_lossy(complaint);
        let text = text.trim().replace(['\r', '\n'], " ");
        match self.password.as_ref().map(Secret::expose).filter(|password| !password.is_empty()) {
            Some(password) => text.replace(password, "_"),
            None => text,
        }
    }
}

/// `https://host:1` of `https://host:1/path`.
fn origin(address: &str) -> Option<String> {
    let (scheme, rest) =
        address.split_once("://").filter(|(scheme, _)| scheme.starts_with("http"))?;
    let host = rest.split('/').next().filter(|host| !host.contains('@'))?;
    Some(format!("{scheme}://{host}"))
}
