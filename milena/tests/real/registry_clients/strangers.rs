//! Clients of registries that others have written, each a program of `tests/real/clients` that answers questions.

use std::{fs::File, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::registries::{Generation, JAVA, PASSWORD, USER};
use crate::address;

/// How long a program may take to start, to answer or to end: some are of Java, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that runs; killed when it is dropped.
pub(super) struct Stranger {
    child: Child,
    /// It ends when this does.
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
}

/// Which client of Eureka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// py-eureka-client, which reads XML.
    Python,
    /// eureka-js-client, which reads JSON.
    JavaScript,
    /// Spring Cloud's, which is Netflix's; it asks the Config server, too.
    Spring(Generation),
}

impl Stranger {
    /// A service of this name that registers at `http://host:port`, as the instance `id`.
    pub(super) async fn service(kind: Kind, registry: &str, name: &str, id: &str) -> Stranger {
        let eureka = format!("{}/eureka/", with_login(registry));
        let settings = json!({ "registry": eureka, "name": name, "id": id }).to_string();
        Stranger::start(match kind {
            Kind::Python => python("discovery.py", &settings),
            Kind::JavaScript => javascript("discovery.js", &settings),
            Kind::Spring(generation) => spring(generation, registry, name, id),
        })
        .await
    }

    /// A reader of the configuration at `http://host:port`, by a program of this name.
    pub(super) async fn reader(program: &str, server: &str, name: &str) -> Stranger {
        let settings = json!({
            "server": format!("{server}/config"), "user": USER, "password": PASSWORD,
            "name": name, "profile": "prod", "label": "main",
        })
        .to_string();
        Stranger::start(if program.ends_with(".py") {
            python(program, &settings)
        } else {
            javascript(program, &settings)
        })
        .await
    }

    /// Starts a program in a folder of its own; returns when it says that it is ready.
    async fn start(mut command: Command) -> Stranger {
        let folder = tempfile::tempdir().unwrap();
        let errors = File::create(folder.path().join("err.txt")).unwrap();
        command.current_dir(folder.path()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stranger = Stranger { child, input, output, folder };
        assert_eq!(stranger.says().await, json!({ "ready": true }));
        stranger
    }

    /// Asks it something; the first word says what. A failure is an answer: `{"error": …}`.
    pub(super) async fn ask(&mut self, question: &[&str]) -> Value {
        let line = format!("{}\n", json!(question));
        self.input.as_mut().unwrap().write_all(line.as_bytes()).await.unwrap();
        self.says().await
    }

    async fn says(&mut self) -> Value {
        let line = timeout(PATIENCE, self.output.next_line()).await.expect("an answer in time");
        let line = line.unwrap().expect("an answer before its end");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Lets it end in good order.
    pub(super) async fn end(mut self) {
        self.input.take();
        let ended = timeout(PATIENCE, self.child.wait()).await.expect("an end in time").unwrap();
        assert!(ended.success(), "{ended}");
    }

    /// Kills it, so that it can tell nobody.
    pub(super) async fn die(mut self) {
        self.child.kill().await.unwrap();
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = std::fs::read(self.folder.path().join("err.txt")).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            let lines: Vec<_> = said.lines().collect();
            let end = lines.len().saturating_sub(30);
            eprintln!("the last words of a stranger:\n{}", lines[end..].join("\n"));
        }
    }
}

/// The address with user and password in it.
pub(super) fn with_login(url: &str) -> String {
    url.replace("://", &format!("://{USER}:{PASSWORD}@"))
}

fn python(program: &str, settings: &str) -> Command {
    let mut command = Command::new(address("REAL_PYTHON"));
    command.arg(format!("{}/python/{program}", address("REAL_CLIENTS"))).arg(settings);
    command
}

fn javascript(program: &str, settings: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(format!("{}/javascript/{program}", address("REAL_CLIENTS"))).arg(settings);
    command
}

/// The elder generation asks for its configuration as the tutorial's services do, the newer one as is usual now.
fn spring(generation: Generation, server: &str, name: &str, id: &str) -> Command {
    let mut command = Command::new("java");
    command.args(JAVA).arg("-jar").arg(generation.jar("client"));
    command.arg(match generation {
        Generation::Boot2 => "--spring.cloud.bootstrap.enabled=true",
        Generation::Boot3 => "--spring.config.import=configserver:",
    });
    command.args([
        format!("--spring.application.name={name}"),
        format!("--eureka.instance.instance-id={id}"),
        format!("--eureka.client.service-url.defaultZone={}/eureka/", with_login(server)),
        format!("--spring.cloud.config.uri={server}/config"),
        format!("--spring.cloud.config.username={USER}"),
        format!("--spring.cloud.config.password={PASSWORD}"),
    ]);
    command
}
