//! The program under test, when bench starts it itself, on ports that the system chooses.

mod running;

use std::{
    ffi::OsString,
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    task::JoinSet,
    time::{sleep, timeout},
};

pub(crate) use self::running::{Running, Signal};

/// How long the program may take until it says that it is ready.
const START: Duration = Duration::from_secs(60);

/// How long it may take to end.
const STOP: Duration = Duration::from_secs(15);

/// The longest first line that is read.
const LINE_LIMIT: u64 = 64 * 1024;

/// How much of the program's own messages is shown when it does not start.
const EXCERPT: usize = 2_000;

/// How the variables begin that the project's script for real servers leaves in the environment of everything that it
/// starts. The program would take them for misspelt ones of its own.
const OF_TEST_SERVERS: &[u8] = b"REAL_";

/// How to start the program; it can be started again on the same data.
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, String)>,
    messages: PathBuf,
}

/// Where the parts of a system answer: the program's first line, a JSON object.
pub(crate) struct Addresses(Value);

impl Program {
    /// `path words… --data-dir DATA`, where the data and the program's own messages go to `folder`.
    pub(crate) fn new(path: PathBuf, folder: &Path, words: &[&str]) -> Program {
        let mut program = Program::without_data(path, folder, words);
        program.arguments.extend(["--data-dir".into(), folder.join("data").into()]);
        program
    }

    /// `path words…`, of a program that keeps nothing; its own messages go to `folder`.
    pub(crate) fn without_data(path: PathBuf, folder: &Path, words: &[&str]) -> Program {
        let arguments = words.iter().map(OsString::from).collect();
        Program { path, arguments, variables: Vec::new(), messages: folder.join("messages.txt") }
    }

    /// The whole system, sending its mails to `mail`.
    pub(crate) fn up(path: PathBuf, folder: &Path, mail: SocketAddr) -> Program {
        let words = [
            "up",
            "--ports",
            "0",
            "--log-format",
            "json",
            "--distribution-list",
            "everyone@example.com",
        ];
        Program::new(path, folder, &words).mailing_to(mail)
    }

    /// The same program, sending its mails to a receiver that speaks no TLS.
    pub(crate) fn mailing_to(self, mail: SocketAddr) -> Program {
        self.with("SPRING_MAIL_HOST", mail.ip().to_string())
            .with("SPRING_MAIL_PORT", mail.port().to_string())
            .with("SPRING_MAIL_PROPERTIES_MAIL_SMTP_STARTTLS_ENABLE", "false")
            .with("SPRING_MAIL_PROPERTIES_MAIL_SMTP_STARTTLS_REQUIRED", "false")
    }

    /// The same program with a variable in its environment.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Program {
        self.variables.push((name, value.into()));
        self
    }

    /// The executable `milena` beside this one.
    ///
    /// # Errors
    /// Says how to build it when it is not there.
    pub(crate) fn beside_this() -> anyhow::Result<PathBuf> {
        let this = std::env::current_exe().context("find this program's own folder")?;
        let path = this.with_file_name("milena");
        if !path.is_file() {
            bail!(
                "there is no program {}: build all of the workspace first, in the same profile, or name one with --program",
                path.display()
            );
        }
        Ok(path)
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(&self) -> anyhow::Result<Running> {
        let began = Instant::now();
        let mut child = self.spawn()?;
        let mut output =
            BufReader::new(child.stdout.take().context("the program's output is not piped")?);
        let line = match timeout(START, first_line(&mut output)).await {
            Ok(line) => line.context("read the program's first line")?,
            Err(_) => bail!(
                "{} was not ready in {} s; its last words:\n{}",
                self.path.display(),
                START.as_secs(),
                self.last_words()
            ),
        };
        let ready = began.elapsed();
        let Some(line) = line else {
            let status = timeout(STOP, child.wait())
                .await
                .context("the program closed its output and did not end")??;
            bail!(
                "{} ended with {status} before it was ready; its last words:\n{}",
                self.path.display(),
                self.last_words()
            );
        };
        let addresses = Addresses::parse(&line)
            .with_context(|| format!("the first line of {}: {line}", self.path.display()))?;
        let mut listener = JoinSet::new();
        listener.spawn(async move {
            // An error here means that the program has ended, which its exit status tells better.
            let _ = tokio::io::copy_buf(&mut output, &mut tokio::io::sink()).await;
        });
        Ok(Running { child, addresses, began, ready, _listener: listener })
    }

    /// Starts it, and kills it so long after that, whether or not it is ready.
    ///
    /// # Errors
    /// When it has ended by itself before.
    pub(crate) async fn start_and_kill(&self, moment: Duration) -> anyhow::Result<()> {
        let mut child = self.spawn()?;
        sleep(moment).await;
        if let Some(status) = child.try_wait().context("look after the program")? {
            bail!("the program ended with {status} while it started; {}", self.last_words());
        }
        running::kill(&mut child).await
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        self.command()?.spawn().with_context(|| format!("start {}", self.path.display()))
    }

    fn command(&self) -> anyhow::Result<Command> {
        // What an earlier run of the same program has said is kept.
        let messages = File::options().create(true).append(true).open(&self.messages);
        let messages = messages.with_context(|| format!("open {}", self.messages.display()))?;
        let mut command = Command::new(&self.path);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(OF_TEST_SERVERS) {
                command.env_remove(name);
            }
        }
        command
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(messages)
            .kill_on_drop(true);
        Ok(command)
    }

    fn last_words(&self) -> String {
        let text = std::fs::read(&self.messages).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(EXCERPT)..]).into_owned()
    }
}

impl Addresses {
    fn parse(line: &str) -> anyhow::Result<Addresses> {
        Ok(Addresses(serde_json::from_str(line).context("not JSON")?))
    }

    /// The address of a part.
    ///
    /// # Errors
    /// Quotes the line that does not have it.
    pub(crate) fn of(&self, part: &str) -> anyhow::Result<&str> {
        let address = self.0.get(part).and_then(Value::as_str);
        address.with_context(|| format!("the program's first line has no {part:?}: {}", self.0))
    }
}

/// A temporary folder for a program's data, beside the program unless `parent` says where: on many machines the usual
/// place for temporary files is memory, which would make every commit look free.
pub(crate) fn folder(program: &Path, parent: Option<&Path>) -> anyhow::Result<TempDir> {
    let parent = parent.or(program.parent()).unwrap_or(Path::new("."));
    let make = || {
        std::fs::create_dir_all(parent)?;
        tempfile::Builder::new().prefix("bench-").tempdir_in(parent)
    };
    make().with_context(|| {
        format!("create a folder in {}; --data-dir names another", parent.display())
    })
}

async fn first_line(output: &mut BufReader<ChildStdout>) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    output.take(LINE_LIMIT).read_line(&mut line).await?;
    Ok(Some(line.trim().to_owned()).filter(|line| !line.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = r#"{"gateway":"http://127.0.0.1:1","registry":"http://127.0.0.1:2","store":"http://127.0.0.1:3","alert":"http://127.0.0.1:4","issuer":"http://127.0.0.1:5/realms/jhipster","smtp":"127.0.0.1:6","pid":7}"#;

    /// A shell script in place of the program.
    fn program(folder: &Path, script: &str) -> Program {
        Program::new("/bin/sh".into(), folder, &["-c", script])
    }

    #[tokio::test]
    async fn a_program_that_says_it_is_ready_can_be_measured_and_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("trap 'exit 0' TERM\necho '{READY}'\nwhile :; do sleep 0.01; done");
        let running = program(folder.path(), &script).start().await.unwrap();
        assert_eq!(running.addresses.of("issuer").unwrap(), "http://127.0.0.1:5/realms/jhipster");
        assert!(running.process().unwrap().resident_megabytes().unwrap() > 0.0);
        assert!(running.stop().await.unwrap() < STOP);
    }

    #[tokio::test]
    async fn a_program_that_fails_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let started = program(folder.path(), "echo no luck >&2; exit 3").start().await;
        let cause = started.err().unwrap().to_string();
        assert!(cause.contains("exit status: 3") && cause.contains("no luck"), "{cause}");
    }

    #[tokio::test]
    async fn a_program_that_stops_badly_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("trap 'exit 9' TERM\necho '{READY}'\nwhile :; do sleep 0.01; done");
        let cause =
            program(folder.path(), &script).start().await.unwrap().stop().await.unwrap_err();
        assert!(cause.to_string().contains("exit status: 9"), "{cause}");
    }

    #[tokio::test]
    async fn a_program_has_the_environment_that_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let script =
            r#"trap 'exit 0' TERM; echo "{\"store\":\"$WHERE\"}"; while :; do sleep 0.01; done"#;
        let program = program(folder.path(), script).with("WHERE", "http://here:1");
        let running = program.start().await.unwrap();
        assert_eq!(running.addresses.of("store").unwrap(), "http://here:1");
        running.stop().await.unwrap();
    }

    #[test]
    fn a_first_line_without_an_address_is_quoted() {
        let addresses = Addresses::parse(r#"{"gateway":"x"}"#).unwrap();
        let cause = addresses.of("issuer").unwrap_err().to_string();
        assert_eq!(cause, r#"the program's first line has no "issuer": {"gateway":"x"}"#);
    }
}
