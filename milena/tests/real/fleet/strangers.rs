//! Programs that share no code with ours and speak to the same Kafka: the Java service of `tests/real/twin`, and the Python
//! client `tests/real/client.py`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, Command},
};

use super::topic::Topic;
use crate::{address, program::until};

/// How long a member may be silent before its group takes its partitions away, in milliseconds; the least that Kafka takes.
pub(super) const SESSION: &str = "6000";

/// How long a member of a shared group takes for a record, in milliseconds, so that it can be killed in the middle.
const EFFORT: &str = "10";

/// Who reads beside ours.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// The Java service, in the style of one of its profiles.
    Java(Style),
    /// The client of another library.
    Python,
}

/// The two ways in which Spring Cloud Stream is used.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    Annotation,
    Functional,
}

/// A member of a group that is no program of ours; killed when it is dropped.
pub(super) struct Stranger {
    child: Child,
    /// It ends when this does.
    input: Option<ChildStdin>,
    folder: TempDir,
}

impl Stranger {
    /// A member of the topic's group.
    pub(super) fn join(kind: Kind, topic: &Topic) -> Stranger {
        match kind {
            Kind::Java(style) => Stranger::java(style, topic, &format!("--twin.effort={EFFORT}")),
            Kind::Python => {
                let mut command = python();
                command.args(["consume", &topic.name, &topic.group, EFFORT]);
                Stranger::start(command, "handled.jsonl")
            }
        }
    }

    /// A Java service that only announces.
    pub(super) fn announcer(style: Style, topic: &Topic) -> Stranger {
        let bindings = "spring.cloud.stream.bindings";
        let off = format!("--{bindings}.binding-in-store-alert.consumer.auto-startup=false");
        Stranger::java(style, topic, &off)
    }

    fn java(style: Style, topic: &Topic, more: &str) -> Stranger {
        let (kafka, jar) = (address("REAL_KAFKA"), address("REAL_TWIN"));
        let profile = match style {
            Style::Annotation => "annotation",
            Style::Functional => "functional",
        };
        let cloud = "spring.cloud.stream";
        let mut command = Command::new("java");
        // Up in half the time without the second compiler.
        command.args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", &jar, more]).args([
            format!("--spring.profiles.active={profile}"),
            format!("--{cloud}.kafka.binder.brokers={kafka}"),
            format!("--{cloud}.kafka.binder.configuration.session.timeout.ms={SESSION}"),
            format!("--{cloud}.bindings.binding-in-store-alert.destination={}", topic.name),
            format!("--{cloud}.bindings.binding-in-store-alert.group={}", topic.group),
            format!("--{cloud}.bindings.binding-out-store-alert.destination={}", topic.name),
        ]);
        Stranger::start(command, "out.txt")
    }

    /// Starts it in a folder of its own, with its output in a file there.
    fn start(mut command: Command, output: &str) -> Stranger {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| File::create(folder.path().join(name)).unwrap();
        command.current_dir(folder.path()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(file(output)).stderr(file("err.txt"));
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        Stranger { child, input, folder }
    }

    /// Lets it announce these names and statuses; returns when it says that it has.
    pub(super) async fn announce(&mut self, alerts: &[(String, &str)]) {
        let before = self.said("sent");
        for (name, status) in alerts {
            let line = json!({ "storeName": name, "storeStatus": status });
            let input = self.input.as_mut().unwrap();
            input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        }
        let all = before + alerts.len();
        until("the announcements", async || (self.said("sent") == all).then_some(())).await;
    }

    /// The names in what it has handled, in its order.
    pub(super) fn names(&self) -> Vec<String> {
        self.handled().iter().map(|line| line["storeName"].as_str().unwrap().to_owned()).collect()
    }

    /// What it has handled: what the record said, and where it was.
    pub(super) fn handled(&self) -> Vec<Value> {
        let lines = lines(&self.folder.path().join("handled.jsonl"));
        let parsed = lines.iter().map(|line| serde_json::from_str(line).unwrap());
        // The client shows records, whose text is the announcement.
        parsed
            .map(|line: Value| match line["text"].as_str() {
                Some(text) => serde_json::from_str(text).unwrap(),
                None => line,
            })
            .collect()
    }

    /// Kills it as `kill -9` does. It must be running until then.
    pub(super) async fn kill(&mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "it ended by itself");
        self.child.kill().await.unwrap();
    }

    /// Lets it end in good order.
    pub(super) async fn end(mut self) {
        self.input.take();
        let child = &mut self.child;
        until("the end of a stranger", async || child.try_wait().unwrap()).await;
    }

    fn said(&self, word: &str) -> usize {
        lines(&self.folder.path().join("out.txt")).iter().filter(|line| *line == word).count()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = lines(&self.folder.path().join("err.txt"));
            let end = said.len().saturating_sub(20);
            eprintln!("the last words of a stranger:\n{}", said[end..].join("\n"));
        }
    }
}

/// Asks the Python client something, and answers the lines of its answer.
pub(super) async fn ask(arguments: &[&str], input: &[Value]) -> Vec<Value> {
    let mut child = python().args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = child.stdin.take().unwrap();
    let writing = async move {
        for line in input {
            lines.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), writing);
    let output = output.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn python() -> Command {
    let mut command = Command::new(address("REAL_PYTHON"));
    command.arg(address("REAL_CLIENT")).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// The lines of a file that are complete; none while there is no file.
fn lines(file: &PathBuf) -> Vec<String> {
    let text = fs::read(Path::new(file)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let complete = text.rsplit_once('\n').map(|(complete, _)| complete).unwrap_or_default();
    complete.lines().map(str::to_owned).collect()
}
