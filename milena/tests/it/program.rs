//! The real program, started as a user would, and killed when the test ends.

mod api;
pub(crate) mod crash_points;

use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

pub(crate) use api::Api;

/// How long the program may take to become ready, or to end: this is a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often to look whether something has happened.
pub(crate) const GLANCE: Duration = Duration::from_millis(5);

/// A program that is running, or has run.
pub(crate) struct Program {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    /// Starts it with these arguments and nothing but these environment variables. What it says goes to files in
    /// the folder, which is also where it works.
    pub(crate) fn start(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Program {
        let [out, err] = ["out.txt", "err.txt"].map(|name| folder.join(name));
        let child = Command::new(env!("CARGO_BIN_EXE_milena"))
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Program { child, out, err }
    }

    /// Waits for the first line on standard output that is complete.
    pub(crate) async fn first_line(&mut self) -> String {
        let complete = || content(&self.out).split_once('\n').map(|(line, _)| line.to_owned());
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait().unwrap();
            if let Some(line) = complete() {
                return line;
            }
            assert!(ended.is_none(), "ended with {ended:?}: {}", self.err());
            assert!(Instant::now() < deadline, "not ready in {PATIENCE:?}: {}", self.err());
            sleep(GLANCE).await;
        }
    }

    /// Waits until it has said this on standard error.
    pub(crate) async fn says(&self, expected: &str) {
        until(&format!("{expected:?} in the log"), async || {
            self.err().contains(expected).then_some(())
        })
        .await;
    }

    /// Waits until it has said this on standard error a second time.
    pub(crate) async fn says_twice(&self, expected: &str) {
        until(&format!("{expected:?} in the log again"), async || {
            (self.err().matches(expected).count() == 2).then_some(())
        })
        .await;
    }

    /// Waits until it has said this on standard output.
    pub(crate) async fn says_on_output(&self, expected: &str) {
        until(&format!("{expected:?} in the output"), async || {
            self.out().contains(expected).then_some(())
        })
        .await;
    }

    pub(crate) fn out(&self) -> String {
        content(&self.out)
    }

    pub(crate) fn err(&self) -> String {
        content(&self.err)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("the program runs")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.id().try_into().unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Kills it as `kill -9` does. It must be running until then.
    pub(crate) async fn kill(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "ended by itself with {ended:?}: {}", self.err());
        self.child.kill().await.unwrap();
    }

    /// Whether it has come to its end.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Ended {
        let status: ExitStatus = timeout(PATIENCE, self.child.wait())
            .await
            .unwrap_or_else(|_| panic!("does not end: {}", self.err()))
            .unwrap();
        Ended { code: status.code(), out: self.out(), err: self.err() }
    }
}

/// A system that is ready, on ports that the system chose.
pub(crate) struct System {
    pub(crate) program: Program,
    pub(crate) api: Api,
}

impl System {
    /// Starts `up --ports 0` with its data in `data` below the folder, and waits until it is ready.
    pub(crate) async fn start(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> System {
        let mut program = System::launch(folder, more, variables);
        let api = Api::new(&program.first_line().await);
        System { program, api }
    }

    /// Starts it without waiting.
    pub(crate) fn launch(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> Program {
        let arguments = [&["up", "--ports", "0", "--data-dir", "data"], more].concat();
        Program::start(folder, &arguments, variables)
    }

    /// Stops it as a service manager does, and finds that it does so in good order.
    pub(crate) async fn stop(self) -> Ended {
        self.program.signal(Signal::TERM);
        let ended = self.program.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        ended
    }
}

/// Waits until `look` finds something.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for {what}");
        sleep(GLANCE).await;
    }
}

/// Subject and `Message-ID` of every mail.
pub(crate) fn mails(folder: &Path) -> HashMap<String, Vec<String>> {
    let mut mails: HashMap<String, Vec<String>> = HashMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let header = |name: &str| {
            let mut lines = text.lines().take_while(|line| !line.is_empty());
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.unwrap_or_else(|| panic!("no {name} in {}: {text}", path.display())).to_owned()
        };
        let subject = header("Subject");
        let name = subject.strip_prefix("Store Alert: ").expect("the subject names the store");
        mails.entry(name.to_owned()).or_default().push(header("Message-ID"));
    }
    mails
}

fn content(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned()
}
