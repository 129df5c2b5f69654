//! What the tour starts: the program as a user would, and the driver of the browser. Both end with their values.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tokio::{
    process::Child,
    time::{sleep, timeout},
};

/// How long a process may take to say that it is ready: this is a debug build.
const START: Duration = Duration::from_mins(1);

/// How often to look whether it has.
const GLANCE: Duration = Duration::from_millis(20);

/// How long the program may take to stop.
const STOP: Duration = Duration::from_secs(15);

/// How much of the program's messages is shown when the tour fails.
const EXCERPT: usize = 4_000;

/// `milena up`, ready.
pub(crate) struct Program {
    process: Process,
    /// Where the tour begins.
    pub(crate) gateway: String,
}

/// Chromedriver, ready.
pub(crate) struct Driver {
    process: Process,
    pub(crate) address: String,
}

/// A process whose words go to a file, which never makes it wait for a reader.
struct Process {
    child: Child,
    words: PathBuf,
}

impl Program {
    /// Starts the program on ports that the system chooses, with its data in a folder.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Program> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_milena"));
        command.args(["up", "--ports", "0"]);
        command.arg("--data-dir").arg(folder.join("data"));
        command.arg("--config-dir").arg(folder.join("config"));
        // It is for the tour, and the program knows no such key.
        command.env_remove("MILENA_SCREENSHOTS");
        let mut process = Process::start(command, folder.join("program.txt"))?;
        let line = process.wait_for(|line| line.starts_with('{').then(|| line.to_owned())).await?;
        let addresses: Value =
            serde_json::from_str(&line).with_context(|| format!("the first line: {line}"))?;
        let gateway =
            addresses["gateway"].as_str().context("the first line names no gateway")?.to_owned();
        Ok(Program { process, gateway })
    }

    /// Stops the program as Ctrl-C would.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        kill_process(self.process.id()?, Signal::INT)?;
        let status = timeout(STOP, self.process.child.wait())
            .await
            .context("the program does not stop")??;
        ensure!(status.success(), "the program stopped with {status}");
        Ok(())
    }

    /// The last that it said.
    pub(crate) fn last_words(&self) -> String {
        self.process.last_words()
    }
}

impl Driver {
    /// Starts chromedriver on a port that the system chooses.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Driver> {
        let mut command = Command::new("chromedriver");
        // A group of its own, so that the browser ends with it whatever happens.
        command.arg("--port=0").process_group(0);
        let mut process = Process::start(command, folder.join("chromedriver.txt"))?;
        let port = process.wait_for(|line| {
            line.split_once("started successfully on port ")?.1.strip_suffix('.')?.parse().ok()
        });
        let port: u16 = port.await?;
        Ok(Driver { process, address: format!("http://127.0.0.1:{port}") })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Ok(group) = self.process.id() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Process {
    fn start(mut command: Command, words: PathBuf) -> anyhow::Result<Process> {
        let what = command.get_program().display().to_string();
        let output = File::create(&words).with_context(|| format!("create {}", words.display()))?;
        command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
        let mut command = tokio::process::Command::from(command);
        let child = command.kill_on_drop(true).spawn().with_context(|| format!("start {what}"))?;
        Ok(Process { child, words })
    }

    /// Waits for the first complete line of which `pick` makes something.
    async fn wait_for<T>(&mut self, pick: impl Fn(&str) -> Option<T>) -> anyhow::Result<T> {
        let deadline = Instant::now() + START;
        loop {
            let ended = self.child.try_wait()?;
            let text = std::fs::read_to_string(&self.words)?;
            if let Some(found) = text
                .split_inclusive('\n')
                .filter_map(|line| line.strip_suffix('\n'))
                .find_map(&pick)
            {
                return Ok(found);
            }
            if let Some(status) = ended {
                bail!("ended with {status} before it was ready; {}", self.last_words());
            }
            ensure!(Instant::now() < deadline, "not ready in {START:?}; {}", self.last_words());
            sleep(GLANCE).await;
        }
    }

    fn id(&self) -> anyhow::Result<Pid> {
        let id = self.child.id().context("the process has ended")?;
        Pid::from_raw(id.try_into()?).context("process id 0")
    }

    fn last_words(&self) -> String {
        let text = std::fs::read(&self.words).unwrap_or_default();
        let text = &text[text.len().saturating_sub(EXCERPT)..];
        format!("last words:\n{}", String::from_utf8_lossy(text))
    }
}

/// Whether there is such a program.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
